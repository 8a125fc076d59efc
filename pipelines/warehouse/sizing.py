"""What a segment would hold on a day, and what makes it that size, without keeping anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from pipelines.duck import quote
from pipelines.engine import Layer, Taken
from pipelines.segments.conditions import Condition, conditions_of, relation_of
from pipelines.segments.model import Segment
from pipelines.warehouse import compute
from pipelines.warehouse.confinement import time_limit

MEASURED = "measured segment"
"""The temporary table of its people; no segment can be called so."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """One condition among the others, in people."""

    says: str
    alone: int
    """Who meet it, whatever else they do."""
    so_far: int
    """Who meet it and every one before it."""
    only_this: int
    """Who would be in the segment but for it."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another segment that was computed for the same day."""

    segment: str
    size: int
    shared: int
    jaccard: float
    """People in both over people in either, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Sized:
    """A segment on a day, run now."""

    people: pa.Table
    """``person_no`` of everybody in it, once."""
    universe: int
    layers: tuple[Layer, ...]
    conditions: tuple[Narrowing, ...] | None
    """None: the SQL is no plain list of conditions."""
    overlaps: tuple[Overlap, ...]
    """The likest first; those without anybody in common are left out."""
    by_rule: int | None = None
    """With entry and exit rules: whom the SQL alone gives. None: it has none, so these are all of them."""
    taken: tuple[Taken, ...] = ()
    """Whom its waterfall took from it: they are in none of the other numbers but those of conditions."""

    @property
    def size(self) -> int:
        """People in it."""
        return int(self.people.num_rows)

    @property
    def share(self) -> float:
        """Size over universe, 0 when the universe is empty."""
        return self.size / self.universe if self.universe else 0.0


def measure(
    cursor: duckdb.DuckDBPyConnection,
    segment: Segment,
    as_of: date,
    others: Sequence[str],
    *,
    timeout_seconds: float,
) -> Sized:
    """Run the segment for a day that was prepared on this cursor; ``others`` were computed for it.

    Raises SegmentError.
    """
    taken = compute.fill(cursor, segment, as_of, timeout_seconds)
    compute.lay(cursor, MEASURED)
    conditions = conditions_of(segment.sql, segment.layers)
    with time_limit(cursor, timeout_seconds):
        people: pa.Table = cursor.sql(f"select person_no from {quote(MEASURED)}").to_arrow_table()
        return Sized(
            people=people,
            universe=_int(cursor, "select count(*) from features"),
            layers=tuple(compute.contribution(cursor, name) for name in segment.layers),
            conditions=None
            if conditions is None
            else _narrowings(cursor, conditions, relation_of(segment.sql), as_of),
            overlaps=_overlaps(cursor, people.num_rows, others, as_of),
            by_rule=None
            if segment.entry_exit is None
            else _int(cursor, f"select count(*) from {compute.RULE}"),
            taken=taken,
        )


def _narrowings(
    cursor: duckdb.DuckDBPyConnection, conditions: Sequence[Condition], relation: str, as_of: date
) -> tuple[Narrowing, ...]:
    if not conditions:
        return ()
    answers = ",\n  ".join(f"coalesce(({one.sql}), false) as c{n}" for n, one in enumerate(conditions))
    numbers = range(len(conditions))
    counts = [
        count
        for n in numbers
        for count in (
            f"count(*) filter (where c{n})",
            f"count(*) filter (where {' and '.join(f'c{m}' for m in numbers[: n + 1])})",
            f"count(*) filter (where not c{n}{''.join(f' and c{m}' for m in numbers if m != n)})",
        )
    ]
    query = f"""
with
answered as (
  select
  {answers}
  from {relation}
)
select
  {", ".join(counts)}
from answered
"""
    row = cursor.execute(query, compute.parameters_of(cursor, query, as_of)).fetchall()[0]
    return tuple(
        Narrowing(one.says, *(int(count) for count in row[3 * n : 3 * n + 3]))
        for n, one in enumerate(conditions)
    )


def _overlaps(
    cursor: duckdb.DuckDBPyConnection, size: int, others: Sequence[str], as_of: date
) -> tuple[Overlap, ...]:
    found = []
    for other in others:
        theirs, shared = cursor.execute(
            f"""
            select
              count(*),
              count(*) filter (where person_no in (select person_no from {quote(MEASURED)}))
            from segment.{quote(other)}
            where as_of = $as_of
            """,
            {"as_of": as_of},
        ).fetchall()[0]
        if shared:
            found.append(Overlap(other, theirs, shared, round(shared / (size + theirs - shared), 4)))
    return tuple(sorted(found, key=lambda one: (-one.jaccard, one.segment)))


def _int(cursor: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(cursor.execute(query).fetchall()[0][0])
