"""Where people stand in their time as customers: one stage for everybody, by their own rhythm."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from pipelines.sources.demo import demo_sources
from pipelines.sources.features import build_features
from tests.sources.shop import rows

STAGES = {"prospect", "new", "active", "reactivated", "cooling", "lapsed", "lost"}


@pytest.mark.requirement("TYP-12", "TYP-15")
def test_everybody_has_exactly_one_stage(demo: duckdb.DuckDBPyConnection) -> None:
    """The stages of the demo add up to its people, and those of silence are the segments of the catalogue."""
    found = dict(rows(demo, "select lifecycle_stage, count(*) from features group by lifecycle_stage"))
    assert found == {
        "active": 1_997,
        "cooling": 195,
        "lapsed": 160,
        "lost": 57,
        "reactivated": 48,
        "new": 12,
    }
    assert sum(found.values()) == 2_469


@pytest.mark.requirement("TYP-12", "TYP-14")
@pytest.mark.parametrize("day", [date(2017, 1, 15), date(2017, 4, 30), date(2017, 9, 1)])
def test_stages_are_those_of_any_day(demo: duckdb.DuckDBPyConnection, day: date) -> None:
    """No day has somebody without a stage, and a prospect is who never ordered."""
    build_features(demo, demo_sources(), day)
    query = "select lifecycle_stage, bool_or(orders_ever > 0), bool_and(orders_ever > 0) from features where as_of = ?"
    found = demo.execute(f"{query} group by lifecycle_stage", [day]).fetchall()
    assert {stage for stage, *_ in found} <= STAGES
    for stage, some, every in found:
        assert (some, every) == ((False, False) if stage == "prospect" else (True, True))


def test_the_usual_gap_is_between_days_with_orders(demo: duckdb.DuckDBPyConnection) -> None:
    """Gaps times their number span the time from the first order to the last; one day of orders has none."""
    query = """
    select
      count(*) filter ((usual_gap_days is null) <> (days = 1)),
      count(*) filter (usual_gap_days < 1),
      max(abs(usual_gap_days * (days - 1) - (last_on - first_on)))
    from features
    join (
      select
        person_no,
        count(distinct ordered_at::date) as days,
        min(ordered_at)::date as first_on,
        max(ordered_at)::date as last_on
      from orders
      where ordered_at < '2018-01-01'
      group by person_no
    ) as shopping
      using (person_no)
    """
    ((wrong, too_short, error),) = rows(demo, query)
    assert (wrong, too_short) == (0, 0)
    assert error < 1e-6
