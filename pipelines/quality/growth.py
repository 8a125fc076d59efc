"""FRE-3: a segment since it was made: its size on every computed day, who came and left, what its people are like,
and what they then did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from pipelines.insight.explaining import definition_of
from pipelines.project import Project
from pipelines.quality.gathering import Inspection, inspection
from pipelines.quality.metrics import Metric
from pipelines.segments.model import Segment
from pipelines.sources.origins import features_named
from pipelines.warehouse import evidence

BLOCKS = "▁▂▃▄▅▆▇█"
"""A sparkline's heights."""
MOST_FEATURES = 3
"""Features of a rule that are followed, the first that it names in the table's order."""
MOST_WINDOWS = 12
"""Days for which the goal metric is computed, evenly spaced: each is a look at everything that was done after it."""


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
    composition: Mapping[str, float] = field(default_factory=dict)
    """The mean among its people of numeric features that the rule names; nothing of fewer people than the floor."""
    goal: float | None = None
    """The mean of the goal metric in the days after; None where that was not looked at, or is not over."""

    @property
    def share(self) -> float:
        """Size over universe, 0 when the universe is empty."""
        return self.size / self.universe if self.universe else 0.0


def growth(project: Project, segment: str) -> tuple[Grown, ...]:
    """The kept days of a segment, oldest first. Raises UnknownName, SegmentError, WarehouseMissing."""
    definition = definition_of(project, segment)
    with inspection(project) as found:
        days = found.engine.ask(lambda cursor: evidence.growth(cursor, definition.name))
        enough = [day.as_of for day, _, _ in days if day.size >= project.settings.cell_floor]
        made_of = _composition(found, definition, enough)
        goals = _goals(found, definition, enough)
    return tuple(
        Grown(
            day.as_of,
            day.size,
            day.universe,
            came,
            left,
            day.definition,
            made_of.get(day.as_of, {}),
            goals.get(day.as_of),
        )
        for day, came, left in days
    )


def _composition(
    found: Inspection, segment: Segment, days: Iterable[date]
) -> Mapping[date, Mapping[str, float]]:
    named = features_named(segment)
    columns = [name for name in found.numeric if name in named][:MOST_FEATURES]
    means = found.engine.ask(lambda cursor: evidence.composition(cursor, segment.name, columns))
    return {
        day: {name: mean for name, mean in means[day].items() if mean is not None}
        for day in days
        if day in means
    }


def _goals(found: Inspection, segment: Segment, days: Sequence[date]) -> Mapping[date, float]:
    metric = found.metric(segment)
    if metric is None:
        return {}
    over = [day for day in days if day + timedelta(days=metric.days) <= found.day]
    chosen = _spaced(over, MOST_WINDOWS)
    people = found.engine.ask(lambda cursor: evidence.members(cursor, segment.name, chosen))
    means = {day: _mean(found, metric, day, people[day]) for day in chosen}
    return {day: mean for day, mean in means.items() if mean is not None}


def _mean(found: Inspection, metric: Metric, day: date, people: frozenset[int]) -> float | None:
    table = found.outcomes(metric, day)
    theirs = np.isin(table.column("person_no").to_numpy(), list(people))
    values = evidence.as_numbers(table, "value")[theirs]
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) >= found.project.settings.cell_floor else None


def _spaced(items: Sequence[date], most: int) -> list[date]:
    """At most so many, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(n * (len(items) - 1) / (most - 1))] for n in range(most)]


def sparkline(sizes: Sequence[float], width: int = 60) -> str:
    """Sizes as a line of blocks, the lowest block for the smallest; of more than ``width`` evenly spaced ones."""
    if len(sizes) > width:
        sizes = [sizes[round(n * (len(sizes) - 1) / (width - 1))] for n in range(width)]
    if not sizes:
        return ""
    low, high = min(sizes), max(sizes)
    if low == high:
        return BLOCKS[3] * len(sizes)
    return "".join(BLOCKS[round((size - low) / (high - low) * (len(BLOCKS) - 1))] for size in sizes)
