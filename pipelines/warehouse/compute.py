"""One segment on one day: run the author's SELECT on dated views, check what came out, keep it.

The author's SQL was gated when its file was read (``pipelines.segments.gate``). Here it is confined once
more: it is proved to be a single SELECT, it runs in a read-only transaction, within a time limit, and sees
each table only as of the day, through temporary views that stand before the tables of the same names.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import duckdb

from pipelines.duck import quote
from pipelines.engine import EngineError, Layer, Profile
from pipelines.segments.catalog import Catalog
from pipelines.segments.errors import SegmentError
from pipelines.segments.key import KEY, KEY_TYPES
from pipelines.segments.model import Segment
from pipelines.segments.universe import UNIVERSES
from pipelines.warehouse import history, live
from pipelines.warehouse.confinement import explained, time_limit

FEATURES = "features"
COMPUTED = quote("computed segment")


def compute_segment(
    cursor: duckdb.DuckDBPyConnection,
    segment: Segment,
    as_of: date,
    *,
    catalog: Catalog,
    timeout_seconds: float,
) -> Profile:
    """Compute ``segment`` for ``as_of`` and replace that day's rows in one transaction.

    ``cursor`` must be writable, unshared and without an open transaction. Raises SegmentError.
    """
    if segment.universe not in UNIVERSES:
        raise SegmentError(
            segment.path, f"unknown universe {segment.universe!r}", expected=" or ".join(UNIVERSES)
        )
    database = _name_of_database(cursor)
    prepare(cursor, segment, as_of, catalog=catalog, timeout_seconds=timeout_seconds)
    universe = _universe(cursor, segment, as_of, database=database)
    run(cursor, segment, as_of, timeout_seconds)
    size, duplicates = _examine(cursor, segment, as_of, database=database)
    layers = tuple(contribution(cursor, name) for name in segment.layers)
    profile = Profile(segment.name, as_of, size=size, universe=universe, duplicates=duplicates, layers=layers)
    _keep(cursor, profile)
    return profile


def prepare(
    cursor: duckdb.DuckDBPyConnection,
    segment: Segment,
    as_of: date,
    *,
    catalog: Catalog,
    timeout_seconds: float,
    people: str | None = None,
) -> None:
    """Put before the segment's SQL what it reads as of the day: its tables, and the segments that it is built on.

    ``people`` is a table of those whose rows are there; None: everybody's.
    """
    database = _name_of_database(cursor)
    _date_views(cursor, segment, as_of, database=database, catalog=catalog, people=people)
    for layer in segment.builds_on:
        run(cursor, layer, as_of, timeout_seconds)
        lay(cursor, layer.name)


def window_end(as_of: date) -> str:
    """Midnight after ``as_of``, exclusive, as a DuckDB literal in the session's time zone."""
    return f"timestamp '{(as_of + timedelta(days=1)).isoformat()} 00:00:00'"


def _name_of_database(cursor: duckdb.DuckDBPyConnection) -> str:
    return str(cursor.execute("select current_database()").fetchall()[0][0])


def _date_views(
    cursor: duckdb.DuckDBPyConnection,
    segment: Segment,
    as_of: date,
    *,
    database: str,
    catalog: Catalog,
    people: str | None = None,
) -> None:
    """Put a view as of the day before every table that the segment reads.

    A row without a time cannot be said to have happened before the window's end, so it is not there.
    """
    present = {
        name
        for (name,) in cursor.execute(
            "select table_name from duckdb_tables() where schema_name = 'main' and not temporary"
            " union all select view_name from duckdb_views() where schema_name = 'main' and not temporary"
        ).fetchall()
    }
    for name in sorted(segment.reads | {FEATURES}):
        if name not in present:
            raise SegmentError(
                segment.path,
                f"the table {name} is not in the warehouse yet",
                fix="load the sources first: turnout sources",
            )
        table = catalog.get(name)
        rows = f"{quote(database)}.main.{quote(name)}"
        if name == FEATURES:
            rows = live.features_of(cursor, database, as_of)
            condition = f"as_of = date '{as_of.isoformat()}'"
        elif table is not None and table.time_column is not None:
            condition = f"{quote(table.time_column)} < {window_end(as_of)}"
        else:
            condition = "true"
        if people is not None and table is not None and KEY in table.columns:
            condition += f" and {KEY} in (select {KEY} from {people})"
        cursor.execute(f"create temp view {quote(name)} as select * from {rows} where {condition}")


def _universe(cursor: duckdb.DuckDBPyConnection, segment: Segment, as_of: date, *, database: str) -> int:
    query = f"select count(*) from {live.features_of(cursor, database, as_of)} where as_of = $as_of"
    size = int(cursor.execute(query, {"as_of": as_of}).fetchall()[0][0])
    if size == 0:
        raise SegmentError(
            segment.path,
            f"there are no features for {as_of.isoformat()}",
            fix=f"load that day first: turnout sources --as-of {as_of.isoformat()}",
        )
    return size


