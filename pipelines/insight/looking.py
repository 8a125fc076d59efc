"""A segment on a day as it was looked at, as a value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipelines.insight.reaching import Reach
from pipelines.warehouse.sizing import Sized


@dataclass(frozen=True, slots=True)
class Preview:
    """A segment on a day, run now; nothing is kept or sent."""

    segment: str
    as_of: date
    sized: Sized
    reach: tuple[Reach, ...]
    floor: int = 1
    """People below which a count of a breakdown is not shown."""
