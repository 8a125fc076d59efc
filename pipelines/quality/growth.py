"""FRE-3: a segment since it was made: its size on every computed day, and who came and left since the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pipelines.insight.explaining import definition_of
from pipelines.project import Project
from pipelines.warehouse import evidence

BLOCKS = "▁▂▃▄▅▆▇█"
"""A sparkline's heights."""


@dataclass(frozen=True, slots=True)
class Grown:
    """One computed day."""

    as_of: date
    size: int
    universe: int
    entered: int
    """Since the computed day before; 0 on the first."""
    left: int
    definition: str | None = None
    """The version of the definition that made the day; None: computed before versions were kept."""

    @property
    def share(self) -> float:
        """Size over universe, 0 when the universe is empty."""
        return self.size / self.universe if self.universe else 0.0


def growth(project: Project, segment: str) -> tuple[Grown, ...]:
    """The kept days of a segment, oldest first. Raises UnknownName, SegmentError, WarehouseMissing."""
    definition = definition_of(project, segment)
    with project.engine(read_only=True) as engine, engine.snapshot():
        days = engine.ask(lambda cursor: evidence.growth(cursor, definition.name))
    return tuple(
        Grown(day.as_of, day.size, day.universe, came, left, day.definition) for day, came, left in days
    )


def sparkline(sizes: Sequence[int], width: int = 60) -> str:
    """Sizes as a line of blocks, the lowest block for the smallest; of more than ``width`` evenly spaced ones."""
    if len(sizes) > width:
        sizes = [sizes[round(n * (len(sizes) - 1) / (width - 1))] for n in range(width)]
    if not sizes:
        return ""
    low, high = min(sizes), max(sizes)
    if low == high:
        return BLOCKS[3] * len(sizes)
    return "".join(BLOCKS[round((size - low) / (high - low) * (len(BLOCKS) - 1))] for size in sizes)
