"""Segments computed in one pass are what each would be alone; whatever a pass cannot do is left to be done alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.engine import EngineError
from pipelines.segments.entry_exit import EntryExit
from pipelines.segments.holdout import Holdout
from pipelines.segments.model import Segment
from pipelines.segments.run import Computed, Failed, compute
from pipelines.warehouse import DuckDBEngine, together
from tests.engine.conftest import DAY, DAY_BEFORE, segment

numbers = st.integers(-50, 1100)
comparisons = st.builds(
    "{} {} {}".format,
    st.sampled_from(["spend", "baskets", "features.spend", "spend / baskets", "spend - 100 * baskets"]),
    st.sampled_from(["<", "<=", ">", ">=", "=", "<>"]),
    numbers,
)
others = st.one_of(
    comparisons,
    st.builds("spend between {} and {}".format, numbers, numbers),
    st.builds("baskets in ({}, null)".format, numbers),
    st.builds("nullif(baskets, {}) is null".format, numbers),
    st.sampled_from(["true", "null", "as_of = $as_of", "as_of < $window_end - interval 1 day", "baskets"]),
)
conditions = st.recursive(
    others,
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not ({})".format, inner),
    ),
    max_leaves=5,
)


def named(conditions: Sequence[str]) -> list[Segment]:
    """A segment each."""
    return [
        segment(f"select person_no from features\nwhere {condition} -- and no more\n", name=f"s{number}")
        for number, condition in enumerate(conditions)
    ]


def rows(engine: DuckDBEngine, names: Sequence[str]) -> dict[str, list[tuple[date, int]]]:
    """What is kept of segments."""
    return {
        name: engine.ask(
            lambda cursor, name=name: cursor.execute(
                f"select as_of, person_no from segment.{name} order by all"
            ).fetchall()
        )
        for name in names
    }


@given(conditions=st.lists(conditions, min_size=1, max_size=6))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_pass_gives_what_each_would_alone(engine: DuckDBEngine, conditions: list[str]) -> None:
    """Whatever the conditions: the same people, sizes and shares, also where some are unknown of somebody."""
    segments = named(conditions)
    names = [one.name for one in segments]
    for day in (DAY_BEFORE, DAY):
        alone = [engine.run_segment(one, day) for one in segments]
        kept = rows(engine, names)
        outcomes = compute(engine, segments, day)
        assert [one.profile for one in outcomes if isinstance(one, Computed)] == alone
        assert rows(engine, names) == kept


def test_plain_conditions_take_one_pass(engine: DuckDBEngine) -> None:
    """Those and no others: what else decides about a segment, or looks at others, is left."""
    plain, other = named(["spend > 400", "spend > 500"])
    left = [
        replace(other, entry_exit=EntryExit(grace_days=2)),
        replace(other, frozen_on=DAY_BEFORE),
        replace(other, after=(plain,)),
        replace(other, universe="martians"),
        replace(other, sql="select person_no from features order by spend limit 3"),
        replace(other, sql="select person_no from orders", reads=frozenset({"features", "orders"})),
    ]
    assert [one.segment for one in engine.run_together([*left, plain], DAY)] == [plain.name]
    withheld = replace(other, holdout=Holdout(0.1, "s"))
    assert [one.size for one in engine.run_together([withheld], DAY)] == [5]


def test_more_segments_than_a_pass_takes(engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Passes follow one another until all are computed."""
    monkeypatch.setattr(together, "AT_ONCE", 3)
    segments = named([f"spend > {100 * number}" for number in range(10)])
    profiles = engine.run_together(segments, DAY)
    assert [(one.segment, one.size) for one in profiles] == [(f"s{n}", 10 - n) for n in range(10)]


def test_one_at_fault_is_told_and_its_neighbours_are_computed(engine: DuckDBEngine) -> None:
    """A condition that fails on real data fails the pass: nothing of it is kept, and everyone is computed alone."""
    good, faulty = named(["spend > 400", "baskets * 2147483647 > 1"])
    assert engine.run_together([good, faulty], DAY) == []
    assert engine.latest(good.name) is None
    computed, failed = compute(engine, [good, faulty], DAY)
    assert isinstance(computed, Computed)
    assert computed.profile.size == 6
    assert isinstance(failed, Failed)
    assert "went out of its type's range" in str(failed.error)


def test_a_day_without_features_is_told_by_each(engine: DuckDBEngine) -> None:
    """A pass over nobody computes nothing."""
    outcomes = compute(engine, named(["spend > 400", "true"]), DAY + timedelta(days=9))
    assert [isinstance(one, Failed) and "there are no features" in str(one.error) for one in outcomes] == [
        True,
        True,
    ]


def test_people_who_stand_twice_are_counted_by_each(engine: DuckDBEngine, warehouse: Path) -> None:
    """A table with two rows of a person is no table for a pass; alone, the second row is told as a duplicate."""
    with duckdb.connect(warehouse) as connection:
        connection.execute(f"insert into features select * from features where as_of = '{DAY}' limit 1")
    (one,) = compute(engine, named(["true"]), DAY)
    assert isinstance(one, Computed)
    assert (one.profile.size, one.profile.duplicates) == (10, 1)


def test_old_days_are_forgotten_here_too(open_engine: Callable[..., DuckDBEngine], warehouse: Path) -> None:
    """As many days as are kept, and the day that somebody asked for."""
    engine = open_engine(days_kept=1)
    for day in (DAY_BEFORE, DAY):
        engine.run_together(named(["true", "spend > 400"]), day)
    assert {name: {day for day, _ in kept} for name, kept in rows(engine, ["s0", "s1"]).items()} == {
        "s0": {DAY},
        "s1": {DAY},
    }
    engine.run_together(named(["true"]), DAY_BEFORE)
    assert {day for day, _ in rows(engine, ["s0"])["s0"]} == {DAY_BEFORE, DAY}


def test_nothing_is_computed_where_nothing_may_be_written(
    open_engine: Callable[..., DuckDBEngine],
) -> None:
    """Neither on a warehouse that is open for reading, nor while somebody reads a snapshot."""
    with pytest.raises(EngineError, match="open for reading only"):
        open_engine(read_only=True).run_together(named(["true"]), DAY)
    engine = open_engine()
    with engine.snapshot(), pytest.raises(EngineError, match="snapshot"):
        engine.run_together(named(["true"]), DAY)
