"""The model of value on shops of other kinds: which way it chooses, and when it refuses itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.models.errors import ModelError
from pipelines.models.lifetime import valuers
from pipelines.models.lifetime.value import LifetimeValue
from pipelines.models.model import Trained

pytest.importorskip("scipy", reason="the extra turnout[models] is not installed")
pytest.importorskip("lightgbm", reason="the extra turnout[models] is not installed")
pytestmark = pytest.mark.requirement("TYP-17", "TYP-11")

CDNOW = Path(__file__).parent / "data" / "cdnow.csv.gz"
CDNOW_ENDS = date(1998, 6, 30)
VALUE = LifetimeValue(
    name="value",
    title="Value",
    description="What people will spend.",
    population="orders_ever >= 1",
    features=(
        "spend_90d",
        "spend_prior_90d",
        "orders_ever",
        "days_since_last_order",
        "days_since_first_order",
    ),
)

FEATURES = """
insert into features
select
  $day::date,
  person_no,
  coalesce(sum(total) filter (ordered_at >= $day::date - 89), 0),
  coalesce(sum(total) filter (ordered_at < $day::date - 89 and ordered_at >= $day::date - 179), 0),
  count(*),
  $day::date - max(ordered_at)::date,
  $day::date - min(ordered_at)::date
from orders
where ordered_at::date <= $day::date
group by person_no
"""


def with_features(con: duckdb.DuckDBPyConnection, *days: date) -> None:
    """A table ``features`` of these days, from the orders."""
    con.execute(
        "create table features (as_of date, person_no integer, spend_90d double, spend_prior_90d double, "
        "orders_ever integer, days_since_last_order integer, days_since_first_order integer)"
    )
    for day in days:
        con.execute(FEATURES, {"day": day})


@pytest.fixture(scope="module")
def cdnow() -> Iterator[duckdb.DuckDBPyConnection]:
    """Every purchase of CDNOW's sample, up to June 1998, with what the model looks at."""
    with duckdb.connect() as con:
        con.execute(
            "create table orders as select customer as person_no, day::timestamp as ordered_at, "
            "(cents / 100)::decimal(9, 2) as total from read_csv(?)",
            [str(CDNOW)],
        )
        with_features(con, *VALUE.days(CDNOW_ENDS), CDNOW_ENDS)
        yield con


@pytest.fixture(scope="module")
def trained(cdnow: duckdb.DuckDBPyConnection) -> Trained:
    """The model of CDNOW."""
    return VALUE.train(cdnow, CDNOW_ENDS)


def test_bgnbd_is_chosen_where_purchases_are_weeks_apart(trained: Trained) -> None:
    """On CDNOW it is the nearest of three, and on the quarter that follows nearer than the last half year."""
    assert trained.kind == valuers.BUYING
    assert trained.accepted, trained.gates
    found = {one.name: one.value for one in trained.measures}
    assert found["error"] < 0.95 * found["error_baseline"]
    assert found["top_tenth"] > found["top_tenth_baseline"]
    kinds = {row[0]: row[2] for row in trained.sheets[0].rows}
    assert kinds == {
        "linear regression": "further off",
        "gradient boosting": "further off",
        valuers.BUYING: "chosen",
    }


def test_windows_follow_each_other(trained: Trained) -> None:
    """What is learnt from is over before the first day of what is measured on, and that before the day of training."""
    learning, testing = trained.windows
    assert (learning.role, testing.role) == ("training", "test")
    assert learning.until <= testing.as_of < testing.until <= CDNOW_ENDS


def test_the_same_data_give_the_same_files(cdnow: duckdb.DuckDBPyConnection, trained: Trained) -> None:
    """To the byte; nothing in them runs code when it is read."""
    assert VALUE.train(cdnow, CDNOW_ENDS).files == trained.files
    assert all(name.endswith((".json", ".txt")) for name in trained.files)


def test_a_frozen_version_scores_everybody_once(cdnow: duckdb.DuckDBPyConnection, trained: Trained) -> None:
    """All 2,357, none below nothing; who bought lately and often is worth more."""
    scored = VALUE.score(cdnow, CDNOW_ENDS, trained.files)
    people = scored.column("person_no").to_pylist()
    values = dict(zip(people, scored.column("score").to_pylist(), strict=True))
    assert len(people) == len(values) == 2_357
    assert min(values.values()) >= 0
    busiest = cdnow.execute(
        "select person_no from features where as_of = ? order by spend_90d desc limit 100", [CDNOW_ENDS]
    ).fetchall()
    mean = sum(values.values()) / len(values)
    assert sum(values[number] for (number,) in busiest) / 100 > 4 * mean


def test_every_way_is_the_same_from_its_files(cdnow: duckdb.DuckDBPyConnection) -> None:
    """A line, trees and BG/NBD predict from their files what they predicted when they were made."""
    day = VALUE.days(CDNOW_ENDS)[0]
    seen = VALUE._seen(cdnow, day)
    found = seen.looked.found
    for made in (
        valuers.fit_line(VALUE.features, found, 13),
        valuers.fit_trees(VALUE.features, found, 13),
        valuers.fit_buying(cdnow, day),
    ):
        again = valuers.from_files(made.files())
        assert again.kind == made.kind
        assert again.spend(seen.looked, 26).tolist() == made.spend(seen.looked, 26).tolist()
    with pytest.raises(ModelError, match="no predictor that is known"):
        valuers.from_files({})


@pytest.fixture
def clockwork() -> Iterator[duckdb.DuckDBPyConnection]:
    """300 people who spend the same every week for two years."""
    with duckdb.connect() as con:
        con.execute(
            "create table orders as select person_no::integer as person_no, "
            "timestamp '2025-01-01 10:00' + to_days((week * 7)::integer) as ordered_at, "
            "(5 + person_no)::decimal(9, 2) as total from range(1, 301) as a(person_no), range(104) as b(week)"
        )
        yield con


def test_a_version_that_beats_nothing_is_refused(clockwork: duckdb.DuckDBPyConnection) -> None:
    """Where everybody goes on as before, "as in the last half year" is right and no model is nearer."""
    as_of = date(2026, 12, 28)
    with_features(clockwork, *VALUE.days(as_of))
    trained = VALUE.train(clockwork, as_of)
    assert not trained.accepted
    assert {one.name for one in trained.gates if not one.passed} >= {"nearer"}


def test_too_little_history_is_told(clockwork: duckdb.DuckDBPyConnection) -> None:
    """Before there were a quarter to learn from and one to measure on, training says so; before any features too."""
    as_of = date(2025, 3, 1)
    with_features(clockwork, *VALUE.days(as_of))
    with pytest.raises(ModelError, match="too little history to train value"):
        VALUE.train(clockwork, as_of)
    clockwork.execute("drop table features")
    with pytest.raises(ModelError, match="load the sources first"):
        VALUE.train(clockwork, as_of)
