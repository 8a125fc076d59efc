"""Retiring an audience: everybody leaves it on the platform, then its books are closed.

Past the guard against large removals, because it is asked for by name. Can be repeated at any time; the books close
only when every removal has its verdict and no late copy of an earlier request can undo it any more.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from connectors.base import DeliveryError
from pipelines.delivery import delivery as engine
from pipelines.delivery.guards import Overrides
from pipelines.delivery.journal import Journal
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.model import Account, Delivery, Push, quiet
from pipelines.names import unknown_name
from pipelines.project import Project
from pipelines.segments.load import BrokenSegment
from pipelines.segments.model import Sync

PAUSE_SECONDS = 2.0
"""Between two questions for a verdict that is still to come."""


class RetirementRefused(Exception):
    """The audience is still asked for; the sentence names the file."""


@dataclass(frozen=True, slots=True)
class Retired:
    """What became of an audience that is to be retired."""

    destination: str
    segment: str
    audience: str
    state: Literal["closed", "leaving", "settling", "failed"]
    removed: int
    left_behind: int
    """Members that stay on the platform, known to nobody any more."""
    sentence: str

    @property
    def name(self) -> str:
        """As commands take it."""
        return f"{self.destination}/{self.segment}"


def retire(
    project: Project,
    name: str,
    *,
    who: str,
    why: str,
    keep_members: bool = False,
    wait_seconds: float = 0,
    run_id: str | None = None,
) -> Retired:
    """Retire ``DESTINATION/SEGMENT``; ``keep_members`` only forgets it and leaves its people where they are.

    Verdicts that are still to come are waited for up to ``wait_seconds``. Raises UnknownName for an audience that was
    never opened, RetirementRefused while a segment's file fills it, StoreBusy and StoreDamaged.
    """
    destination, segment, audience = _known(project, name)
    _refuse_while_asked_for(project, destination, segment)
    if keep_members:
        return _forget(project, destination, segment, audience, who, why)
    push = Push(
        segment,
        Sync(destination, audience),
        project.connector_types[destination].options_type(),
        project.deliveries.bounds(Sync(destination, audience)),
        reason="retired",
        people=_nobody,
    )
    run = project.deliveries.new_run(overrides=Overrides(True, True, who, why), run_id=run_id)
    deadline = time.monotonic() + wait_seconds
    removed = 0
    try:
        with project.deliveries.connected(destination) as account:
            while True:
                [done] = engine.deliver(account, [push], run, quiet)
                removed += done.removed
                state = _conclude(project, account, done, who, why)
                if state != "leaving" or time.monotonic() >= deadline:
                    break
                time.sleep(min(PAUSE_SECONDS, max(0.0, deadline - time.monotonic())))
    except DeliveryError as error:
        return Retired(destination, segment, audience, "failed", removed, 0, str(error))
    return Retired(destination, segment, audience, state, removed, 0, _sentence(state, done))


def _known(project: Project, name: str) -> tuple[str, str, str]:
    opened = {
        f"{destination}/{segment}": (destination, segment, audience)
        for destination in project.connector_types
        for segment, audience in project.record.opened_audiences(destination).items()
    }
    if name not in opened:
        raise unknown_name("audience", name, list(opened))
    return opened[name]


def _refuse_while_asked_for(project: Project, destination: str, segment: str) -> None:
    for definition in project.definitions:
        if isinstance(definition, BrokenSegment):
            if definition.name == segment:
                raise RetirementRefused(
                    f"{definition.path} is broken, and it may still fill this audience: repair or delete it first"
                )
            continue
        fills = any(sync.destination == destination for sync in definition.syncs)
        if fills and segment in (definition.name, definition.formerly):
            raise RetirementRefused(
                f"{definition.path} still fills this audience: take its [sync.{destination}] out first"
            )


def _nobody(ledger: Ledger, audience: int) -> pa.Table:
    return pa.table({"person_no": pa.array([], pa.int32())})


def _conclude(
    project: Project, account: Account, done: Delivery, who: str, why: str
) -> Literal["closed", "leaving", "settling", "failed"]:
    """Close the books when nobody is left in them."""
    if done.errors and not _is_gone(project, done):
        return "failed"
    with project.deliveries.books(account) as (journal, ledger):
        number = ledger.audience(done.segment)
        rows = ledger.connection.execute("select count(*) from members where audience = $a", {"a": number})
        left = int(rows.fetchall()[0][0])
        waiting = journal.waiting(done.destination, done.segment)
        if left and waiting:
            return "leaving"
        if left:
            return "settling"
        _close(journal, ledger, number, done.run_id, done.segment, who, why, "retired")
        return "closed"


def _is_gone(project: Project, done: Delivery) -> bool:
    """Whether the platform has no such audience any more: whoever was in it has left with it."""
    return done.segment not in project.record.opened_audiences(done.destination)


def _close(
    journal: Journal, ledger: Ledger, number: int, run_id: str, segment: str, who: str, why: str, word: str
) -> None:
    journal.logbook.decided(run_id, ledger.destination, segment, word, who, why)
    ledger.forget(number)
    journal.forget_audience(ledger.destination, segment)


def _forget(project: Project, destination: str, segment: str, audience: str, who: str, why: str) -> Retired:
    with (
        project.deliveries.connected(destination) as account,
        project.deliveries.books(account) as (journal, ledger),
    ):
        number = ledger.audience(segment)
        rows = ledger.connection.execute("select count(*) from members where audience = $a", {"a": number})
        stays = int(rows.fetchall()[0][0])
        _close(journal, ledger, number, "retire", segment, who, why, "retired, members kept")
    return Retired(
        destination,
        segment,
        audience,
        "closed",
        0,
        stays,
        f"{stays:,} people stay in {audience!r} on the platform and nobody knows of them any more: no opt-out and no "
        "erasure will take them out; delete the audience there when it is not needed",
    )


def _sentence(state: str, done: Delivery) -> str:
    return {
        "closed": "everybody has left, the books are closed; its history is kept",
        "leaving": "the platform has taken the removal and not said yet that it is done; run the same command again",
        "settling": "everybody has left; the books close once no late copy of an earlier request can undo it: run the "
        "same command again later",
        "failed": "; ".join(done.errors),
    }[state]
