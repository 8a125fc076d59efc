"""Models that predict whether something happens to people in the days after one: churn, use of a coupon, an upsell."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import numpy as np
import orjson
import pyarrow as pa
from pydantic import TypeAdapter

from pipelines.models import examples, learners, measures, reasons
from pipelines.models.errors import ModelError
from pipelines.models.examples import Examples, Floats
from pipelines.models.extra import needed
from pipelines.models.learners import Learnt
from pipelines.models.model import SCORED, Gate, Measure, Sheet, Trained, Window
from pipelines.models.windows import Cuts, cuts

FROZEN = "propensity.json"
TRAINING_DAYS = 4
FEWEST_POSITIVES = 20
"""Of each outcome in each window: with fewer, no measure of a window means anything."""
FURTHEST_OFF = 0.3
"""How far the mean prediction may lie from what happened, as a share of it."""
LEARNERS: tuple[Callable[[Floats, Floats], Learnt], ...] = (learners.fit_linear, learners.fit_boosted)
"""The first is the default; the next one is used where it ranks better on the calibration window."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """One feature that ranks people by itself: what a model must beat to be worth its trouble."""

    feature: str
    rises: bool = True
    """Whether more of it makes the outcome likelier."""
    unknown: float = 0.0
    """What stands in where it is not known."""

    def score(self, found: Examples, features: Sequence[str]) -> Floats:
        """The ranking that it gives."""
        values = np.nan_to_num(found.values[:, list(features).index(self.feature)], nan=self.unknown)
        return values if self.rises else -values


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt's scaling of log odds (Platt 1999): a line, which keeps the order of people."""

    slope: float
    intercept: float

    def probability(self, log_odds: Floats) -> Floats:
        """Calibrated probabilities."""
        told: Floats = 1 / (1 + np.exp(-(self.slope * log_odds + self.intercept)))
        return told


@dataclass(frozen=True, slots=True)
class Frozen:
    """What scoring needs besides the predictor itself."""

    population: str
    features: tuple[str, ...]
    usual: tuple[float, ...]
    """The median of each feature among those learnt from."""
    calibration: Calibration


