"""Waterfalls on a day: whoever is in a segment that comes before in the group is taken out of those that come after.

A segment's own people are what its SQL selects. Those of the segments before it are computed on the same cursor, from
their own definitions and for the same day, so that what a segment holds never depends on what was computed when.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import duckdb

from pipelines.duck import literal, quote
from pipelines.engine import Taken
from pipelines.segments.model import Segment

TAKEN = quote("people taken before")
"""``person_no`` and ``taken_by``: everybody whom a segment before this one has, by the first that does."""
LOST = quote("people lost to those before")
"""The same of those whom the segment's own SQL selects."""

Compute = Callable[[Segment], None]
"""Leaves a segment's own people in the table that is asked about."""


def own(name: str) -> str:
    """The temporary table of a segment's own people; no segment can be called so."""
    return f"own people of {name}"


def forget(cursor: duckdb.DuckDBPyConnection) -> None:
    """Let go of everybody's own people: the cursor is to stand on another day."""
    found = cursor.execute(
        "select table_name from duckdb_tables() where temporary and starts_with(table_name, $prefix)",
        {"prefix": own("")},
    ).fetchall()
    for (table,) in found:
        cursor.execute(f"drop table temp.{quote(table)}")


def stand_back(cursor: duckdb.DuckDBPyConnection, segment: Segment, compute: Compute, computed: str) -> None:
    """Make `TAKEN` for a segment; ``computed`` is the table that ``compute`` fills."""
    if not segment.after:
        return
    present = {
        name
        for (name,) in cursor.execute("select table_name from duckdb_tables() where temporary").fetchall()
    }
    for better in segment.after:
        if own(better.name) not in present:
            compute(better)
            cursor.execute(
                f"""
                create temp table {quote(own(better.name))} as
                select distinct person_no
                from {computed}
                where person_no is not null
                """
            )
    everybody = "\nunion all\n".join(
        f"select person_no, {place} as place, {literal(better.name)} as taken_by from {quote(own(better.name))}"
        for place, better in enumerate(segment.after)
    )
    cursor.execute(
        f"""
        create or replace temp table {TAKEN} as
        with everybody as (
          {everybody}
        )
        select
          person_no,
          min_by(taken_by, place) as taken_by
        from everybody
        group by person_no
        """
    )


def take_out(cursor: duckdb.DuckDBPyConnection, segment: Segment, computed: str) -> tuple[Taken, ...]:
    """Take the people of `TAKEN` out of a segment's own; returns who lost how many to whom, the first one first."""
    if not segment.after:
        return ()
    cursor.execute(
        f"""
        create or replace temp table {LOST} as
        select distinct
          person_no,
          taken_by
        from {computed}
        join {TAKEN}
          using (person_no)
        """
    )
    cursor.execute(f"delete from {computed} where person_no in (select person_no from {LOST})")
    counted = dict(cursor.execute(f"select taken_by, count(*) from {LOST} group by taken_by").fetchall())
    return tuple(
        Taken(better.name, counted[better.name]) for better in segment.after if better.name in counted
    )


def taken_among(cursor: duckdb.DuckDBPyConnection, segment: Segment, people: Sequence[int]) -> dict[int, str]:
    """Of people, those whom a segment lost when it was last computed on this cursor, and to which."""
    if not segment.after:
        return {}
    query = f"select person_no, taken_by from {LOST} where list_contains($people, person_no)"
    return dict(cursor.execute(query, {"people": list(people)}).fetchall())


def not_taken(segment: Segment) -> str:
    """A condition over ``person_no``: nobody before has them. Needs `stand_back`."""
    return f"person_no not in (select person_no from {TAKEN})" if segment.after else "true"
