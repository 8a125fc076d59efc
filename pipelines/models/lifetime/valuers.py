"""Three ways to say what people will spend: by a line, by trees, by how they buy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Protocol

import duckdb
import numpy as np
import orjson

from pipelines.models.errors import ModelError
from pipelines.models.examples import Examples, Floats
from pipelines.models.extra import needed
from pipelines.models.lifetime.bgnbd import BGNBD
from pipelines.models.lifetime.gamma_gamma import GammaGamma
from pipelines.models.lifetime.histories import customer_histories

LINE_FILE, TREES_FILE, BUYING_FILE = "line.json", "trees.txt", "buying.json"
BUYING = "BG/NBD and Gamma-Gamma"
ROUNDS = 200
TREES: Mapping[str, Any] = {
    "objective": "tweedie",
    "learning_rate": 0.03,
    "num_leaves": 7,
    "min_data_in_leaf": 80,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 20,
    "seed": 7,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
"""Spend is often nothing and sometimes a lot, which is Tweedie's distribution; one thread and a seed, so that the
same data give the same trees."""


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


@dataclass(frozen=True, slots=True)
class Line:
    """Least squares on two numbers: spend of the last 90 days and of the 90 days before."""

    places: tuple[int, int]
    """Where the two stand among the features."""
    weights: tuple[float, float]
    intercept: float
    mean: tuple[float, float]
    weeks: float
    """The weeks that it was learnt over."""
    kind: str = "linear regression"

    def spend(self, looked: Looked, weeks: float) -> Floats:
        """The line, in proportion to the weeks."""
        told = looked.found.values[:, self.places] @ np.array(self.weights) + self.intercept
        return np.asarray(np.maximum(told, 0) * (weeks / self.weeks), dtype=np.float64)

    def contributions(self, found: Examples) -> Floats | None:
        """Weight by distance from the mean."""
        told = np.zeros_like(found.values)
        told[:, self.places] = (found.values[:, self.places] - self.mean) * self.weights
        return told

    def files(self) -> dict[str, bytes]:
        """Its numbers as JSON."""
        return {LINE_FILE: orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2)}


def fit_line(features: Sequence[str], found: Examples, weeks: float) -> Line:
    """Learn from people whose later spend, over so many weeks, is known."""
    places = (features.index("spend_90d"), features.index("spend_prior_90d"))
    past = found.values[:, places]
    design = np.column_stack([past, np.ones(len(past))])
    # The second number is all nothing where the records are too young for it: then it gets no weight.
    solved, *_ = np.linalg.lstsq(design, found.outcome, rcond=None)
    first, second, intercept = (float(number) for number in solved)
    mean = past.mean(axis=0)
    return Line(places, (first, second), intercept, (float(mean[0]), float(mean[1])), weeks)


@dataclass(frozen=True, slots=True)
class Trees:
    """Gradient-boosted trees, in LightGBM's own text format."""

    text: str
    weeks: float
    kind: str = "gradient boosting"

    def spend(self, looked: Looked, weeks: float) -> Floats:
        """LightGBM's prediction, in proportion to the weeks."""
        told = np.asarray(self._trees().predict(looked.found.values), dtype=np.float64)
        return np.asarray(np.maximum(told, 0) * (weeks / self.weeks), dtype=np.float64)

    def contributions(self, found: Examples) -> Floats | None:
        """LightGBM's own Shapley values (Lundberg 2018), of the logarithm; the expected value is left out."""
        return np.asarray(self._trees().predict(found.values, pred_contrib=True), dtype=np.float64)[:, :-1]

    def files(self) -> dict[str, bytes]:
        """The trees, and the weeks they were learnt over as their first line."""
        return {TREES_FILE: f"{self.weeks:g}\n{self.text}".encode()}

    def _trees(self) -> Any:
        return needed("lightgbm").Booster(model_str=self.text)


def fit_trees(found: Examples, weeks: float) -> Trees:
    """Learn from people whose later spend, over so many weeks, is known; raises ModelError without the extra."""
    lightgbm = needed("lightgbm")
    learnt = lightgbm.train(dict(TREES), lightgbm.Dataset(found.values, np.maximum(found.outcome, 0)), ROUNDS)
    return Trees(learnt.model_to_string(), weeks)


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
        weeks, _, text = files[TREES_FILE].decode().partition("\n")
        return Trees(text, float(weeks))
    if BUYING_FILE in files:
        buying = orjson.loads(files[BUYING_FILE])
        return Buying(BGNBD(**buying["often"]), GammaGamma(**buying["much"]))
    raise ModelError("a version of a value model holds no predictor that is known; train it again")
