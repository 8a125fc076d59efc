"""Groups of people who behave alike: k-means on standardised logarithms, frozen with its scale and its centres.

Fitting again on the next month gives most people another group for no reason of theirs, so a version is fitted once
and only asked from then on. Groups get their names by what they stand out in; a shallow tree says in words who is in
which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
from pydantic import TypeAdapter

from pipelines.models import examples, reasons, surrogate
from pipelines.models.errors import ModelError
from pipelines.models.examples import Examples, Floats
from pipelines.models.extra import needed
from pipelines.models.model import SCORED, Gate, Measure, Sheet, Trained, Window
from pipelines.models.windows import month_end

FROZEN = "clusters.json"
SEED = 7
STARTS = 10
STARTS_AGAIN = 5
RESAMPLES = 10
LARGEST_SAMPLE = 5_000
"""People among whom distances are compared pair by pair: their number grows with the square."""
FEWEST_PEOPLE_A_GROUP = 40
"""Times the number of groups: with fewer people, groups are accidents."""
LEAST_SAME = 0.6
"""Share of people who must have the same group a month later, or a treatment would not outlast its campaign."""
LEAST_STABLE = 0.5
"""Mean adjusted Rand index (Hubert and Arabie 1985) of fits on resampled people; 1 is the same groups, 0 is chance."""
SMALLEST_SHARE = 0.02

Labels = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Group:
    """A name for the group that stands out in something."""

    name: str
    feature: str
    """What it is named for: of the groups that have no name yet, the one with the most (or least) of it."""
    most: bool = True


@dataclass(frozen=True, slots=True)
class Frozen:
    """Scale and centres: everything that puts somebody into a group."""

    population: str
    features: tuple[str, ...]
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    centres: tuple[tuple[float, ...], ...]
    """By group, in the standardised features."""
    names: tuple[str, ...]
    usual: tuple[float, ...]
    """The median of each feature."""

    def standardised(self, values: Floats) -> Floats:
        """``log(1 + x)`` on the scale of the training day; the unknown counts as none."""
        told: Floats = (_logged(values) - np.array(self.mean)) / np.array(self.spread)
        return told

    def squares(self, values: Floats) -> Floats:
        """Squared distance by person, group and feature."""
        away: Floats = (self.standardised(values)[:, None, :] - np.array(self.centres)[None, :, :]) ** 2
        return away


@dataclass(frozen=True, slots=True)
class Clusters:
    """As many groups as there are names, of everybody in the population."""

    name: str
    title: str
    description: str
    population: str
    """Condition over ``features``."""
    features: tuple[str, ...]
    groups: tuple[Group, ...]
    policy: tuple[str, ...] = ()
    unit: str = "distance to the group's centre"

    def days(self, as_of: date) -> tuple[date, ...]:
        """The end of a month, to fit on, and that of the next, to see who keeps their group."""
        return (month_end(as_of, 1), month_end(as_of))

    def train(self, con: duckdb.DuckDBPyConnection, as_of: date) -> Trained:
        """Fit on one month's end, and ask the frozen groups again at the end of the next."""
        fitted_on, later = self.days(as_of)
        then = examples.read(con, fitted_on, self.features, self.population)
        now = examples.read(con, later, self.features, self.population)
        self._enough(fitted_on, then)
        self._enough(later, now)
        with needed("threadpoolctl").threadpool_limits(1):
            # One thread sums in one order, so that the same people give the same centres to the last digit.
            return self._trained(fitted_on, then, later, now)

    def _trained(self, fitted_on: date, then: Examples, later: date, now: Examples) -> Trained:
        frozen, labels = self._fitted(then)
        stable = _stability(frozen, then, labels)
        same, chance = _kept(frozen, then, now)
        shares = np.bincount(labels, minlength=len(self.groups)) / len(labels)
        agreement, rules = surrogate.described(self.features, then.values, labels, frozen.names)
        silhouette = needed("sklearn.metrics").silhouette_score
        return Trained(
            files={FROZEN: orjson.dumps(frozen, option=orjson.OPT_INDENT_2)},
            kind="k-means",
            features=self.features,
            windows=(
                Window("training", fitted_on, fitted_on, len(then.people)),
                Window("test", later, later, len(now.people)),
            ),
            measures=(
                Measure(
                    "same_group", same, "share of people with the same group a month later, model frozen"
                ),
                Measure(
                    "same_group_by_chance", chance, "the same if people were dealt into groups of these sizes"
                ),
                Measure(
                    "bootstrap_ari", float(np.mean(stable)), "mean agreement of fits on resampled people"
                ),
                Measure("bootstrap_ari_least", float(np.min(stable)), "the least of them"),
                Measure(
                    "silhouette",
                    float(
                        silhouette(
                            frozen.standardised(then.values),
                            labels,
                            sample_size=min(LARGEST_SAMPLE, len(labels)),
                            random_state=SEED,
                        )
                    ),
                    "how far groups lie apart: 1 is far, 0 is a continuum that was cut",
                ),
                Measure("smallest_share", float(shares.min()), "share of people in the smallest group"),
                Measure(
                    "rule_agreement", agreement, "share of people whom the rules in words put where they are"
                ),
            ),
            gates=_gates(same, chance, float(np.mean(stable)), float(shares.min()), self._misnamed(frozen)),
            sheets=(_sizes(frozen, labels), _traits(frozen, then, labels), rules),
            libraries=("scikit-learn", "numpy"),
        )

    def score(self, con: duckdb.DuckDBPyConnection, as_of: date, files: Mapping[str, bytes]) -> pa.Table:
        """The nearest group of everybody in the population, and what speaks for it against the second nearest."""
        frozen = thawed(files)
        found = examples.read(con, as_of, frozen.features, frozen.population)
        if not len(found.people):
            return SCORED.empty_table()
        squares = frozen.squares(found.values)
        distances = squares.sum(axis=2)
        nearest, second = np.argsort(distances, axis=1, kind="stable")[:, :2].T
        rows = np.arange(len(found.people))
        speaks = squares[rows, second] - squares[rows, nearest]
        told = reasons.of_groups(frozen.features, found.values, frozen.usual, speaks)
        labels = [frozen.names[place] for place in nearest]
        return pa.table(
            [found.people, np.sqrt(distances[rows, nearest]), labels, told],
            schema=SCORED,
        )

    def _enough(self, day: date, found: Examples) -> None:
        least = FEWEST_PEOPLE_A_GROUP * len(self.groups)
        if len(found.people) < least:
            raise ModelError(
                f"too few people to train {self.name}: {len(found.people):,} on {day}, and it needs {least:,}; train "
                "as of a day with more"
            )

    def _fitted(self, found: Examples) -> tuple[Frozen, Labels]:
        logged = _logged(found.values)
        mean, spread = logged.mean(axis=0), logged.std(axis=0)
        spread[spread == 0] = 1.0
        fit = needed("sklearn.cluster").KMeans(len(self.groups), n_init=STARTS, random_state=SEED)
        fit.fit((logged - mean) / spread)
        order = self._order(fit.cluster_centers_)
        frozen = Frozen(
            self.population,
            self.features,
            tuple(mean.tolist()),
            tuple(spread.tolist()),
            tuple(tuple(fit.cluster_centers_[place].tolist()) for place in order),
            tuple(group.name for group in self.groups),
            tuple(np.nan_to_num(np.nanmedian(found.values, axis=0)).tolist()),
        )
        return frozen, labelled(frozen, found.values)

    def _order(self, centres: Floats) -> list[int]:
        """Which centre each name stands for."""
        left = list(range(len(centres)))
        order = []
        for group in self.groups:
            column = centres[left, self.features.index(group.feature)]
            place = left[int(np.argmax(column if group.most else -column))]
            order.append(place)
            left.remove(place)
        return order

    def _misnamed(self, frozen: Frozen) -> list[str]:
        """Names of groups that are not above (or below) the rest in what they are named for."""
        return [
            group.name
            for group, centre in zip(self.groups, frozen.centres, strict=True)
            if (centre[self.features.index(group.feature)] > 0) != group.most
        ]


