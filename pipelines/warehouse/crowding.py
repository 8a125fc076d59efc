"""How many segments people are in on a day, and which segments share the most, from what was computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from pipelines.duck import literal, quote
from pipelines.warehouse import history


@dataclass(frozen=True, slots=True)
class Shared:
    """Two segments and the people who are in both."""

    segment: str
    other: str
    people: int
    jaccard: float
    """People in both over people in either, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Crowding:
    """People and segments on a day."""

    people_in: dict[int, int]
    """How many segments, to how many people who are in so many."""
    pairs: tuple[Shared, ...]
    """Those with the most people in common first."""
    not_computed: tuple[str, ...]
    """Asked about, and not computed for the day."""


def crowding(cursor: duckdb.DuckDBPyConnection, segments: Sequence[str], as_of: date) -> Crowding:
    """Count people by the number of these segments that they are in, and each pair's common people."""
    computed = set(history.computed_on(cursor, as_of))
    present = [name for name in segments if name in computed]
    missing = tuple(name for name in segments if name not in computed)
    if not present:
        return Crowding({}, (), missing)
    everybody = "\nunion all\n".join(
        f"select {literal(name)} as segment, person_no from segment.{quote(name)} where as_of = $as_of"
        for name in present
    )
    cursor.execute(f"create or replace temp table memberships as\n{everybody}", {"as_of": as_of})
    counted = cursor.execute(
        """
        select
          segments,
          count(*)
        from (
          select count(*) as segments
          from memberships
          group by person_no
        )
        group by segments
        order by segments
        """
    ).fetchall()
    return Crowding({int(n): int(people) for n, people in counted}, tuple(_pairs(cursor)), missing)


def _pairs(cursor: duckdb.DuckDBPyConnection) -> list[Shared]:
    rows = cursor.execute(
        """
        with
        sizes as (
          select
            segment,
            count(*) as people
          from memberships
          group by segment
        ),
        shared as (
          select
            one.segment,
            other.segment as other,
            count(*) as people
          from memberships as one
          join memberships as other
            on other.person_no = one.person_no
            and other.segment > one.segment
          group by all
        )
        select
          shared.segment,
          shared.other,
          shared.people,
          shared.people / (one.people + other.people - shared.people)
        from shared
        join sizes as one
          on one.segment = shared.segment
        join sizes as other
          on other.segment = shared.other
        order by shared.people desc, shared.segment, shared.other
        """
    ).fetchall()
    return [Shared(one, other, int(people), round(jaccard, 4)) for one, other, people, jaccard in rows]
