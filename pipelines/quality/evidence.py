"""What is known of a segment when it is judged. What could not be found out says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import numpy.typing as npt

from pipelines.insight.looking import Preview
from pipelines.quality.metrics import Metric
from pipelines.segments.model import Segment

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that cannot be told yet."""

    reason: str


@dataclass(frozen=True, slots=True)
class Life:
    """How a segment's people changed up to its day."""

    jaccard: Mapping[int, float]
    """Days back to the Jaccard index with that day, for those of 1, 7, 30 and 90 that are known."""
    turnover: float | None
    """People who came or left a day, as a share of the mean size, over consecutive days only: between days further
    apart people come and leave unseen. None: no two are known."""
    flap: float | None
    """Share of those who left who were back within a week; None while no departure is a week old."""
    days: int
    """Consecutive days behind turnover and flap, the last one included."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The goal metric of everybody in the universe, in the window after a past day."""

    metric: Metric
    day: date
    """The day as of which people are or are not members; the window begins after it."""
    values: Floats
    """One a person, ``nan`` where the metric is not known."""
    member: Flags
    """Whether the person was in the segment as of the day."""

    @property
    def inside(self) -> Floats:
        """The members' known values."""
        chosen: Floats = self.values[self.member & ~np.isnan(self.values)]
        return chosen

    @property
    def known(self) -> float:
        """Share of the members of whom the metric is known, 0 to 1; 0 without members."""
        members = int(self.member.sum())
        return len(self.inside) / members if members else 0.0


@dataclass(frozen=True, slots=True)
class Lift:
    """The effect of a segment's treatment against its holdout, relative to the holdout's mean, with its interval."""

    effect: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Together:
    """A set of segments that are meant to divide people among them."""

    name: str
    features: tuple[str, ...]
    groups: Mapping[str, Floats]
    """Segment to the standardised features of its people, one row a person; of those who are in one alone."""
    shared: int
    """People who are in several of the set, and so in none of the groups."""


@dataclass(frozen=True, slots=True)
class Widening:
    """The nearest other bound that would make a segment large enough."""

    says: str
    """The condition as it would read."""
    size: int


@dataclass(frozen=True, slots=True)
class Splitting:
    """The feature by which a segment falls apart best, in what its goal metric does."""

    feature: str
    bound: float
    below: int
    """People whose feature is below the bound."""
    above: int
    gain: float
    """Share of the metric's variance within the segment that the split explains (eta²), 0 to 1."""


@dataclass(frozen=True, slots=True)
class Granularity:
    """All active segments beside what can be treated and tested."""

    active: int
    """Segments with a sync."""
    treatments: int
    """Different treatments among them."""
    required: int
    """People that tests of all whose metric is known would need."""
    tested: int
    """How many segments that sum is over."""
    universe: int


@dataclass(frozen=True, slots=True)
class DataState:
    """The data that a segment rests on."""

    failed: tuple[str, ...] = ()
    """Sources that could not be loaded the last time, or were older than they may be, each with its reason."""
    errors: tuple[str, ...] = ()
    """Data checks of severity error that do not hold, as sentences."""
    warnings: tuple[str, ...] = ()
    """The same of severity warning, and features that are unknown for many."""

    @property
    def grade(self) -> str:
        """The worst of what it reads: ``good``, ``doubtful`` or ``bad``."""
        if self.failed or self.errors:
            return "bad"
        return "doubtful" if self.warnings else "good"


NOT_LOOKED = Unknown("nobody looked")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was found out about one segment as of one day."""

    segment: Segment
    looked: Preview
    today: date
    life: Life | Unknown = NOT_LOOKED
    outcome: Outcome | Unknown = NOT_LOOKED
    lift: Lift | Unknown = Unknown("nothing measures treated people against a holdout yet")
    together: Together | Unknown = NOT_LOOKED
    granularity: Granularity | Unknown = NOT_LOOKED
    widening: Widening | Unknown = NOT_LOOKED
    splitting: Splitting | Unknown = NOT_LOOKED
    data: DataState | Unknown = NOT_LOOKED
    sizes: tuple[tuple[date, int], ...] = ()
    """Sizes of the computed days up to this one, oldest first."""
    activated: Mapping[str, bool] = field(default_factory=dict)
    """Destination to whether an audience was ever opened there."""
    known_metrics: tuple[str, ...] = ()
    """Goal metrics that can be computed, for a goal that names another."""
