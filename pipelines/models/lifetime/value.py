"""A model of what people will spend: of three ways the best is chosen, and measured on a later window."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import duckdb
import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.models import examples, reasons
from pipelines.models.errors import ModelError
from pipelines.models.examples import Examples, Floats
from pipelines.models.lifetime import valuers
from pipelines.models.lifetime.likelihood import NotIdentified
from pipelines.models.lifetime.valuers import Looked, Valuer
from pipelines.models.model import SCORED, Gate, Measure, Sheet, Trained, Window
from pipelines.models.windows import month_end

FROZEN = "value.json"
LEARNT_DAYS = 91
"""The window of spend that is learnt and measured: a quarter, so that a year of orders holds one to learn from and a
later one to measure on, each with half a year before it."""
PAST_DAYS = 182
"""The baseline: everybody goes on spending as in so many days before."""
FOLDS = 5
"""Parts of the people, each predicted by what the others teach, when a way is chosen."""
FEWEST_SPENDERS = 50
FURTHEST_OFF = 0.3
"""How far the sum of predictions may lie from what was spent, as a share of it."""
LESS_OF_THE_BEST = 0.01
"""By how much, as a share, its top tenth may spend less than the baseline's: less than chance makes of 250 people."""

SPENT = """
select
  person_no,
  sum(total)::double as spent
from orders
where ordered_at >= $opens
  and ordered_at < $closes
group by person_no
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """People of one day with what they spent after it, and in the time before."""

    looked: Looked
    spent: Floats
    """In the ``LEARNT_DAYS`` after the day."""
    baseline: Floats
    """What they would have spent there at the rate of the ``PAST_DAYS`` before."""


@dataclass(frozen=True, slots=True)
class LifetimeValue:
    """What people spend in the ``weeks`` after a day."""

    name: str
    title: str
    description: str
    population: str
    """Condition over ``features``: of whom it is asked."""
    features: tuple[str, ...]
    weeks: int = 26
    unit: str = "spend of the next 26 weeks"
    policy: tuple[str, ...] = ()

    def days(self, as_of: date) -> tuple[date, date]:
        """The day to learn from, and the day to measure on: ends of months, the latest that can be."""
        measured = month_end(as_of - timedelta(days=LEARNT_DAYS))
        return month_end(measured - timedelta(days=LEARNT_DAYS)), measured

    def train(self, con: duckdb.DuckDBPyConnection, as_of: date) -> Trained:
        """Choose and learn on the earlier window, measure on the later one. Raises ModelError."""
        days = self.days(as_of)
        learning, testing = (self._seen(con, day) for day in days)
        tried, refused = self._tried(learning)
        chosen, _ = min(tried, key=lambda one: one[1])
        measured = _measured(chosen, testing)
        return Trained(
            files={**chosen.files(), FROZEN: self._frozen(learning)},
            kind=chosen.kind,
            features=self.features,
            windows=tuple(_windows(days, (learning, testing))),
            measures=measured,
            gates=_gates({one.name: one.value for one in measured}),
            sheets=(_what_was_tried(tried, refused, chosen), _tenths(chosen, testing)),
            libraries=("lightgbm", "scipy", "numpy"),
        )

    def score(self, con: duckdb.DuckDBPyConnection, as_of: date, files: Mapping[str, bytes]) -> pa.Table:
        """Everybody's spend of the next weeks, with reasons where the way that was chosen looks at features."""
        frozen = orjson.loads(files[FROZEN])
        valuer = valuers.from_files(files)
        found = examples.read(con, as_of, frozen["features"], self.population)
        if not len(found.people):
            return SCORED.empty_table()
        spend = valuer.spend(Looked(con, as_of, found), self.weeks)
        contributions = valuer.contributions(found)
        nothing = pa.nulls(len(found.people), pa.string())
        told = (
            nothing
            if contributions is None
            else reasons.of_people(frozen["features"], found.values, frozen["usual"], contributions)
        )
        return pa.table([found.people, spend, nothing, told], schema=SCORED)

    def _seen(self, con: duckdb.DuckDBPyConnection, day: date) -> Seen:
        found = examples.read(con, day, self.features, self.population)
        opens = datetime.combine(day + timedelta(days=1), time())
        spent = _spent(con, found, opens, opens + timedelta(days=LEARNT_DAYS))
        before = _spent(con, found, opens - timedelta(days=PAST_DAYS), opens)
        if int((spent > 0).sum()) < FEWEST_SPENDERS:
            raise ModelError(
                f"too little history to train {self.name}: of {len(found.people):,} people on {day} "
                f"{int((spent > 0).sum()):,} spent something afterwards, and {FEWEST_SPENDERS} are needed. Train when "
                "there are more days of data, or as of a later day"
            )
        looked = Looked(con, day, replace(found, outcome=spent))
        return Seen(looked, spent, before * (LEARNT_DAYS / PAST_DAYS))

    def _tried(self, learning: Seen) -> tuple[list[tuple[Valuer, float]], dict[str, str]]:
        """Every way with its error on people from whom it had not learnt; those that do not hold, and why."""
        tried = [(fit(learning), _error_of_strangers(fit, learning)) for fit in (self._line, self._trees)]
        looked = learning.looked
        try:
            # It reads the orders up to the day alone, so nobody's outcome was learnt from.
            buying = valuers.fit_buying(looked.con, looked.day)
        except NotIdentified as error:
            return tried, {valuers.BUYING: str(error)}
        return [*tried, (buying, _error(buying, learning))], {}

    def _line(self, seen: Seen) -> Valuer:
        return valuers.fit_line(self.features, seen.looked.found, LEARNT_DAYS / 7)

    def _trees(self, seen: Seen) -> Valuer:
        return valuers.fit_trees(self.features, seen.looked.found, LEARNT_DAYS / 7)

    def _frozen(self, seen: Seen) -> bytes:
        columns = seen.looked.found.values.T
        usual = [float(np.nanmedian(c)) if not np.isnan(c).all() else 0.0 for c in columns]
        return orjson.dumps({"features": self.features, "usual": usual}, option=orjson.OPT_INDENT_2)


