"""The second wall: SQL that the gate never saw can neither write, nor reach out, nor run away."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines.segments.errors import SegmentError
from pipelines.warehouse import DuckDBEngine
from pipelines.warehouse.confinement import time_limit
from tests.engine.conftest import DAY, segment

ESCAPES = [
    "drop table people",
    "delete from people",
    "select person_no from features; drop table people",
    "with gone as (delete from people returning person_no) select person_no from gone",
    "with new as (insert into features select * from features returning person_no) select person_no from new",
    "with changed as (update people set email = null returning person_no) select person_no from changed",
    "create table mine as select person_no from features",
    "alter table people drop column email",
    "insert into people (person_no) values (99)",
    "truncate people",
    "commit",
    "rollback; drop table people",
    "copy people to '{folder}/people.csv'",
    "copy (select email from people) to '{folder}/people.parquet'",
    "export database '{folder}/dump'",
    "attach '{folder}/other.duckdb' as other",
    "detach warehouse",
    "install httpfs",
    "load httpfs",
    "set enable_external_access = true",
    "set lock_configuration = false",
    "set memory_limit = '100GB'",
    "pragma memory_limit = '100GB'",
    "call enable_logging()",
    "create secret (type s3, key_id 'x', secret 'y')",
    "select person_no from read_csv('{folder}/secret.csv') as t (person_no)",
    "select length(content) as person_no from read_text('{folder}/secret.csv')",
    "select 1 as person_no from glob('{folder}/*')",
    "select person_no from '{folder}/secret.csv'",
    "select length(content)::integer as person_no from read_blob('/etc/hostname')",
    "select person_no from read_parquet('https://127.0.0.1:1/people.parquet')",
    "select person_no from python_table",
    "select person_no from query('drop table people')",
    "create trigger t after insert on people begin delete from people; end",
    "create macro f() as 1",
    "prepare p as drop table people",
    "checkpoint",
    "use segment",
    "select nextval('counter')::integer as person_no",
]

PYTHON_TABLE = pa.table({"person_no": pa.array([1], pa.int32())})


@pytest.mark.bad_input("B78")
@pytest.mark.privacy("P38")
@pytest.mark.parametrize("sql", ESCAPES)
def test_escapes_fail_and_change_nothing(
    engine: DuckDBEngine, warehouse: Path, tmp_path: Path, sql: str
) -> None:
    """Without any gate before it, the engine refuses; tables, files and settings are as they were."""
    python_table = PYTHON_TABLE
    secret = tmp_path / "secret.csv"
    secret.write_text("person_no\n1\n")
    engine.run_segment(segment("select person_no from features", name="before"), DAY)
    with pytest.raises(SegmentError):
        engine.run_segment(segment(sql.format(folder=tmp_path)), DAY)
    assert engine.run_segment(segment("select person_no from features", name="before"), DAY).size == 10
    engine.close()
    assert python_table.num_rows == 1
    assert {path.name for path in tmp_path.iterdir()} == {"secret.csv", "warehouse.duckdb"}
    with duckdb.connect(warehouse, read_only=True) as connection:
        people = connection.execute("select count(*), count(email) from people").fetchall()
        tables = connection.execute("select table_name from duckdb_tables() order by 1").fetchall()
    assert people == [(5, 4)]
    assert [name for (name,) in tables] == [
        "before",
        "features",
        "orders",
        "people",
        "products",
        "segment_runs",
        "warehouse_identity",
    ]


def test_there_are_enough_escapes() -> None:
    """At least twenty different ways out are tried."""
    assert len(set(ESCAPES)) == len(ESCAPES) >= 20


@pytest.mark.bad_input("B79")
@pytest.mark.privacy("P38")
@pytest.mark.promise("bounded")
@pytest.mark.parametrize(
    "sql",
    [
        "select a.i::integer as person_no from range(10000000) as a (i), range(1000000) as b (i) where a.i + b.i < 0",
        "with recursive n (person_no) as (select 1 union all select 1 from n) select person_no from n",
    ],
)
def test_a_runaway_query_is_stopped_in_time(open_engine: Callable[..., DuckDBEngine], sql: str) -> None:
    """A query over its time is interrupted; the engine is good for the next one at once."""
    engine = open_engine(timeout_seconds=0.5)
    started = time.monotonic()
    with pytest.raises(SegmentError) as raised:
        engine.run_segment(segment(sql), DAY)
    assert time.monotonic() - started < 10
    assert str(raised.value) == (
        "segment_defs/big_spenders.sql: the query was stopped after 0.5 seconds; "
        "make it cheaper, or raise TURNOUT_SEGMENT_TIMEOUT_SECONDS"
    )
    assert engine.run_segment(segment("select person_no from features"), DAY).size == 10


@pytest.mark.bad_input("B79")
@pytest.mark.privacy("P38")
@pytest.mark.fault(
    "F50",
    injected="a query beyond the warehouse's memory limit",
    outcome="fails with a sentence; the next query runs",
)
@pytest.mark.promise("bounded")
def test_a_greedy_query_is_stopped_by_its_memory(open_engine: Callable[..., DuckDBEngine]) -> None:
    """A query that cannot do within its memory fails with a sentence instead of taking the machine down."""
    engine = open_engine(memory_limit="100MB", spill_limit="10MB")
    with pytest.raises(SegmentError) as raised:
        engine.run_segment(
            segment("select len(list(i))::integer as person_no from range(50000000) as t (i)"), DAY
        )
    assert str(raised.value) == (
        "segment_defs/big_spenders.sql: the query needs more memory or disk than it is given; "
        "join or group on fewer rows, or raise TURNOUT_MEMORY_LIMIT"
    )
    assert engine.run_segment(segment("select person_no from features"), DAY).size == 10


def test_a_late_watchdog_never_hits_the_next_query() -> None:
    """However the end of a block and its time fall together, the statement after the block is left alone."""
    with duckdb.connect() as connection:
        for turn in range(300):
            with contextlib.suppress(duckdb.InterruptException), time_limit(connection, turn * 0.00002):
                connection.execute("select sum(i) from range(20000) as t (i)").fetchall()
            assert connection.execute("select sum(i) from range(20000) as t (i)").fetchall() == [(199990000,)]


@pytest.mark.privacy("P38")
def test_settings_are_locked_for_everybody(engine: DuckDBEngine) -> None:
    """Also the engine's own exports run where no file and no setting can be reached."""
    engine.check()
    connection = engine._open()
    with pytest.raises(duckdb.Error, match="locked"):
        connection.execute("set enable_external_access = true")
    with pytest.raises(duckdb.Error):
        connection.execute("select * from read_text('/etc/hostname')")
