"""Platforms whose requests hold less than a batch does: it becomes several requests and one receipt.

Where a request takes one kind of identifier, whoever has several is in several requests; equal identifiers of a kind
are sent once. A person counts as refused when the platform refused every identifier of theirs: the others found them.
Where every row of a request must be complete, people go by the identifiers that they have.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from connectors.ads import AdConnector
from connectors.base import Audience, Batch, Op, Receipt
from connectors.parts import in_turn


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


@dataclass(frozen=True, slots=True)
class Alike:
    """People of a batch of whom the same identifiers are known: no cell is empty."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def alike(table: pa.Table) -> Iterator[Alike]:
    """The batch by the sets of identifiers that its people have, for platforms where a row must be complete."""
    groups: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for row in table.to_pylist():
        known = {name: value for name, value in row.items() if value}
        if known:
            groups.setdefault(tuple(known), []).append(tuple(known.values()))
    for columns, rows in groups.items():
        yield Alike(columns, tuple(rows))


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
    return _receipt(in_turn(kinds_of(table), send), reference)


class OneKindConnector(AdConnector):
    """An account of a platform whose requests take one kind of identifier each."""

    @abstractmethod
    def change_kind(self, op: Op, audience: Audience, kind: OneKind) -> Outcome:
        """One request: these identifiers into the audience, or out of it."""

    def requests_for(self, op: Op, rows: int) -> int:
        """One for each kind of identifier."""
        return len(self.identity.handle)

    def change(self, op: Op, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Kind by kind; out of the audience too, as every identifier that was added is a member by itself."""
        return send_by_kind(rows, lambda kind: self.change_kind(op, audience, kind), batch.id)


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
