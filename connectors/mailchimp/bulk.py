"""Creating many contacts as one background batch of Mailchimp's.

The batch holds the same single upserts that are otherwise sent one by one, so it can be repeated, and it changes
nobody who is in the list. Its results are not fetched: they lie at an address of somebody else's, and whoever was
not created is named by the tagging that follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import orjson

from connectors.base import Refused, Uncertain
from connectors.clock import Clock
from connectors.platform_ids import platform_id

MOST_OPERATIONS = 500
"""Upserts in one batch: the sheet knows of no limit by the specification, and advises no more."""
FINISHED = "finished"


def batches_of(operations: Sequence[Mapping[str, object]]) -> Iterator[list[Mapping[str, object]]]:
    """Operations in portions that one batch takes."""
    for start in range(0, len(operations), MOST_OPERATIONS):
        yield list(operations[start : start + MOST_OPERATIONS])


def operation(
    number: int, path: str, body: Mapping[str, object], params: Mapping[str, str]
) -> dict[str, object]:
    """One upsert of a batch; the number names it in Mailchimp's own records."""
    return {
        "method": "PUT",
        "path": path,
        "operation_id": f"row-{number}",
        "params": dict(params),
        "body": orjson.dumps(body).decode(),
    }


def wait_for(
    started: Mapping[str, object],
    ask: Callable[[str], Mapping[str, object]],
    clock: Clock,
    *,
    pause_seconds: float,
    longest_seconds: float,
) -> None:
    """Return when the batch has finished; ``ask`` reads its state by id.

    Raises Refused when Mailchimp gave it no id, Uncertain when it takes too long: it goes on there, and the next
    run finds the contacts.
    """
    batch = platform_id(started.get("id"))
    if batch is None:
        raise Refused("Mailchimp: the batch of new contacts was not taken")
    deadline = clock.monotonic() + longest_seconds
    state = started
    while state.get("status") != FINISHED:
        if clock.monotonic() >= deadline:
            raise Uncertain(f"Mailchimp: creating contacts takes longer than {longest_seconds:g} seconds")
        clock.sleep(pause_seconds)
        state = ask(batch)