def run(cursor: duckdb.DuckDBPyConnection, segment: Segment, as_of: date, seconds: float) -> None:
    """Fill the temporary table with what the author's SELECT returns, unchanged but for a line above it."""
    parameters = _parameters(cursor, segment, as_of)
    # Read-only with regard to the file: only temporary tables of this cursor can be written.
    cursor.execute("begin transaction read only")
    try:
        with time_limit(cursor, seconds), explained(segment, lines_before=1, seconds=seconds):
            described = cursor.execute(f"describe\n{segment.sql}", parameters).fetchall()
            _check_shape(segment, [(name, kind) for name, kind, *_ in described])
            cursor.execute(f"create or replace temp table {COMPUTED} as\n{segment.sql}", parameters)
        cursor.execute("commit")
    except BaseException:
        cursor.execute("rollback")
        raise


def lay(cursor: duckdb.DuckDBPyConnection, name: str) -> None:
    """What was just computed becomes a table under the layer's name, each person once."""
    cursor.execute(
        f"""
        create temp table {quote(name)} as
        select distinct person_no
        from {COMPUTED}
        where person_no is not null
        """
    )


def contribution(cursor: duckdb.DuckDBPyConnection, name: str) -> Layer:
    """A layer's size, and how many of its people are in what was computed last."""
    size, shared = cursor.execute(
        f"""
        select count(*), count(*) filter (where person_no in (select person_no from {COMPUTED}))
        from {quote(name)}
        """
    ).fetchall()[0]
    return Layer(name, size, shared)


def _parameters(cursor: duckdb.DuckDBPyConnection, segment: Segment, as_of: date) -> dict[str, object]:
    with explained(segment, lines_before=0, seconds=0):
        statements = cursor.extract_statements(segment.sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise SegmentError(segment.path, "a segment is exactly one SELECT", line=segment.sql_line)
    known = _day(as_of)
    asked = statements[0].named_parameters
    if not asked <= known.keys():
        raise SegmentError(
            segment.path,
            f"unknown parameter ${min(asked - known.keys())}",
            expected="$as_of or $window_end",
        )
    return {name: known[name] for name in asked}


def parameters_of(cursor: duckdb.DuckDBPyConnection, query: str, as_of: date) -> dict[str, object]:
    """Of what a segment may ask about its day, what a query asks."""
    (statement,) = cursor.extract_statements(query)
    return {name: value for name, value in _day(as_of).items() if name in statement.named_parameters}


def _day(as_of: date) -> dict[str, object]:
    return {"as_of": as_of, "window_end": datetime.combine(as_of + timedelta(days=1), time())}


def _check_shape(segment: Segment, columns: list[tuple[str, str]]) -> None:
    if [name for name, _ in columns] != [KEY]:
        names = ", ".join(name for name, _ in columns)
        raise SegmentError(
            segment.path,
            f"the query returns the columns {names}",
            line=segment.sql_line,
            expected=f"exactly one column, {KEY}",
        )
    if columns[0][1] not in KEY_TYPES:
        raise SegmentError(
            segment.path,
            f"{KEY} comes out as {columns[0][1]}",
            line=segment.sql_line,
            expected="a whole number: the person_no of features, unchanged",
        )


def _examine(
    cursor: duckdb.DuckDBPyConnection, segment: Segment, as_of: date, *, database: str
) -> tuple[int, int]:
    """Size and number of duplicate rows of what was computed; raises when it holds nobody's number."""
    query = f"""
with people as (
  select distinct person_no
  from {COMPUTED}
  where person_no is not null
),
strangers as (
  select person_no
  from people
  anti join (
    select person_no
    from {live.features_of(cursor, database, as_of)}
    where as_of = $as_of
  ) as universe
    using (person_no)
)
select
  (select count(*) from {COMPUTED}),
  (select count(person_no) from {COMPUTED}),
  (select count(*) from people),
  (select count(*) from strangers)
"""
    rows, known, size, strangers = cursor.execute(query, {"as_of": as_of}).fetchall()[0]
    if rows != known:
        raise SegmentError(
            segment.path,
            f"{rows - known:,} of {rows:,} rows have no person_no (null)",
            fix="leave such rows out: where person_no is not null",
        )
    if strangers:
        raise SegmentError(
            segment.path,
            f"{strangers:,} of {size:,} people are not in the universe {segment.universe!r} on that day",
            fix=f"a segment is a share of its universe ({UNIVERSES[segment.universe]}): join features",
        )
    return size, rows - size


def _keep(cursor: duckdb.DuckDBPyConnection, profile: Profile) -> None:
    """Replace the day's rows and its record in one transaction; tables are made before it."""
    table = f"segment.{quote(profile.segment)}"
    cursor.execute(history.SCHEMA)
    cursor.execute(f"create table if not exists {table} (as_of date not null, person_no integer not null)")
    cursor.execute("begin")
    try:
        cursor.execute(f"delete from {table} where as_of = $as_of", {"as_of": profile.as_of})
        inserted = cursor.execute(
            f"insert into {table} select distinct $as_of::date, person_no from {COMPUTED}",
            {"as_of": profile.as_of},
        ).fetchall()[0][0]
        if inserted != profile.size:
            raise EngineError(
                f"segment {profile.segment}: {inserted} rows kept where {profile.size} were counted"
            )
        history.record(cursor, profile)
        cursor.execute("commit")
    except BaseException:
        cursor.execute("rollback")
        raise
