"""Static segments: who was in them on one day stays in them, and the day is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from pipelines.segments.errors import SegmentError
from pipelines.segments.model import Mode, Segment


def check_freeze(
    path: Path, mode: Mode, frozen_on: date | None, line: Callable[[tuple[str, ...]], int]
) -> None:
    """Raise SegmentError unless a static segment names its day, and no other does. ``line`` finds a key's line."""
    if mode == "static" and frozen_on is None:
        raise SegmentError(
            path,
            "a static segment says on which day its people were taken",
            line=line(("mode",)),
            fix="add frozen_on = 2017-12-31, say",
        )
    if mode != "static" and frozen_on is not None:
        raise SegmentError(
            path,
            f"frozen_on stands in a {mode} segment, whose people change",
            line=line(("frozen_on",)),
            fix='remove it, or write mode = "static"',
        )


def counted_on(segment: Segment, as_of: date) -> date:
    """The day whose people the segment holds as of a day: until it is frozen its rule is followed as any other's."""
    return as_of if segment.frozen_on is None else min(as_of, segment.frozen_on)


def freeze_days(segment: Segment, as_of: date) -> set[date]:
    """The days besides ``as_of`` that the segment and its layers are counted on."""
    return {counted_on(one, as_of) for one in (segment, *segment.builds_on)} - {as_of}
