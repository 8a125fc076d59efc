"""One segment on one day: run the author's SELECT on dated views, check what came out, keep it.

The author's SQL was gated when its file was read (``pipelines.segments.gate``). Here it is confined once
more: it is proved to be a single SELECT, it runs in a read-only transaction, within a time limit, and sees
each table only as of the day, through temporary views that stand before the tables of the same names.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import duckdb

from pipelines.duck import quote
from pipelines.engine import Layer, Profile, Taken
from pipelines.segments.catalog import Catalog
from pipelines.segments.errors import SegmentError
from pipelines.segments.freezing import counted_on
from pipelines.segments.key import KEY, KEY_TYPES
from pipelines.segments.looking_back import exit_rule, window
from pipelines.segments.model import Segment
from pipelines.segments.universe import UNIVERSES
from pipelines.segments.version import version_of
from pipelines.warehouse import damping, freezing, history, live, waterfall
from pipelines.warehouse.confinement import explained, time_limit
from pipelines.warehouse.keeping import Membership, keep
from pipelines.warehouse.scored import need_scores

FEATURES = "features"
AS_OF = "as_of"
"""The time column of tables that hold a whole picture of every day: only the day's own rows are there."""
COMPUTED = quote("computed segment")
RULE = quote("people by the rule")
"""What the author's SELECT gave, where entry and exit rules made something else of it."""
NOBODY = f"select person_no from {RULE} where false"


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
    database = name_of_database(cursor)
    day = freezing.day_of(cursor, segment, as_of)
    prepare(cursor, segment, day, catalog=catalog, timeout_seconds=timeout_seconds)
    universe = _universe(cursor, segment, as_of, database=database)
    stand_back(cursor, segment, day, timeout_seconds)
    run(cursor, segment, day, timeout_seconds)
    size, duplicates = _examine(cursor, segment, day, database=database)
    settle(cursor, segment, day, timeout_seconds)
    taken = waterfall.take_out(cursor, segment, COMPUTED)
    if day != as_of:
        freezing.leave_out_the_gone(cursor, database, as_of)
    if segment.entry_exit is not None or taken or day != as_of:
        size = int(cursor.execute(f"select count(distinct person_no) from {COMPUTED}").fetchall()[0][0])
    layers = tuple(contribution(cursor, name) for name in segment.layers)
    profile = Profile(
        segment.name,
        as_of,
        size=size,
        universe=universe,
        duplicates=duplicates,
        layers=layers,
        taken=taken,
    )
    people = f"select distinct person_no from {COMPUTED}"
    keep(cursor, [Membership(profile, version_of(segment), people)])
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

    Where it, a layer or one before it in its waterfall has entry and exit rules, the days on which they look back are
    gone through first, in order. ``people`` is a table of those whose rows are there; None: everybody's.
    """
    for day in days_before(cursor, segment, as_of):
        stand(cursor, segment, day, catalog=catalog, timeout_seconds=timeout_seconds)
        if any(one.entry_exit is not None for one in (segment, *segment.after)):
            fill(cursor, segment, day, timeout_seconds)
    stand(cursor, segment, as_of, catalog=catalog, timeout_seconds=timeout_seconds, people=people)


def days_before(cursor: duckdb.DuckDBPyConnection, segment: Segment, as_of: date) -> list[date]:
    """The days on which the segment looks back. Before the first of them with features there was nobody.

    Raises SegmentError for a later one without: what is not known of a day must not pass for nobody.
    """
    days = list(window(segment, as_of))
    if not days or history.newest_day(cursor) is None:
        return []
    query = f"select distinct as_of from {quote(name_of_database(cursor))}.main.features where as_of between $1 and $2"
    present = {day for (day,) in cursor.execute(query, [days[0], as_of]).fetchall()}
    known = [day for day in days if day >= min(present, default=as_of)]
    gap = next((day for day in known if day not in present), None)
    if gap is not None:
        raise SegmentError(
            segment.path,
            f"there are no features for {gap.isoformat()}, one of the {len(days)} days on which it looks back",
            fix=f"load that day first: turnout sources --as-of {gap.isoformat()}",
        )
    return known


def stand(
    cursor: duckdb.DuckDBPyConnection,
    segment: Segment,
    as_of: date,
    *,
    catalog: Catalog,
    timeout_seconds: float,
    people: str | None = None,
) -> None:
    """One day of `prepare`: the tables as of it, and the layers as they are on it."""
    database = name_of_database(cursor)
    waterfall.forget(cursor)
    need_scores(cursor, segment, as_of)
    _date_views(cursor, segment, as_of, database=database, catalog=catalog, people=people)
    for layer in segment.builds_on:
        if counted_on(layer, as_of) != as_of:
            freezing.lay_frozen(cursor, layer, as_of, catalog=catalog, timeout_seconds=timeout_seconds)
            continue
        fill(cursor, layer, as_of, timeout_seconds)
        lay(cursor, layer.name)


def fill(
    cursor: duckdb.DuckDBPyConnection, segment: Segment, as_of: date, seconds: float
) -> tuple[Taken, ...]:
    """Fill the temporary table with the whole membership of a segment on the day on which the cursor stands.

    Returns whom its waterfall took from it.
    """
    stand_back(cursor, segment, as_of, seconds)
    run(cursor, segment, as_of, seconds)
    settle(cursor, segment, as_of, seconds)
    return waterfall.take_out(cursor, segment, COMPUTED)


def stand_back(cursor: duckdb.DuckDBPyConnection, segment: Segment, as_of: date, seconds: float) -> None:
    """Find out whom the segments before it in its waterfall have, each by its own SQL and entry and exit rules."""

    def own(better: Segment) -> None:
        run(cursor, better, as_of, seconds)
        settle(cursor, better, as_of, seconds)

    waterfall.stand_back(cursor, segment, own, COMPUTED)


def settle(cursor: duckdb.DuckDBPyConnection, segment: Segment, as_of: date, seconds: float) -> bool:
    """From the people whom the SQL gave, in the temporary table, to the members. False: they are the same people."""
    if segment.entry_exit is None:
        return False
    cursor.execute(
        f"create or replace temp table {RULE} as select distinct person_no from {COMPUTED} where person_no is not null"
    )
    leaving = exit_rule(segment)
    if leaving is not None:
        run(cursor, leaving, as_of, seconds)
    leavers = COMPUTED if leaving is not None else f"({NOBODY})"
    with time_limit(cursor, seconds), explained(segment, lines_before=0, seconds=seconds):
        damping.fold(
            cursor, segment.name, segment.entry_exit, as_of, rule=RULE, leavers=leavers, into=COMPUTED
        )
    return True


def window_end(as_of: date) -> str:
    """Midnight after ``as_of``, exclusive, as a DuckDB literal in the session's time zone."""
    return f"timestamp '{(as_of + timedelta(days=1)).isoformat()} 00:00:00'"


def name_of_database(cursor: duckdb.DuckDBPyConnection) -> str:
    """The warehouse's own name, by which its tables are told from temporary ones before them."""
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
        if name == FEATURES or (table is not None and table.time_column == AS_OF):
            condition = f"as_of = date '{as_of.isoformat()}'"
        elif table is not None and table.time_column is not None:
            condition = f"{quote(table.time_column)} < {window_end(as_of)}"
        else:
            condition = "true"
        if people is not None and table is not None and KEY in table.columns:
            condition += f" and {KEY} in (select {KEY} from {people})"
        cursor.execute(f"create or replace temp view {quote(name)} as select * from {rows} where {condition}")


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
        create or replace temp table {quote(name)} as
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
