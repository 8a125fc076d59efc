"""Three ways to say what people will spend: by a line, by trees, by how they buy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Protocol

import duckdb
import numpy as np
import orjson

from pipelines.models import boosting
from pipelines.models.errors import ModelError
from pipelines.models.examples import Examples, Floats
from pipelines.models.extra import needed
from pipelines.models.lifetime.bgnbd import BGNBD
from pipelines.models.lifetime.gamma_gamma import GammaGamma
from pipelines.models.lifetime.histories import customer_histories

LINE_FILE, TREES_FILE, BUYING_FILE = "line.json", "trees.txt", "buying.json"
BUYING = "BG/NBD and Gamma-Gamma"
ROUNDS = 200
OBJECTIVE = "tweedie"
"""Spend is often nothing and sometimes a lot, which is Tweedie's distribution."""


@dataclass(frozen=True, slots=True)
class Looked:
    """People on a day: their features, and where to look their orders up."""

    con: duckdb.DuckDBPyConnection
    day: date
    found: Examples


class Valuer(Protocol):
    """A frozen predictor of spend."""

    @property
    def kind(self) -> str:
        """How it was made."""
        ...

    def spend(self, looked: Looked, weeks: float) -> Floats:
        """What each person will spend in so many weeks after the day, never below 0."""
        ...

    def contributions(self, found: Examples) -> Floats | None:
        """What each feature adds to a prediction, above 0 where it raises it; None where features say nothing."""
        ...

    def files(self) -> dict[str, bytes]:
        """Everything that makes it again."""
        ...


PAST = ("spend_90d", "spend_prior_90d", "days_since_first_order")
"""What the line looks at."""
FEWEST_DAYS, MOST_DAYS = 28, 180
"""Within these the days since the first order count as the time in which the spend of the last 180 was made: somebody
new is not taken for somebody who spends little, and one big first basket not for a habit."""


@dataclass(frozen=True, slots=True)
class Line:
    """Least squares on two rates: spend of the last 90 days, and spend of 90 days at the rate of the last 180.

    Without an intercept, so that it holds for any height of spend; a mean of both rates, drawn to nothing by as many as
    stop buying.
    """

    places: tuple[int, int, int]
    """Where ``PAST`` stands among the features."""
    weights: tuple[float, float]
    mean: tuple[float, float]
    """Of the first two of ``PAST``."""
    weeks: float
    """The weeks that it was learnt over."""
    kind: str = "linear regression"

    def spend(self, looked: Looked, weeks: float) -> Floats:
        """The line, in proportion to the weeks."""
        told = _rates(looked.found.values[:, self.places]) @ np.array(self.weights)
        return np.asarray(np.maximum(told, 0) * (weeks / self.weeks), dtype=np.float64)

    def contributions(self, found: Examples) -> Floats | None:
        """Weight by distance from the mean, for the two amounts that the rates are made of."""
        past = found.values[:, self.places]
        by_rate = self.weights[1] * 90 / _days(past)
        told = np.zeros_like(found.values)
        told[:, self.places[0]] = (self.weights[0] + by_rate) * (past[:, 0] - self.mean[0])
        told[:, self.places[1]] = by_rate * (past[:, 1] - self.mean[1])
        return told

    def files(self) -> dict[str, bytes]:
        """Its numbers as JSON."""
        return {LINE_FILE: orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)}


def fit_line(features: Sequence[str], found: Examples, weeks: float) -> Line:
    """Learn from people whose later spend, over so many weeks, is known. ``features`` hold ``PAST``."""
    first, second, third = (features.index(name) for name in PAST)
    past = found.values[:, (first, second, third)]
    solved, *_ = np.linalg.lstsq(_rates(past), found.outcome, rcond=None)
    mean = past.mean(axis=0)
    return Line(
        (first, second, third),
        (float(solved[0]), float(solved[1])),
        (float(mean[0]), float(mean[1])),
        weeks,
    )


def _rates(past: Floats) -> Floats:
    """Two columns: spend of the last 90 days, and of 90 days at the rate of the last 180."""
    return np.column_stack([past[:, 0], (past[:, 0] + past[:, 1]) * 90 / _days(past)])


