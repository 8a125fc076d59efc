"""Warehouses of any size, made in SQL: people with an e-mail, and one segment on two days.

``churn`` is the share of the segment that changes between the days: half leaves, half joins.
"""

from __future__ import annotations

from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path

import duckdb

DAY_1 = date(2017, 12, 30)
DAY_2 = DAY_1 + timedelta(days=1)
SEGMENT = "everybody"
PURPOSE = "profiling"


def make(path: Path, members: int, churn: float = 0.0) -> None:
    """A warehouse of ``members`` people on either day, plus those who join on the second."""
    moved = int(members * churn / 2)
    path.unlink(missing_ok=True)
    with duckdb.connect(path) as con:
        con.execute(files("pipelines.sources").joinpath("people_tables.sql").read_text())
        con.execute(
            f"""
            insert into people by name
            select
              cast(n as integer) as person_no,
              cast(n as varchar) as person_id,
              'person.' || n || '@example.com' as email,
              ['{PURPOSE}'] as granted,
              1 as revision
            from range({members + moved}) as numbers(n)
            """
        )
        con.execute("create table features (as_of date, person_no integer)")
        con.execute("create schema segment")
        con.execute(f"create table segment.{SEGMENT} (as_of date, person_no integer)")
        con.execute(
            "create table segment.segment_runs (segment varchar, as_of date, size bigint, universe bigint, "
            "duplicates bigint, computed_at timestamptz)"
        )
        con.execute("create table warehouse_identity as select 'bench' as identity")
        add_day(con, DAY_1, 0, members)


def add_second_day(path: Path, members: int, churn: float) -> None:
    """The segment's second day: the first ``churn / 2`` left, as many joined at the end."""
    moved = int(members * churn / 2)
    with duckdb.connect(path) as con:
        add_day(con, DAY_2, moved, members + moved)


def add_day(con: duckdb.DuckDBPyConnection, as_of: date, first: int, end: int) -> None:
    """People ``first`` to ``end`` (exclusive) are in the segment on a day, in no particular order."""
    con.execute(
        f"""
        insert into segment.{SEGMENT}
        select date '{as_of}', cast(n as integer)
        from range({first}, {end}) as numbers(n)
        order by hash(n)
        """
    )
    con.execute(
        f"insert into segment.segment_runs values ('{SEGMENT}', date '{as_of}', {end - first}, {end}, 0, now())"
    )
    con.execute(f"insert into features values (date '{as_of}', 0)")
