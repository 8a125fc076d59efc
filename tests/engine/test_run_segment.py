"""A segment computed for a day: dated, repeatable, and refused where what came out is nobody's number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.engine import EngineError, Profile
from pipelines.segments.errors import SegmentError
from pipelines.segments.version import version_of
from pipelines.warehouse import DuckDBEngine
from pipelines.warehouse.history import ComputedDay
from tests.engine.conftest import DAY, DAY_BEFORE, segment

ORDERS = {"features", "orders"}


def stored(engine: DuckDBEngine, warehouse: Path, name: str = "big_spenders") -> list[tuple[date, int]]:
    engine.close()
    with duckdb.connect(warehouse, read_only=True) as connection:
        return connection.execute(f"select as_of, person_no from segment.{name} order by all").fetchall()


def failure(engine: DuckDBEngine, sql: str, *, reads: set[str] | None = None) -> str:
    with pytest.raises(SegmentError) as raised:
        engine.run_segment(segment(sql, reads=reads), DAY)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    return str(raised.value)


def test_a_segment_is_computed_and_recorded(engine: DuckDBEngine, warehouse: Path) -> None:
    """Size, universe and share come back at once and from the record; the newest day is known."""
    assert engine.latest("big_spenders") is None
    profile = engine.run_segment(segment("select person_no from features where spend > 400"), DAY)
    assert profile == Profile("big_spenders", DAY, size=6, universe=10, duplicates=0)
    assert profile.share == 0.6
    assert engine.profile("big_spenders", DAY) == profile
    assert engine.profile("big_spenders", DAY_BEFORE) is None
    assert engine.latest("big_spenders") == DAY
    assert stored(engine, warehouse) == [(DAY, number) for number in range(5, 11)]


def test_running_again_changes_nothing(engine: DuckDBEngine, warehouse: Path) -> None:
    """The same day twice gives the same rows once, and one record."""
    for _ in range(2):
        engine.run_segment(segment("select person_no from features where spend > 400"), DAY)
    assert len(stored(engine, warehouse)) == 6
    with duckdb.connect(warehouse, read_only=True) as connection:
        assert connection.execute("select count(*) from segment.segment_runs").fetchall() == [(1,)]


@pytest.mark.requirement("SUR-6")
def test_each_day_knows_the_definition_that_made_it(engine: DuckDBEngine) -> None:
    """The version changes with the SQL or with a layer, and nothing else; a day computed anew has the new one."""
    first = segment("select person_no from features where spend > 400")
    second = replace(first, sql="select person_no from features where spend > 500")
    renamed = replace(first, title="Another title")
    built_on = replace(first, builds_on=(second,))
    assert version_of(renamed) == version_of(first)
    assert len({version_of(one) for one in (first, second, built_on)}) == 3
    engine.run_segment(first, DAY_BEFORE)
    engine.run_segment(first, DAY)
    engine.run_segment(second, DAY)
    assert engine.days_of("big_spenders") == [
        ComputedDay(DAY_BEFORE, 0, 10, version_of(first)),
        ComputedDay(DAY, 5, 10, version_of(second)),
    ]


@pytest.mark.requirement("SUR-6")
def test_a_record_of_before_versions_is_read_and_written(engine: DuckDBEngine, warehouse: Path) -> None:
    """A warehouse made by an earlier Turnout keeps its days; what is computed now has its version."""
    one = segment("select person_no from features where spend > 400")
    engine.run_segment(one, DAY_BEFORE)
    engine.close()
    with duckdb.connect(warehouse) as connection:
        connection.execute("alter table segment.segment_runs drop column definition")
    assert [day.definition for day in engine.days_of("big_spenders")] == [None]
    engine.run_segment(one, DAY)
    assert [day.definition for day in engine.days_of("big_spenders")] == [None, version_of(one)]


def test_a_changed_rule_replaces_only_its_day(engine: DuckDBEngine, warehouse: Path) -> None:
    """A day's rows are replaced as a whole, other days stay."""
    engine.run_segment(segment("select person_no from features where spend > 90"), DAY_BEFORE)
    engine.run_segment(segment("select person_no from features where spend > 400"), DAY)
    engine.run_segment(segment("select person_no from features where spend > 900"), DAY)
    assert stored(engine, warehouse) == [(DAY_BEFORE, 10), (DAY, 10)]