@dataclass(frozen=True, slots=True)
class Propensity:
    """Whether something happens in the ``horizon`` days after a day, as a calibrated probability."""

    name: str
    title: str
    description: str
    population: str
    """Condition over ``features``: of whom it is asked."""
    event: str
    """SELECT of the ``person_no`` to whom it happened from ``$opens`` until before ``$closes``."""
    baseline: Baseline
    features: tuple[str, ...]
    absent: bool = False
    """Predicted is that the event stays away."""
    horizon: int = 60
    policy: tuple[str, ...] = ()
    unit: str = "probability"

    def days(self, as_of: date) -> tuple[date, ...]:
        """The days of all windows."""
        return self._cuts(as_of).days

    def train(self, con: duckdb.DuckDBPyConnection, as_of: date) -> Trained:
        """Learn on the earliest days, choose and calibrate on a later one, measure on one later still."""
        chosen_days = self._cuts(as_of)
        parts = [self._examples(con, day) for day in chosen_days.days]
        for day, part in zip(chosen_days.days, parts, strict=True):
            self._enough(day, part)
        *learning, calibrating, testing = parts
        learnt_from = examples.joined(learning)
        candidates = [fit(learnt_from.values, learnt_from.outcome) for fit in LEARNERS]
        best = max(
            candidates, key=lambda one: measures.auc(calibrating.outcome, one.log_odds(calibrating.values))
        )
        calibration = _calibrated(best, calibrating)
        return Trained(
            files={**best.files(), FROZEN: self._frozen(learnt_from, calibration)},
            kind=best.kind,
            features=self.features,
            windows=tuple(self._windows(chosen_days, parts)),
            measures=(measured := self._measured(best, candidates, calibration, testing)),
            gates=_gates({one.name: one.value for one in measured}, self.baseline.feature),
            sheets=self._sheets(best, calibration, testing),
            libraries=("scikit-learn", "lightgbm", "numpy"),
        )

    def score(self, con: duckdb.DuckDBPyConnection, as_of: date, files: Mapping[str, bytes]) -> pa.Table:
        """A calibrated probability for everybody in the population, with its reasons."""
        frozen = TypeAdapter(Frozen).validate_json(files[FROZEN])
        learnt = learners.from_files(files)
        found = examples.read(con, as_of, frozen.features, frozen.population)
        if not len(found.people):
            return SCORED.empty_table()
        probability = frozen.calibration.probability(learnt.log_odds(found.values))
        told = reasons.of_people(
            frozen.features, found.values, frozen.usual, learnt.contributions(found.values)
        )
        columns = [found.people, probability, pa.nulls(len(found.people), pa.string()), told]
        return pa.table(columns, schema=SCORED)

    def _cuts(self, as_of: date) -> Cuts:
        return cuts(as_of, horizon=self.horizon, training=TRAINING_DAYS)

    def _examples(self, con: duckdb.DuckDBPyConnection, day: date) -> Examples:
        found = examples.read(con, day, self.features, self.population)
        return examples.with_outcome(con, found, day, self.event, horizon=self.horizon, absent=self.absent)

    def _enough(self, day: date, found: Examples) -> None:
        least = min(found.positives, len(found.people) - found.positives)
        if least < FEWEST_POSITIVES:
            raise ModelError(
                f"too little history to train {self.name}: on {day} there were {len(found.people):,} people to learn "
                f"from, and the outcome was that of {found.positives:,}; each outcome needs {FEWEST_POSITIVES}. Train "
                "when there are more days of data, or as of a later day"
            )

    def _frozen(self, learnt_from: Examples, calibration: Calibration) -> bytes:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", RuntimeWarning
            )  # a feature of which nothing is known has no median
            usual = np.nan_to_num(np.nanmedian(learnt_from.values, axis=0))
        frozen = Frozen(self.population, self.features, tuple(usual.tolist()), calibration)
        return orjson.dumps(frozen, option=orjson.OPT_INDENT_2)

    def _windows(self, days: Cuts, parts: Sequence[Examples]) -> list[Window]:
        roles = [*("training" for _ in days.training), "calibration", "test"]
        return [
            Window(role, day, day + timedelta(days=self.horizon), len(part.people), part.positives)
            for role, day, part in zip(roles, days.days, parts, strict=True)
        ]

    def _measured(
        self, best: Learnt, candidates: Sequence[Learnt], calibration: Calibration, found: Examples
    ) -> tuple[Measure, ...]:
        """All on the test window, which neither the choice nor the calibration has seen."""
        outcome = found.outcome
        predicted = calibration.probability(best.log_odds(found.values))
        rate = float(outcome.mean())
        baseline = self.baseline.score(found, self.features)
        return (
            Measure("base_rate", rate, "share of the people to whom it happened"),
            Measure("auc", measures.auc(outcome, predicted), "chance to rank one to whom it happened higher"),
            Measure(
                "auc_baseline", measures.auc(outcome, baseline), f"the same by {self.baseline.feature} alone"
            ),
            *(
                Measure(
                    f"auc_{one.kind.replace(' ', '_')}",
                    measures.auc(outcome, one.log_odds(found.values)),
                    f"the same by {one.kind}" + (", which was chosen" if one is best else ""),
                )
                for one in candidates
            ),
            Measure("brier", measures.brier(outcome, predicted), "mean squared error of the probability"),
            Measure("brier_base", rate * (1 - rate), "the same of the base rate for everybody"),
            Measure("calibration", float(predicted.mean()) / rate, "mean prediction over what happened"),
            Measure(
                "top_tenth_lift",
                measures.lift(outcome, predicted),
                "times the base rate in the highest tenth",
            ),
        )

    def _sheets(self, best: Learnt, calibration: Calibration, found: Examples) -> tuple[Sheet, ...]:
        predicted = calibration.probability(best.log_odds(found.values))
        weight = np.abs(best.contributions(found.values)).mean(axis=0)
        rows = tuple(
            (reasons.in_words(self.features[place]), round(float(weight[place]), 4))
            for place in np.argsort(-weight, kind="stable")
            if weight[place]
        )
        return (
            measures.calibration(found.outcome, predicted),
            measures.gain(found.outcome, predicted),
            Sheet("What it looks at", ("feature", "mean effect on the log odds"), rows),
        )


def _calibrated(learnt: Learnt, found: Examples) -> Calibration:
    regression = needed("sklearn.linear_model").LogisticRegression
    log_odds = learnt.log_odds(found.values).reshape(-1, 1)
    line = regression(C=1e6, max_iter=2_000).fit(log_odds, found.outcome)
    return Calibration(float(line.coef_[0][0]), float(line.intercept_[0]))


def _gates(found: Mapping[str, float], baseline: str) -> tuple[Gate, ...]:
    """What must hold on the test window."""
    auc, naive = found["auc"], found["auc_baseline"]
    brier, base = found["brier"], found["brier_base"]
    ratio = found["calibration"]
    return (
        Gate("ranks better", auc > naive, f"AUC {auc:.3f} against {naive:.3f} by {baseline} alone"),
        Gate("tells more", brier < base, f"Brier score {brier:.4f} against {base:.4f} of the base rate"),
        Gate(
            "calibrated",
            abs(ratio - 1) <= FURTHEST_OFF,
            f"it predicts {ratio:.2f} times what happened, and may be off by {FURTHEST_OFF:.0%}",
        ),
    )
