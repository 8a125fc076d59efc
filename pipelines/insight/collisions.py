"""Who is wanted by several segments: what each waterfall decides about them, and where nothing decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pipelines.engine import Taken
from pipelines.names import unknown_name
from pipelines.project import Project
from pipelines.segments import waterfall
from pipelines.segments.model import Segment
from pipelines.warehouse import DuckDBEngine
from pipelines.warehouse.crowding import Crowding


@dataclass(frozen=True, slots=True)
class Place:
    """One segment in its waterfall on a day, run now."""

    segment: str
    priority: int
    left: int
    """People who stay in it."""
    taken: tuple[Taken, ...]
    """Whom those before it took."""

    @property
    def own(self) -> int:
        """Whom its own rule selects."""
        return self.left + sum(one.people for one in self.taken)


@dataclass(frozen=True, slots=True)
class Waterfall:
    """A group of segments, the first one first."""

    group: str
    places: tuple[Place, ...]

    @property
    def people(self) -> int:
        """Everybody in the group, each in one segment."""
        return sum(place.left for place in self.places)


@dataclass(frozen=True, slots=True)
class Collisions:
    """Waterfalls on a day, and people whom no waterfall decides about."""

    as_of: date
    waterfalls: tuple[Waterfall, ...]
    undecided: Crowding | None
    """Of segments in no waterfall, as they were computed; None: one group was asked about."""


def collisions(project: Project, group: str | None = None, as_of: date | None = None) -> Collisions:
    """Look at all waterfalls, or at one, by default as of the newest day; keeps nothing.

    Raises UnknownName for a group that no segment names, SegmentError, WarehouseMissing.
    """
    groups = waterfall.groups(project.segments)
    if group is not None and group not in groups:
        raise unknown_name("waterfall", group, list(groups))
    with project.engine(read_only=True) as engine, engine.snapshot():
        day = as_of or engine.newest_day() or project.newest_as_of
        chosen = groups if group is None else {group: groups[group]}
        found = tuple(_waterfall(engine, name, members, day) for name, members in chosen.items())
        undecided = engine.crowding(_alone(project.segments), day) if group is None else None
    return Collisions(day, found, undecided)


def _waterfall(engine: DuckDBEngine, name: str, members: Sequence[Segment], day: date) -> Waterfall:
    return Waterfall(name, tuple(_place(engine, member, day) for member in members))


def _place(engine: DuckDBEngine, segment: Segment, day: date) -> Place:
    sized = engine.measure(segment, day)
    return Place(segment.name, segment.priority or 0, sized.size, sized.taken)


def _alone(segments: Sequence[Segment]) -> list[str]:
    """Segments that no waterfall decides about; a template is in its parts already."""
    return [one.name for one in segments if one.waterfall is None and one.template is None]