def test_a_past_day_is_replayed_as_it_was(engine: DuckDBEngine) -> None:
    """Features are those of the day, dated tables end at its midnight, rows without a time are not there."""
    everybody = segment("select person_no from features where spend > 150")
    assert engine.run_segment(everybody, DAY).size == 9
    assert engine.run_segment(everybody, DAY_BEFORE).size == 0
    buyers = segment("select distinct person_no from orders", name="buyers", reads=ORDERS)
    assert engine.run_segment(buyers, DAY_BEFORE).size == 1
    assert engine.run_segment(buyers, DAY).size == 2
    assert engine.latest("buyers") == DAY


def test_the_window_ends_at_midnight_after_the_day(engine: DuckDBEngine) -> None:
    """``$as_of`` is the day, ``$window_end`` the midnight after it; either may be left out."""
    one_day = "select person_no from orders where ordered_at >= $window_end - interval 1 day"
    assert engine.run_segment(segment(one_day, reads=ORDERS), DAY).size == 1
    same_day = "select person_no from orders where ordered_at::date = $as_of and ordered_at < $window_end"
    assert engine.run_segment(segment(same_day, reads=ORDERS), DAY_BEFORE).size == 1


def test_days_end_in_the_operators_time_zone(
    open_engine: Callable[..., DuckDBEngine], warehouse: Path
) -> None:
    """An event at 23:30 UTC belongs to the next day in Berlin."""
    with duckdb.connect(warehouse) as connection:
        connection.execute("drop table orders")
        connection.execute("create table orders (person_no integer, ordered_at timestamptz)")
        connection.execute("insert into orders values (1, timestamptz '2017-12-30 23:30:00+00')")
    buyers = segment("select person_no from orders", reads=ORDERS)
    for timezone, size in (("UTC", 1), ("Europe/Berlin", 0)):
        engine = open_engine(timezone=timezone)
        assert engine.run_segment(buyers, DAY_BEFORE).size == size
        engine.close()


@pytest.mark.bad_input("B81")
def test_duplicates_are_dropped_and_counted(engine: DuckDBEngine, warehouse: Path) -> None:
    """A person who comes out three times is in the segment once."""
    sql = "select f.person_no from features f cross join (values (1), (2), (3)) as three (n) where f.person_no < 3"
    profile = engine.run_segment(segment(sql), DAY)
    assert (profile.size, profile.duplicates) == (2, 4)
    assert stored(engine, warehouse) == [(DAY, 1), (DAY, 2)]


def test_wider_whole_numbers_are_taken(engine: DuckDBEngine) -> None:
    """A key that DuckDB widened is still the key."""
    assert (
        engine.run_segment(segment("select max(person_no)::bigint as person_no from features"), DAY).size == 1
    )


def test_an_empty_segment_is_a_result(engine: DuckDBEngine) -> None:
    """Nobody is an answer; it is recorded like any other."""
    engine.run_segment(segment("select person_no from features where spend < 0"), DAY)
    assert engine.latest("big_spenders") == DAY


@pytest.mark.bad_input("B80")
def test_null_person_numbers_are_refused(engine: DuckDBEngine, warehouse: Path) -> None:
    """A null key is an error with its count, and yesterday's good rows stay."""
    engine.run_segment(segment("select person_no from features where spend > 900"), DAY)
    sql = "select case when person_no > 4 then person_no end as person_no from features"
    assert failure(engine, sql) == (
        "segment_defs/big_spenders.sql: 4 of 10 rows have no person_no (null); "
        "leave such rows out: where person_no is not null"
    )
    assert stored(engine, warehouse) == [(DAY, 10)]


@pytest.mark.bad_input("B80")
def test_strangers_are_refused(engine: DuckDBEngine) -> None:
    """A number that is nobody's in the universe (another column under the key's name, say) is an error."""
    assert failure(engine, "select baskets + 7 as person_no from features") == (
        "segment_defs/big_spenders.sql: 7 of 10 people are not in the universe 'customers' on that day; a segment is "
        "a share of its universe (everybody who has a row in features on that day): join features"
    )


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        (
            "select spend as person_no from features",
            "segment_defs/big_spenders.sql:11: person_no comes out as DECIMAL(18,2); expected a whole number: the "
            "person_no of features, unchanged",
        ),
        (
            "select person_no, spend from features",
            "segment_defs/big_spenders.sql:11: the query returns the columns person_no, spend; expected exactly one "
            "column, person_no",
        ),
        (
            "select person_no\nfrom features\nwhere spent > 1",
            'segment_defs/big_spenders.sql:13: Referenced column "spent" not found in FROM clause!',
        ),
        (
            "select person_no from features where spend > $threshold",
            "segment_defs/big_spenders.sql: unknown parameter $threshold; expected $as_of or $window_end",
        ),
    ],
)
def test_what_the_warehouse_finds_is_told_at_the_files_line(
    engine: DuckDBEngine, sql: str, message: str
) -> None:
    """Also when the warehouse differs from the catalogue, the author reads file and line."""
    assert failure(engine, sql) == message


