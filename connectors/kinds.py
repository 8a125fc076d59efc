"""Platforms that take one kind of identifier a request: a batch of people becomes one request for each kind.

Whoever has several identifiers is in several requests; equal identifiers of a kind are sent once. A person counts as
refused when the platform refused every identifier of theirs: the others found them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from connectors.base import DeliveryError, Receipt, Refused, Uncertain


@dataclass(frozen=True, slots=True)
class OneKind:
    """The identifiers of one kind in a batch, each once, and the rows that each stands for."""

    kind: str
    values: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one kind's request: positions among its values with reasons, and how many are not named."""

    refused: Mapping[int, str]
    unlocated: int = 0
    reference: str | None = None


def kinds_of(table: pa.Table) -> Iterator[OneKind]:
    """The batch's columns that hold anything, in their order."""
    for name in table.column_names:
        places: dict[str, list[int]] = {}
        for position, value in enumerate(table.column(name).to_pylist()):
            if value:
                places.setdefault(value, []).append(position)
        if places:
            yield OneKind(name, tuple(places), tuple(map(tuple, places.values())))


def send_by_kind(table: pa.Table, send: Callable[[OneKind], Outcome], reference: str) -> Receipt:
    """Send each kind, and make one receipt of the outcomes.

    Raises what ``send`` raises; but once one kind was applied, a refusal of the next leaves the batch Uncertain.
    """
    outcomes: list[tuple[OneKind, Outcome]] = []
    for kind in kinds_of(table):
        try:
            outcomes.append((kind, send(kind)))
        except Refused as error:
            if not outcomes:
                raise
            raise Uncertain(f"{error} (another kind of identifier was taken)") from None
        except DeliveryError as error:
            error.maybe_applied = error.maybe_applied or bool(outcomes)
            raise
    return _receipt(outcomes, reference)


def _receipt(outcomes: Sequence[tuple[OneKind, Outcome]], reference: str) -> Receipt:
    sent: dict[int, int] = {}
    refused: dict[int, list[str]] = {}
    for kind, outcome in outcomes:
        for place, rows in enumerate(kind.rows):
            for row in rows:
                sent[row] = sent.get(row, 0) + 1
                if place in outcome.refused:
                    refused.setdefault(row, []).append(outcome.refused[place])
    rejected = {row: reasons[0] for row, reasons in refused.items() if len(reasons) == sent[row]}
    told = [outcome.reference for _, outcome in outcomes if outcome.reference]
    return Receipt("applied", told[-1] if told else reference, rejected, _unlocated(outcomes))


def _unlocated(outcomes: Sequence[tuple[OneKind, Outcome]]) -> int:
    """Unnamed refusals are people where there is one kind; with several, the most that it can be of any kind."""
    return max((outcome.unlocated for _, outcome in outcomes), default=0)
