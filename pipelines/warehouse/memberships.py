"""Which segments one person is in, and was in, by the days that were computed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb

from pipelines.duck import quote
from pipelines.warehouse import history


@dataclass(frozen=True, slots=True)
class Stay:
    """A run of computed days on all of which the person was in the segment."""

    entered: date
    """The first of them. Days that were not computed are not known of."""
    left: date | None
    """The first computed day after it without them; None: still in on the newest day."""


@dataclass(frozen=True, slots=True)
class Membership:
    """One person and one segment that ever held them."""

    segment: str
    as_of: date
    """The segment's newest computed day up to the one asked for."""
    stays: tuple[Stay, ...]
    """Oldest first; at least one."""

    @property
    def since(self) -> date | None:
        """Since when they are in; None: not in on the newest day."""
        return self.stays[-1].entered if self.stays[-1].left is None else None


def memberships(
    cursor: duckdb.DuckDBPyConnection, person_no: int, as_of: date | None = None
) -> tuple[Membership, ...]:
    """Every segment that held a person on a computed day up to ``as_of``, by name; segments without a file too."""
    runs = "select 1 from duckdb_tables() where schema_name = 'segment' and table_name = 'segment_runs'"
    if not cursor.execute(runs).fetchall():
        return ()
    bound = {"until": as_of or date.max}
    newest = cursor.execute(
        """
        select segment, max(as_of)
        from segment.segment_runs
        where as_of <= $until
        group by segment
        order by segment
        """,
        bound,
    ).fetchall()
    found = ((name, day, _stays(cursor, name, person_no, day)) for name, day in newest)
    return tuple(Membership(name, day, stays) for name, day, stays in found if stays)


def member_since(cursor: duckdb.DuckDBPyConnection, segment: str, person_no: int, as_of: date) -> date | None:
    """The first of the computed days up to ``as_of`` on all of which the person was in the segment; None: not then."""
    if history.profile(cursor, segment, as_of) is None:
        return None
    stays = _stays(cursor, segment, person_no, as_of)
    return stays[-1].entered if stays and stays[-1].left is None else None


def _stays(cursor: duckdb.DuckDBPyConnection, segment: str, person_no: int, until: date) -> tuple[Stay, ...]:
    rows = cursor.execute(
        f"""
        with
        days as (
          select
            runs.as_of,
            members.person_no is not null as is_in
          from segment.segment_runs as runs
          left join segment.{quote(segment)} as members
            on members.as_of = runs.as_of
            and members.person_no = $person
          where runs.segment = $segment
            and runs.as_of <= $until
        ),
        turns as (
          select
            as_of,
            is_in
          from days
          qualify is_in is distinct from lag(is_in, 1, false) over (order by as_of)
        )
        select
          as_of,
          lead(as_of) over (order by as_of)
        from turns
        qualify is_in
        order by as_of
        """,
        {"segment": segment, "person": person_no, "until": until},
    ).fetchall()
    return tuple(Stay(entered, left) for entered, left in rows)