def thawed(files: Mapping[str, bytes]) -> Frozen:
    """Scale and centres from a version's files."""
    return TypeAdapter(Frozen).validate_json(files[FROZEN])


def labelled(frozen: Frozen, values: Floats) -> Labels:
    """The nearest group of each row."""
    labels: Labels = np.argmin(frozen.squares(values).sum(axis=2), axis=1)
    return labels


def _logged(values: Floats) -> Floats:
    logged: Floats = np.log1p(np.maximum(np.nan_to_num(values), 0))
    return logged


def _stability(frozen: Frozen, found: Examples, labels: Labels) -> list[float]:
    """How much fits on people drawn with replacement agree with the groups, each by its adjusted Rand index."""
    kmeans, ari = needed("sklearn.cluster").KMeans, needed("sklearn.metrics").adjusted_rand_score
    points = frozen.standardised(found.values)
    drawing = np.random.default_rng(SEED)
    stable = []
    for number in range(RESAMPLES):
        drawn = points[drawing.integers(0, len(points), len(points))]
        again = kmeans(len(frozen.centres), n_init=STARTS_AGAIN, random_state=number).fit(drawn)
        stable.append(float(ari(labels, again.predict(points))))
    return stable


def _kept(frozen: Frozen, then: Examples, now: Examples) -> tuple[float, float]:
    """Share of those who are there on both days that have the same group, and what chance would give."""
    _, before, after = np.intersect1d(then.people, now.people, return_indices=True)
    old, new = labelled(frozen, then.values)[before], labelled(frozen, now.values)[after]
    if not len(old):
        return 0.0, 0.0
    groups = len(frozen.centres)
    by_chance = np.bincount(old, minlength=groups) @ np.bincount(new, minlength=groups) / len(old) ** 2
    return float((old == new).mean()), float(by_chance)