def _days(past: Floats) -> Floats:
    return np.clip(past[:, 2] + 1, FEWEST_DAYS, MOST_DAYS)


@dataclass(frozen=True, slots=True)
class Trees:
    """Gradient-boosted trees, in LightGBM's own text format."""

    text: str
    places: tuple[int, ...]
    """The features that they look at."""
    weeks: float
    kind: str = "gradient boosting"

    def spend(self, looked: Looked, weeks: float) -> Floats:
        """LightGBM's prediction, in proportion to the weeks."""
        told = np.asarray(self._trees().predict(looked.found.values[:, self.places]), dtype=np.float64)
        return np.asarray(np.maximum(told, 0) * (weeks / self.weeks), dtype=np.float64)

    def contributions(self, found: Examples) -> Floats | None:
        """LightGBM's own Shapley values (Lundberg 2018), of the logarithm; the expected value is left out."""
        said = np.asarray(self._trees().predict(found.values[:, self.places], pred_contrib=True))
        told = np.zeros_like(found.values)
        told[:, self.places] = said[:, :-1]
        return told

    def files(self) -> dict[str, bytes]:
        """A line of JSON about the trees, then the trees."""
        return {
            TREES_FILE: orjson.dumps({"weeks": self.weeks, "places": self.places})
            + b"\n"
            + self.text.encode()
        }

    def _trees(self) -> Any:
        return needed("lightgbm").Booster(model_str=self.text)


def fit_trees(features: Sequence[str], found: Examples, weeks: float) -> Trees:
    """Learn from people whose later spend, over so many weeks, is known; raises ModelError without the extra.

    Days since the first order are not shown to the trees: they grow with the calendar, and trees cannot go beyond
    what they have seen.
    """
    places = tuple(place for place, name in enumerate(features) if name != "days_since_first_order")
    text = boosting.trained(OBJECTIVE, found.values[:, places], np.maximum(found.outcome, 0), ROUNDS)
    return Trees(text, places, weeks)


@dataclass(frozen=True, slots=True)
class Buying:
    """BG/NBD for how often, Gamma-Gamma for how much."""

    often: BGNBD
    much: GammaGamma
    kind: str = BUYING

    def spend(self, looked: Looked, weeks: float) -> Floats:
        """Expected purchases by expected spend each; nothing for who never bought."""
        histories = customer_histories(looked.con.cursor(), "orders", looked.day)
        value = self.often.expected_purchases(histories, weeks) * self.much.expected_average(histories)
        places = np.searchsorted(histories.person_no, looked.found.people)
        inside = np.minimum(places, len(histories.person_no) - 1)
        known = histories.person_no[inside] == looked.found.people
        return np.where(known, value[inside], 0.0)

    def contributions(self, found: Examples) -> Floats | None:
        """None: it looks at orders, not at features."""
        return None

    def files(self) -> dict[str, bytes]:
        """Seven parameters as JSON."""
        told = {"often": asdict(self.often), "much": asdict(self.much)}
        return {BUYING_FILE: orjson.dumps(told, option=orjson.OPT_INDENT_2)}


def fit_buying(con: duckdb.DuckDBPyConnection, day: date) -> Buying:
    """Learn from every order up to the end of a day. Raises NotIdentified where the models do not hold, ModelError."""
    histories = customer_histories(con.cursor(), "orders", day)
    often, much = BGNBD.fit(histories), GammaGamma.fit(histories)
    often.check(histories)
    much.check(histories)
    return Buying(often, much)


def from_files(files: Mapping[str, bytes]) -> Valuer:
    """What ``files`` gave back; raises ModelError where they hold none of the three."""
    if LINE_FILE in files:
        told = orjson.loads(files[LINE_FILE])
        line: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in told.items()}
        return Line(**line)
    if TREES_FILE in files:
        about, _, text = files[TREES_FILE].decode().partition("\n")
        trees = orjson.loads(about)
        return Trees(text, tuple(trees["places"]), trees["weeks"])
    if BUYING_FILE in files:
        buying = orjson.loads(files[BUYING_FILE])
        return Buying(BGNBD(**buying["often"]), GammaGamma(**buying["much"]))
    raise ModelError("a version of a value model holds no predictor that is known; train it again")
