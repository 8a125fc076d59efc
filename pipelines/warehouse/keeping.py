"""Keeping what was computed for a day: the people and the record of the run, of all segments or of none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from pipelines.duck import quote
from pipelines.engine import EngineError, Profile
from pipelines.warehouse import history


@dataclass(frozen=True, slots=True)
class Membership:
    """A segment as it was computed, before it is kept."""

    profile: Profile
    definition: str
    """The version of the definition that made it."""
    people: str
    """A SELECT that gives every member's ``person_no`` once."""


def keep(cursor: duckdb.DuckDBPyConnection, memberships: Sequence[Membership]) -> None:
    """Replace the rows of the day and its record in one transaction; tables are made before it.

    All memberships are of one day. Raises EngineError where other people are kept than were counted.
    """
    cursor.execute(history.SCHEMA)
    for one in memberships:
        cursor.execute(
            f"create table if not exists {_table(one)} (as_of date not null, person_no integer not null)"
        )
    cursor.execute("begin")
    try:
        computed_before = set(history.computed_on(cursor, memberships[0].profile.as_of))
        for one in memberships:
            _replace(cursor, one, computed_before)
        history.record(cursor, {one.profile: one.definition for one in memberships})
        cursor.execute("commit")
    except BaseException:
        cursor.execute("rollback")
        raise


def _replace(cursor: duckdb.DuckDBPyConnection, one: Membership, computed_before: set[str]) -> None:
    day = {"as_of": one.profile.as_of}
    if one.profile.segment in computed_before:
        cursor.execute(f"delete from {_table(one)} where as_of = $as_of", day)
    inserted = cursor.execute(
        f"insert into {_table(one)} select $as_of::date, person_no from ({one.people})", day
    ).fetchall()[0][0]
    if inserted != one.profile.size:
        raise EngineError(
            f"segment {one.profile.segment}: {inserted} rows kept where {one.profile.size} were counted"
        )


def _table(one: Membership) -> str:
    return f"segment.{quote(one.profile.segment)}"
