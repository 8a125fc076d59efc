"""Two ways to predict whether something happens, each with the exact share that every feature has in a prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import orjson
from pydantic import TypeAdapter

from pipelines.models import boosting
from pipelines.models.errors import ModelError
from pipelines.models.examples import Floats
from pipelines.models.extra import needed

LINEAR_FILE = "linear.json"
TREES_FILE = "trees.txt"
PENALTY = 0.01
"""scikit-learn's ``C``: strong, because features of one purchase history say much the same."""
ROUNDS = 100
"""Few, because outcomes are rare."""


class Learnt(Protocol):
    """A frozen predictor."""

    @property
    def kind(self) -> str:
        """How it was made."""
        ...

    def log_odds(self, values: Floats) -> Floats:
        """The logarithm of the odds that it happens, a number a row."""
        ...

    def contributions(self, values: Floats) -> Floats:
        """What each feature adds to a row's log odds; they sum up to its distance from the usual."""
        ...

    def files(self) -> dict[str, bytes]:
        """Everything that makes it again."""
        ...


@dataclass(frozen=True, slots=True)
class Linear:
    """Logistic regression on standardised features; counts and sums by their logarithm, the unknown as a fact."""

    logged: tuple[bool, ...]
    fill: tuple[float, ...]
    """What stands in for a value that is not known, after the logarithm."""
    marked: tuple[bool, ...]
    """Features of which it says something that they are not known."""
    mean: tuple[float, ...]
    spread: tuple[float, ...]
    weights: tuple[float, ...]
    """Of the features, then of the marks, as ``mean`` and ``spread`` are."""
    intercept: float
    kind: str = "logistic regression"

    def log_odds(self, values: Floats) -> Floats:
        """The sum of the parts."""
        odds: Floats = self._parts(values).sum(axis=1) + self.intercept
        return odds

    def contributions(self, values: Floats) -> Floats:
        """Weight by distance from the mean: exact, because the model is a sum."""
        parts = self._parts(values)
        count = len(self.logged)
        told = parts[:, :count].copy()
        told[:, np.flatnonzero(self.marked)] += parts[:, count:]
        return told

    def files(self) -> dict[str, bytes]:
        """Its numbers as JSON."""
        return {LINEAR_FILE: orjson.dumps(self, option=orjson.OPT_INDENT_2)}

    def _parts(self, values: Floats) -> Floats:
        design = _design(values, self.logged, np.array(self.fill), self.marked)
        parts: Floats = (design - np.array(self.mean)) / np.array(self.spread) * np.array(self.weights)
        return parts


def fit_linear(values: Floats, outcome: Floats) -> Linear:
    """Learn from people with known outcomes; raises ModelError without the extra."""
    regression = needed("sklearn.linear_model").LogisticRegression
    with np.errstate(invalid="ignore"):
        logged = tuple(bool(np.nanmin(c) >= 0 and np.nanmax(c) > 1) for c in _known_columns(values))
    fill = np.array([float(np.median(c)) for c in _known_columns(_after_log(values, logged))])
    marked = tuple(bool(np.isnan(column).any()) for column in values.T)
    design = _design(values, logged, fill, marked)
    mean, spread = design.mean(axis=0), design.std(axis=0)
    spread[spread == 0] = 1.0
    found = regression(C=PENALTY, max_iter=2_000).fit((design - mean) / spread, outcome)
    return Linear(
        logged=logged,
        fill=_plain(fill),
        marked=marked,
        mean=_plain(mean),
        spread=_plain(spread),
        weights=_plain(found.coef_[0]),
        intercept=float(found.intercept_[0]),
    )


def _known_columns(values: Floats) -> list[Floats]:
    """Each feature's known values; a single 0 for one of which nothing is known."""
    columns = (column[~np.isnan(column)] for column in values.T)
    return [column if len(column) else np.zeros(1) for column in columns]


def _after_log(values: Floats, logged: Sequence[bool]) -> Floats:
    """Counts, days and sums by ``log(1 + x)``; shares and ranks as they are."""
    told: Floats = np.where(np.array(logged), np.log1p(np.maximum(values, 0)), values)
    return told


def _design(values: Floats, logged: Sequence[bool], fill: Floats, marked: Sequence[bool]) -> Floats:
    unknown = np.isnan(values)
    filled = np.where(unknown, fill, _after_log(values, logged))
    return np.hstack([filled, unknown[:, np.flatnonzero(marked)].astype(np.float64)])


def _plain(numbers: Floats) -> tuple[float, ...]:
    return tuple(float(number) for number in numbers)


@dataclass(frozen=True, slots=True)
class Boosted:
    """Gradient-boosted trees, in LightGBM's own text format."""

    text: str
    kind: str = "gradient boosting"

    def log_odds(self, values: Floats) -> Floats:
        """LightGBM's raw score."""
        return np.asarray(self._trees().predict(values, raw_score=True), dtype=np.float64)

    def contributions(self, values: Floats) -> Floats:
        """LightGBM's own Shapley values (Lundberg 2018); the last column, the expected value, is left out."""
        return np.asarray(self._trees().predict(values, pred_contrib=True), dtype=np.float64)[:, :-1]

    def files(self) -> dict[str, bytes]:
        """The trees."""
        return {TREES_FILE: self.text.encode()}

    def _trees(self) -> Any:
        return needed("lightgbm").Booster(model_str=self.text)


def fit_boosted(values: Floats, outcome: Floats) -> Boosted:
    """Learn from people with known outcomes; raises ModelError without the extra."""
    return Boosted(boosting.trained("binary", values, outcome, ROUNDS))


def from_files(files: Mapping[str, bytes]) -> Learnt:
    """What ``files`` gave back; raises ModelError where they hold neither kind."""
    if LINEAR_FILE in files:
        return TypeAdapter(Linear).validate_json(files[LINEAR_FILE])
    if TREES_FILE in files:
        return Boosted(files[TREES_FILE].decode())
    raise ModelError(f"a version holds neither {LINEAR_FILE} nor {TREES_FILE}; train it again")
