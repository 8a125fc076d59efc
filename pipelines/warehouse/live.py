"""The day under way in the warehouse: everybody's features as if it had ended, and about whom something arrived since.

``live.features`` holds one day, today. A segment of that day is computed from it as one of an earlier day is from
``features``; ``live.touched`` are those whose features are newer than the segments computed from them.
"""

from __future__ import annotations

from datetime import date

import duckdb

from pipelines.duck import quote
from pipelines.segments.model import Segment
from pipelines.segments.version import version_of

SCHEMA = """
create schema if not exists live;

-- The day, and what its features were computed from; none or one row.
create table if not exists live.day (
  as_of date not null,
  basis varchar not null
);

create table if not exists live.touched (
  person_no integer not null
);

-- How far each part of a source was read.
create table if not exists live.marks (
  source varchar not null,
  part varchar not null,
  version varchar not null,
  written_at timestamptz,
  position bigint not null,
  before varchar not null
);

-- Segments that were computed for the day, everybody in them, and the definition that it was done with.
create table if not exists live.computed (
  segment varchar not null,
  definition varchar not null
);
"""
TOUCHED = "live.touched"


def exists(cursor: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether a table of the schema ``live`` is there."""
    query = "select 1 from duckdb_tables() where schema_name = 'live' and table_name = ? and not temporary"
    return bool(cursor.execute(query, [table]).fetchall())


def day(cursor: duckdb.DuckDBPyConnection) -> date | None:
    """The day whose features stand in ``live.features``; None before the first."""
    if not exists(cursor, "day"):
        return None
    found = cursor.execute("select as_of from live.day").fetchall()
    return found[0][0] if found else None


def features_of(cursor: duckdb.DuckDBPyConnection, database: str, as_of: date) -> str:
    """The table in which a day's features stand: that of whole days, or that of the day under way."""
    schema = "live" if day(cursor) == as_of else "main"
    return f"{quote(database)}.{schema}.features"


def end_day(cursor: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """The day's features have been built among those of whole days, and are read there from now on."""
    if exists(cursor, "day"):
        cursor.execute("delete from live.day where as_of = $as_of", {"as_of": as_of})


def is_computed(cursor: duckdb.DuckDBPyConnection, segment: Segment) -> bool:
    """Whether everybody's membership of the day under way was computed by the segment as it is now."""
    query = "select 1 from live.computed where segment = $segment and definition = $definition"
    asked = {"segment": segment.name, "definition": version_of(segment)}
    return bool(cursor.execute(query, asked).fetchall())


def mark_computed(cursor: duckdb.DuckDBPyConnection, segment: Segment) -> None:
    """Everybody's membership was computed."""
    cursor.execute("delete from live.computed where segment = $segment", {"segment": segment.name})
    cursor.execute(
        "insert into live.computed values ($segment, $definition)",
        {"segment": segment.name, "definition": version_of(segment)},
    )


def mark_failed(cursor: duckdb.DuckDBPyConnection, segment: Segment) -> None:
    """The segment could not be computed: the next time it is for everybody."""
    cursor.execute("delete from live.computed where segment = $segment", {"segment": segment.name})


def settle(cursor: duckdb.DuckDBPyConnection) -> None:
    """Every segment has been computed for everybody who was touched."""
    cursor.execute("delete from live.touched")