def _error_of_strangers(fit: Callable[[Seen], Valuer], seen: Seen) -> float:
    """How far predictions lie from spend for people from whom nothing was learnt, a person."""
    fold = seen.looked.found.people % FOLDS
    errors = []
    for number in range(FOLDS):
        strangers = _only(seen, fold == number)
        errors.append(_error(fit(_only(seen, fold != number)), strangers) * len(strangers.spent))
    return sum(errors) / len(fold)


def _only(seen: Seen, rows: NDArray[np.bool_]) -> Seen:
    found = seen.looked.found
    part = Examples(found.people[rows], found.values[rows], found.outcome[rows])
    return Seen(replace(seen.looked, found=part), seen.spent[rows], seen.baseline[rows])


def _spent(con: duckdb.DuckDBPyConnection, found: Examples, opens: datetime, closes: datetime) -> Floats:
    rows = con.cursor().execute(SPENT, {"opens": opens, "closes": closes}).fetchall()
    by_person = dict(rows)
    return np.array([by_person.get(int(number), 0.0) for number in found.people], dtype=np.float64)


def _error(valuer: Valuer, seen: Seen) -> float:
    predicted = valuer.spend(seen.looked, LEARNT_DAYS / 7)
    return float(np.mean(np.abs(predicted - seen.spent)))


def _share_of_top_tenth(score: Floats, spent: Floats) -> float:
    """How much of all that was spent came from the tenth with the highest scores."""
    top = np.argsort(-score, kind="stable")[: max(len(score) // 10, 1)]
    return float(spent[top].sum() / max(spent.sum(), 1e-9))


def _measured(valuer: Valuer, seen: Seen) -> tuple[Measure, ...]:
    """All on the later window, which neither the learning nor the choice has seen."""
    predicted = valuer.spend(seen.looked, LEARNT_DAYS / 7)
    spent, naive = seen.spent, seen.baseline
    return (
        Measure(
            "mean_spend", float(spent.mean()), f"mean spend of a person in the {LEARNT_DAYS} days of the test"
        ),
        Measure(
            "error",
            float(np.mean(np.abs(predicted - spent))),
            "mean distance of prediction and spend, a person",
        ),
        Measure(
            "error_baseline",
            float(np.mean(np.abs(naive - spent))),
            f"the same when everybody goes on as in the last {PAST_DAYS} days",
        ),
        Measure(
            "calibration", float(predicted.sum() / spent.sum()), "sum of the predictions over what was spent"
        ),
        Measure(
            "top_tenth", _share_of_top_tenth(predicted, spent), "share of spend of the tenth ranked highest"
        ),
        Measure("top_tenth_baseline", _share_of_top_tenth(naive, spent), "the same by the last 26 weeks"),
    )


def _gates(found: Mapping[str, float]) -> tuple[Gate, ...]:
    error, naive = found["error"], found["error_baseline"]
    top, naive_top = found["top_tenth"], found["top_tenth_baseline"]
    ratio = found["calibration"]
    return (
        Gate(
            "nearer",
            error < naive,
            f"off by {error:,.2f} a person, against {naive:,.2f} of the last 26 weeks",
        ),
        Gate(
            "finds the best",
            top >= naive_top * (1 - LESS_OF_THE_BEST),
            f"{top:.1%} of spend in its top tenth, against {naive_top:.1%} of the last 26 weeks",
        ),
        Gate(
            "calibrated",
            abs(ratio - 1) <= FURTHEST_OFF,
            f"it predicts {ratio:.2f} times what was spent, and may be off by {FURTHEST_OFF:.0%}",
        ),
    )


def _windows(days: Sequence[date], seen: Sequence[Seen]) -> list[Window]:
    return [
        Window(role, day, day + timedelta(days=LEARNT_DAYS), len(one.spent))
        for role, day, one in zip(("training", "test"), days, seen, strict=True)
    ]


def _what_was_tried(
    tried: Sequence[tuple[Valuer, float]], refused: Mapping[str, str], chosen: Valuer
) -> Sheet:
    rows = [(one.kind, round(error, 2), "chosen" if one is chosen else "further off") for one, error in tried]
    more = [(kind, None, f"refused: {why}") for kind, why in refused.items()]
    title = "What was tried, and how far off it was for people from whom it had not learnt"
    return Sheet(title, ("kind", "error", "finding"), (*rows, *more))


def _tenths(valuer: Valuer, seen: Seen) -> Sheet:
    predicted = valuer.spend(seen.looked, LEARNT_DAYS / 7)
    parts = np.array_split(np.argsort(-predicted, kind="stable"), 10)
    rows = tuple(
        (number, len(part), round(float(predicted[part].mean()), 2), round(float(seen.spent[part].mean()), 2))
        for number, part in enumerate(parts, start=1)
    )
    return Sheet("Spend by tenth", ("tenth", "people", "predicted", "spent"), rows)
