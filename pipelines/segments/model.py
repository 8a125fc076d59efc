"""A segment and its syncs, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pipelines.segments.attributes import Attribute
from pipelines.segments.entry_exit import EntryExit
from pipelines.segments.holdout import Holdout
from pipelines.segments.policy import ProfileName

DriftPolicy = Literal["report_only", "ours_wins"]
"""When the tool's list of members differs from what was sent: nothing is changed, or the next push makes it right."""


Mode = Literal["static", "scheduled", "dynamic"]
"""When who is in a segment may change: never, every night, or also as soon as something arrives about a person."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What the segment is for, measurably."""

    metric: str
    direction: Literal["up", "down"]
    target: str
    by: date


@dataclass(frozen=True, slots=True)
class Sync:
    """One audience: a segment at a destination account."""

    destination: str
    audience: str
    """Name shown on the platform."""
    max_removed: float | None = None
    """Share that one run may remove; None: the operator's default."""
    drift: DriftPolicy = "report_only"
    """What becomes of members whom somebody else added or took out."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """The connector's own options, already validated by its model."""
    attributes: tuple[Attribute, ...] = ()
    """Columns that are sent as the tool's fields about people."""
    exclude: tuple[str, ...] = ()
    """Segments whose people this audience leaves out."""


@dataclass(frozen=True, slots=True)
class Template:
    """One segment for each value of a column, and one for the rest."""

    over: str
    """A column of ``features``."""
    values: tuple[str | int, ...]
    min_size: int
    """A value with fewer people on a day joins the rest on that day."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A rule that yields people as of a date, with its purpose."""

    name: str
    path: Path
    sql: str
    """The SELECT, without the header; line 1 of it is line ``sql_line`` of the file."""
    sql_line: int
    title: str
    description: str
    types: tuple[str, ...]
    owner: str
    goal: Goal
    treatment: str
    universe: str
    reads: frozenset[str]
    """Tables the SQL reads, and those that its layers read."""
    syncs: tuple[Sync, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    formerly: str | None = None
    review_by: date | None = None
    min_size: int | None = None
    priority: int | None = None
    """The place in its waterfall; the lowest takes its people first."""
    policy: tuple[str, ...] = ()
    evidence: str | None = None
    """The analysis or test that supports the rule."""
    persona: str | None = None
    """A name and a short portrait of its people."""
    layers: tuple[str, ...] = ()
    """Segments that the SQL reads itself."""
    builds_on: tuple[Segment, ...] = ()
    """Every segment below it, each before those that are built on it."""
    entry_exit: EntryExit | None = None
    """What keeps its people from coming and going; None: the SQL alone decides."""
    profile: ProfileName | None = None
    """A policy profile whose rules hold besides the project's."""
    frozen_on: date | None = None
    """The day whose people a static segment holds."""
    mode: Mode = "scheduled"
    """When its people may change."""
    waterfall: str | None = None
    """The group of segments that exclude each other."""
    holdout: Holdout | None = None
    """Whom no audience of it is sent."""
    template: Template | None = None
    """What it was made into; its audiences are those of the segments made of it."""
    after: tuple[Segment, ...] = ()
    """Those that take their people first in its waterfall, the first one first."""