def test_a_day_without_features_says_to_load_first(engine: DuckDBEngine) -> None:
    """A segment is never computed as empty because its features are not there."""
    with pytest.raises(SegmentError) as raised:
        engine.run_segment(segment("select person_no from features"), date(2018, 1, 1))
    assert str(raised.value) == (
        "segment_defs/big_spenders.sql: there are no features for 2018-01-01; load that day first: "
        "turnout sources --as-of 2018-01-01"
    )


def test_a_table_that_was_never_loaded_is_named(engine: DuckDBEngine) -> None:
    """A table of the catalogue that no load has made yet is told by name."""
    assert failure(engine, "select person_no from web_events", reads={"web_events"}) == (
        "segment_defs/big_spenders.sql: the table web_events is not in the warehouse yet; "
        "load the sources first: turnout sources"
    )


def test_an_unknown_universe_is_refused(engine: DuckDBEngine) -> None:
    """A share is only told of a population that is known."""
    with pytest.raises(SegmentError, match="unknown universe 'prospects'; expected customers"):
        engine.run_segment(replace(segment("select person_no from features"), universe="prospects"), DAY)


@pytest.mark.privacy("P28")
def test_errors_never_quote_the_data(engine: DuckDBEngine, warehouse: Path) -> None:
    """DuckDB quotes the value that would not convert; the author's message does not."""
    with duckdb.connect(warehouse) as connection:
        connection.execute("alter table features add column note varchar")
        connection.execute("update features set note = 'anna@example.com'")
    message = failure(engine, "select person_no\nfrom features\nwhere note::integer > 3")
    assert message == (
        "segment_defs/big_spenders.sql:13: a value could not be converted to the type asked for; "
        "use try_cast, which gives null instead"
    )
    overflow = failure(engine, "select person_no from features where (spend * 99999999999999999)::bigint > 1")
    assert "a number" in overflow or "a value" in overflow
    assert "00" not in overflow.replace("segment_defs", "")


@pytest.mark.privacy("P24")
def test_old_days_are_forgotten(open_engine: Callable[..., DuckDBEngine], warehouse: Path) -> None:
    """Days beyond ``days_kept`` go, but never the day somebody has just computed."""
    first = date(2017, 12, 20)
    with duckdb.connect(warehouse) as connection:
        connection.execute(
            "insert into features select date '2017-12-20' + n::integer, 1, 0, 0 from range(0, 10) as days (n)"
        )
    engine = open_engine(days_kept=3)
    rule = segment("select person_no from features where person_no = 1")
    for offset in range(12):
        engine.run_segment(rule, first + timedelta(days=offset))
    kept = [date(2017, 12, day) for day in (29, 30, 31)]
    assert [
        engine.profile("big_spenders", first + timedelta(days=offset)) is not None for offset in range(12)
    ] == [False] * 9 + [True] * 3
    engine.run_segment(rule, first)
    assert engine.profile("big_spenders", first) is not None
    assert engine.latest("big_spenders") == DAY
    assert stored(engine, warehouse) == [(day, 1) for day in [first, *kept]]


@pytest.mark.bad_input("B89")
@pytest.mark.privacy("P39")
def test_a_segments_name_is_only_ever_a_name(engine: DuckDBEngine) -> None:
    """A name that looks like SQL makes a table of that name and nothing else."""
    odd = segment("select person_no from features", name='x" (a int); drop table features; --')
    assert engine.run_segment(odd, DAY).size == 10
    assert engine.run_segment(segment("select person_no from features"), DAY).size == 10


@pytest.mark.privacy("P38")
def test_a_reading_engine_computes_nothing(open_engine: Callable[..., DuckDBEngine]) -> None:
    """The engine that delivers cannot change the warehouse."""
    engine = open_engine(read_only=True)
    with pytest.raises(EngineError, match="open for reading only"):
        engine.run_segment(segment("select person_no from features"), DAY)
