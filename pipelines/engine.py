"""The warehouse as the rest of Turnout sees it: eight calls, so that another engine can stand in for DuckDB.

Errors:

    EngineError
    ├── WarehouseBusy       another process holds it
    └── WarehouseMissing    the sources were never loaded

A mistake in a segment is a ``SegmentError`` (``pipelines.segments.errors``).

Nothing here is proportional to the number of people except ``export``, which streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import pyarrow as pa

from pipelines.segments.attributes import Attribute
from pipelines.segments.holdout import Holdout
from pipelines.segments.model import Segment


@dataclass(frozen=True, slots=True)
class PeopleChanged:
    """Everybody whose row in ``people`` changed after ``since`` (0: everybody).

    Yields ``person_no`` int32, ``revision`` int64, the asked columns as text, ``granted`` list of text
    (consent purposes in force, sorted) and ``suppressed`` text (reason, or null).
    An erased person stays as a row: columns null, ``suppressed`` set.
    """

    since: int
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PeopleByNumber:
    """The asked columns of these people, with ``person_no``; people not found are absent."""

    numbers: pa.Array
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Members:
    """``person_no`` (int32, distinct) of everybody in a segment on a day."""

    segment: str
    as_of: date


@dataclass(frozen=True, slots=True)
class AttributeValues:
    """What these people's columns of ``features`` hold on a day, for tools that have fields about people.

    Yields ``person_no`` int32 and ``attributes``: a JSON object by the fields' names in the order declared, without
    those of which nothing is known; the same values are the same text. People without features are absent.
    """

    as_of: date
    attributes: tuple[Attribute, ...]
    numbers: pa.Array


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Whom of these people one of the draws holds out, by the key that the sources know them by.

    Yields ``person_no`` int32 and ``reason`` text, the reason of the first of the draws that holds them out; everybody
    else is absent. Keys do not leave the warehouse.
    """

    draws: tuple[Holdout, ...]
    """At least one."""
    numbers: pa.Array


Export = PeopleChanged | PeopleByNumber | Members | AttributeValues | HeldOut


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Which engine this is."""

    name: str
    version: str
    location: str
    identity: str
    """Of this warehouse and no other, also not of the same one built anew: people's numbers hold within it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A segment that another one is built on, on the day that was computed."""

    segment: str
    size: int
    shared: int
    """How many of its people are in the segment on top."""


@dataclass(frozen=True, slots=True)
class Taken:
    """People whom a segment lost to one that comes before it in their waterfall."""

    segment: str
    """The first that has them."""
    people: int


@dataclass(frozen=True, slots=True)
class Profile:
    """A computed segment in numbers."""

    segment: str
    as_of: date
    size: int
    universe: int
    """People in the segment's universe on that day."""
    duplicates: int = 0
    """Rows beyond the first of a person, which the query returned and the engine dropped."""
    layers: tuple[Layer, ...] = ()
    """What it was built on, when it was just computed."""
    taken: tuple[Taken, ...] = ()
    """Whom its waterfall took from it, when it was just computed."""

    @property
    def share(self) -> float:
        """Size over universe, 0 when the universe is empty."""
        return self.size / self.universe if self.universe else 0.0


class EngineError(Exception):
    """The warehouse cannot do what was asked; the sentence says why and what to do."""


class WarehouseBusy(EngineError):
    """Another process holds the warehouse; the sentence names it."""


class WarehouseMissing(EngineError):
    """There is no warehouse yet, or a table that every load makes is not in it."""


class Engine(Protocol):
    """The warehouse that holds people, features and segments."""

    def check(self) -> EngineInfo:
        """Open or reach the warehouse; raises WarehouseBusy or WarehouseMissing with a sentence."""
        ...

    def snapshot(self) -> AbstractContextManager[None]:
        """One consistent, read-only view for everything exported inside the block."""
        ...

    def latest(self, segment: str) -> date | None:
        """The newest day on which a segment was computed, None when it never was."""
        ...

    def newest_day(self) -> date | None:
        """The newest day for which features exist: a segment behind it failed or was left out."""
        ...

    def run_segment(self, segment: Segment, as_of: date) -> Profile:
        """Compute a segment for a day, replacing that day's rows; raises SegmentError."""
        ...

    def run_together(self, segments: Sequence[Segment], as_of: date) -> Sequence[Profile]:
        """Compute in one pass those of the segments that allow it, replacing the day's rows; the others are left."""
        ...

    def export(self, export: Export) -> pa.RecordBatchReader:
        """Stream rows as Arrow; inside a snapshot the batches agree with each other.

        Raises EngineError for an unknown column or a segment that was not computed on that day.
        """
        ...

    def profile(self, segment: str, as_of: date) -> Profile | None:
        """Size and share of a computed segment, None when that day was not computed."""
        ...

    def close(self) -> None:
        """Let go of the warehouse, so that others can write."""
        ...
