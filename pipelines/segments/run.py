"""Computing many segments for a day: in one pass where they allow it, and whatever becomes of their neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from pipelines.engine import Engine, Profile
from pipelines.segments.errors import SegmentError
from pipelines.segments.freezing import counted_on
from pipelines.segments.load import BrokenSegment, Loaded
from pipelines.segments.model import Segment


@dataclass(frozen=True, slots=True)
class Computed:
    """A segment that was computed, and what its author should know about the result."""

    segment: Segment
    profile: Profile
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """A segment that has no new rows for the day, and why; the rows of other days stay."""

    name: str
    as_of: date
    error: SegmentError


Outcome = Computed | Failed
Progress = Callable[[Outcome], None]


def compute(
    engine: Engine,
    segments: Iterable[Loaded],
    as_of: date,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Compute every segment for ``as_of``, in the order given; ``progress`` hears each outcome at once.

    A broken segment and a failing query give a Failed in their place. Raises EngineError when the warehouse
    itself cannot be used.
    """
    segments = list(segments)
    together = engine.run_together([one for one in segments if isinstance(one, Segment)], as_of)
    computed = {profile.segment: profile for profile in together}
    outcomes = []
    for one in segments:
        outcome = _outcome(engine, one, as_of, computed.get(one.name))
        if progress is not None:
            progress(outcome)
        outcomes.append(outcome)
    return outcomes


def _outcome(engine: Engine, one: Loaded, as_of: date, profile: Profile | None) -> Outcome:
    if isinstance(one, BrokenSegment):
        return Failed(one.name, as_of, one.error)
    try:
        profile = profile or engine.run_segment(one, as_of)
    except SegmentError as error:
        return Failed(one.name, as_of, error)
    return Computed(one, profile, tuple(notes(one, profile)))


def notes(segment: Segment, profile: Profile) -> Iterable[str]:
    """Sentences about a computed segment that need a person, none of which stops it."""
    if segment.min_size is not None and profile.size < segment.min_size:
        yield f"{profile.size:,} people, fewer than its min_size of {segment.min_size:,}"
    if segment.review_by is not None and profile.as_of > segment.review_by:
        yield f"its review was due on {segment.review_by.isoformat()}"
    if segment.frozen_on is not None:
        yield f"static: its people are those of {counted_on(segment, profile.as_of).isoformat()}"
    if profile.duplicates:
        yield f"{profile.duplicates:,} duplicate rows were left out"
