"""The record of computed segments: one row a segment and day, and how long days are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from pipelines.duck import quote
from pipelines.engine import Profile

SCHEMA = """
create schema if not exists segment;

create table if not exists segment.segment_runs (
  segment varchar not null,
  as_of date not null,
  size bigint not null,
  universe bigint not null,
  duplicates bigint not null,
  computed_at timestamptz not null,
  definition varchar
);

-- Warehouses of before know nothing of definitions; what they computed keeps null.
alter table segment.segment_runs add column if not exists definition varchar;
"""


@dataclass(frozen=True, slots=True)
class ComputedDay:
    """One day of a segment's life, as it was computed last."""

    as_of: date
    size: int
    universe: int
    definition: str | None
    """The version of the definition that made it; None: computed before versions were kept."""


def latest(cursor: duckdb.DuckDBPyConnection, segment: str) -> date | None:
    """The newest day on which the segment was computed."""
    if not _exists(cursor):
        return None
    query = "select max(as_of) from segment.segment_runs where segment = $segment"
    day = cursor.execute(query, {"segment": segment}).fetchall()[0][0]
    return day if isinstance(day, date) else None


def newest_day(cursor: duckdb.DuckDBPyConnection) -> date | None:
    """The newest day of the feature table."""
    found = "select 1 from duckdb_tables() where schema_name = 'main' and table_name = 'features'"
    if not cursor.execute(found).fetchall():
        return None
    day = cursor.execute("select max(as_of) from main.features").fetchall()[0][0]
    return day if isinstance(day, date) else None


def profile(cursor: duckdb.DuckDBPyConnection, segment: str, as_of: date) -> Profile | None:
    """What is recorded about a segment on a day."""
    if not _exists(cursor):
        return None
    query = """
select size, universe, duplicates
from segment.segment_runs
where segment = $segment
  and as_of = $as_of
"""
    found = cursor.execute(query, {"segment": segment, "as_of": as_of}).fetchall()
    return Profile(segment, as_of, *found[0]) if found else None


def computed_on(cursor: duckdb.DuckDBPyConnection, as_of: date) -> list[str]:
    """The segments that were computed for a day, by name."""
    if not _exists(cursor):
        return []
    query = "select segment from segment.segment_runs where as_of = $as_of order by segment"
    return [str(name) for (name,) in cursor.execute(query, {"as_of": as_of}).fetchall()]


def days_of(cursor: duckdb.DuckDBPyConnection, segment: str) -> list[ComputedDay]:
    """Every computed day of a segment, the oldest first."""
    if not _exists(cursor):
        return []
    definition = "definition" if _exists(cursor, "definition") else "null"
    query = f"""
select
  as_of,
  size,
  universe,
  {definition}
from segment.segment_runs
where segment = $segment
order by as_of
"""
    return [ComputedDay(*row) for row in cursor.execute(query, {"segment": segment}).fetchall()]


def record(cursor: duckdb.DuckDBPyConnection, runs: Mapping[Profile, str]) -> None:
    """Set down runs, and which definition made each, in place of earlier ones of the same days.

    Runs inside the caller's transaction.
    """
    asked = {
        "segments": [run.segment for run in runs],
        "days": [run.as_of for run in runs],
        "sizes": [run.size for run in runs],
        "universes": [run.universe for run in runs],
        "duplicates": [run.duplicates for run in runs],
        "definitions": list(runs.values()),
    }
    cursor.execute(
        """
        delete from segment.segment_runs
        where (segment, as_of) in (select unnest($segments), unnest($days))
        """,
        {name: asked[name] for name in ("segments", "days")},
    )
    cursor.execute(
        """
        insert into segment.segment_runs (segment, as_of, size, universe, duplicates, computed_at, definition)
        select
          unnest($segments),
          unnest($days),
          unnest($sizes),
          unnest($universes),
          unnest($duplicates),
          now(),
          unnest($definitions)
        """,
        asked,
    )


def prune(cursor: duckdb.DuckDBPyConnection, segments: Sequence[str], *, keep: date, days_kept: int) -> None:
    """Forget days further back than ``days_kept`` from each segment's newest, except ``keep``.

    ``keep`` is the day just computed: somebody asked for it, however old it is.
    """
    if not _exists(cursor):
        return
    query = """
select
  segment,
  max(as_of) - $days::integer as last_forgotten
from segment.segment_runs
where segment in (select unnest($segments))
group by segment
having min(as_of) filter (as_of <> $keep) <= last_forgotten
"""
    bounds = {"days": days_kept, "keep": keep, "segments": list(segments)}
    for segment, last_forgotten in cursor.execute(query, bounds).fetchall():
        _forget(cursor, segment, last_forgotten, keep)


def _forget(cursor: duckdb.DuckDBPyConnection, segment: str, last: date, keep: date) -> None:
    """A segment's days up to ``last``, except ``keep``."""
    bounds = {"last": last, "keep": keep}
    condition = "as_of <= $last and as_of <> $keep"
    cursor.execute("begin")
    try:
        cursor.execute(f"delete from segment.{quote(segment)} where {condition}", bounds)
        cursor.execute(
            f"delete from segment.segment_runs where segment = $segment and {condition}",
            bounds | {"segment": segment},
        )
        cursor.execute("commit")
    except BaseException:
        cursor.execute("rollback")
        raise


def _exists(cursor: duckdb.DuckDBPyConnection, column: str = "segment") -> bool:
    """Whether there is a record; a reader may meet one of before some column."""
    query = """
select 1
from duckdb_columns()
where schema_name = 'segment'
  and table_name = 'segment_runs'
  and column_name = $column
"""
    return bool(cursor.execute(query, {"column": column}).fetchall())