def _gates(
    same: float, chance: float, stable: float, smallest: float, misnamed: Sequence[str]
) -> tuple[Gate, ...]:
    wrong = f"{', '.join(misnamed)} does not stand out in it" if misnamed else "each stands out in it"
    return (
        Gate(
            "lasts",
            same >= LEAST_SAME and same > chance,
            f"{same:.0%} keep their group for a month, at least {LEAST_SAME:.0%} must; chance gives {chance:.0%}",
        ),
        Gate(
            "is no accident",
            stable >= LEAST_STABLE,
            f"fits on resampled people agree by {stable:.2f} (adjusted Rand index), at least {LEAST_STABLE} must be",
        ),
        Gate(
            "no group is tiny",
            smallest >= SMALLEST_SHARE,
            f"the smallest has {smallest:.1%} of the people, at least {SMALLEST_SHARE:.0%} must be",
        ),
        Gate("rightly named", not misnamed, f"what a group is named for: {wrong}"),
    )


def _sizes(frozen: Frozen, labels: Labels) -> Sheet:
    counts = np.bincount(labels, minlength=len(frozen.names))
    rows = tuple(
        (name, int(count), round(float(count) / len(labels), 4))
        for name, count in zip(frozen.names, counts, strict=True)
    )
    return Sheet("Groups", ("group", "people", "share"), rows)


def _traits(frozen: Frozen, found: Examples, labels: Labels) -> Sheet:
    """What each group has most more or less of than everybody, by standard deviations."""
    values = np.nan_to_num(found.values)
    overall = values.mean(axis=0)
    rows = []
    for group, name in enumerate(frozen.names):
        here = values[labels == group].mean(axis=0)
        centre = np.array(frozen.centres[group])
        for place in np.argsort(-np.abs(centre), kind="stable")[: reasons.MOST]:
            index = round(float(here[place] / overall[place]), 2) if overall[place] else None
            feature = reasons.in_words(frozen.features[place])
            rows.append((name, feature, round(float(here[place]), 2), round(float(overall[place]), 2), index))
    return Sheet("What groups stand out in", ("group", "feature", "here", "everybody", "index"), tuple(rows))
