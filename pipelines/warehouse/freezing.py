"""Computing what is frozen: the segment of its day, without those who have gone since."""

from __future__ import annotations

from contextlib import closing
from datetime import date

import duckdb
import pyarrow as pa

from pipelines.duck import quote
from pipelines.segments.catalog import Catalog
from pipelines.segments.errors import SegmentError
from pipelines.segments.freezing import counted_on
from pipelines.segments.model import Segment
from pipelines.warehouse import compute


def day_of(cursor: duckdb.DuckDBPyConnection, segment: Segment, as_of: date) -> date:
    """The day on which to look at a segment as of a day. Raises SegmentError where that day's features are missing."""
    day = counted_on(segment, as_of)
    if (
        day != as_of
        and not cursor.execute("select 1 from features where as_of = $1 limit 1", [day]).fetchall()
    ):
        raise SegmentError(
            segment.path,
            f"it is frozen on {day.isoformat()}, and there are no features for that day",
            fix=f"load that day: turnout sources --as-of {day.isoformat()}",
        )
    return day


def lay_frozen(
    cursor: duckdb.DuckDBPyConnection,
    layer: Segment,
    as_of: date,
    *,
    catalog: Catalog,
    timeout_seconds: float,
) -> None:
    """A static layer as a table under its name, computed apart: on its day its own layers are others too."""
    with closing(cursor.cursor()) as own:
        day = day_of(own, layer, as_of)
        compute.prepare(own, layer, day, catalog=catalog, timeout_seconds=timeout_seconds)
        compute.fill(own, layer, day, timeout_seconds)
        people: pa.Table = own.sql(
            f"select distinct person_no from {compute.COMPUTED} where person_no is not null"
        ).to_arrow_table()
    cursor.register("frozen people", people)
    cursor.execute(
        f'create or replace temp table {quote(layer.name)} as select person_no from "frozen people"'
    )
    cursor.unregister("frozen people")


def leave_out_the_gone(cursor: duckdb.DuckDBPyConnection, database: str, as_of: date) -> None:
    """Take out of what was computed for an earlier day whoever is not in the universe any more."""
    cursor.execute(
        f"""
        delete from {compute.COMPUTED}
        where person_no not in (
          select person_no
          from {quote(database)}.main.features
          where as_of = $as_of
        )
        """,
        {"as_of": as_of},
    )
