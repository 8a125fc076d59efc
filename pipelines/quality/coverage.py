"""QUA-11 over all segments: whom none of them holds, which nobody ever got, which are too small and could be wider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipelines.project import Project
from pipelines.quality import substantial
from pipelines.quality.evidence import Granularity, Unknown, Widening
from pipelines.quality.gathering import inspection
from pipelines.warehouse import evidence


@dataclass(frozen=True, slots=True)
class Small:
    """A segment below its least size."""

    segment: str
    size: int
    least: int
    nearest: Widening | None
    """The smallest change of one bound that would make it large enough; None where no single one does."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """All segments of a day together."""

    as_of: date
    universe: int
    nowhere: int
    """People who are in no computed segment."""
    computed: tuple[str, ...]
    nowhere_sent: tuple[str, ...]
    """Segments without any sync."""
    never_activated: tuple[str, ...]
    """Segments with a sync none of whose audiences was ever made."""
    small: tuple[Small, ...]
    granularity: Granularity


def coverage(project: Project, as_of: date | None = None) -> Coverage:
    """What the computed segments of a day leave out, by default of the newest. Raises WarehouseMissing, StoreBusy."""
    with inspection(project, as_of) as inspected:
        day, engine = inspected.day, inspected.engine
        computed = sorted(inspected.names)
        nowhere, universe = engine.ask(lambda cursor: evidence.in_no_segment(cursor, day, computed))
        sizes = {name: profile.size for name in computed if (profile := engine.profile(name, day))}
        small = []
        for one in project.segments:
            least = substantial.least_of(one)
            if one.name in sizes and sizes[one.name] < least:
                nearest = inspected.widening(one, sizes[one.name])
                found = None if isinstance(nearest, Unknown) else nearest
                small.append(Small(one.name, sizes[one.name], least, found))
        never = [
            one.name
            for one in project.segments
            if one.syncs and not any(inspected.is_opened(sync.destination, one) for sync in one.syncs)
        ]
        return Coverage(
            day,
            universe,
            nowhere,
            tuple(computed),
            tuple(one.name for one in project.segments if not one.syncs),
            tuple(never),
            tuple(small),
            inspected.granularity(),
        )
