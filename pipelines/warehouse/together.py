"""Segments that are plain conditions on ``features``: all of a day computed in one pass over the table.

What each of them gives is what ``compute_segment`` would give. Where a pass fails, for whatever reason, nothing of it
is kept and its segments are left to be computed one by one, where the one at fault is told apart from its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import duckdb

from pipelines.duck import quote
from pipelines.engine import Profile
from pipelines.segments.key import KEY
from pipelines.segments.model import Segment
from pipelines.segments.plain import condition_of
from pipelines.segments.universe import UNIVERSES
from pipelines.segments.version import version_of
from pipelines.warehouse import live
from pipelines.warehouse.compute import FEATURES, name_of_database, parameters_of
from pipelines.warehouse.confinement import time_limit
from pipelines.warehouse.keeping import Membership, keep

ANSWERS = quote("answers of segments")
"""One row a person of the day, with the answer of each segment under its name."""
AT_ONCE = 50
"""Segments in a pass: what is put down meanwhile takes a byte each a person."""


def compute_together(
    cursor: duckdb.DuckDBPyConnection, segments: Sequence[Segment], as_of: date, *, timeout_seconds: float
) -> Iterator[Profile]:
    """Compute and keep those of the segments that are plain conditions; the others, and failed ones, are not given.

    ``cursor`` must be writable, unshared and without an open transaction.
    """
    plain = [one for one in segments if _is_plain(one)]
    for begin in range(0, len(plain), AT_ONCE):
        some = plain[begin : begin + AT_ONCE]
        try:
            with time_limit(cursor, timeout_seconds):
                _answer(cursor, some, as_of)
        except duckdb.Error:
            continue
        profiles = _profiles(cursor, some, as_of)
        if not profiles:
            continue
        keep(cursor, [_membership(one, profile) for one, profile in zip(some, profiles, strict=True)])
        yield from profiles


def _is_plain(segment: Segment) -> bool:
    """Whether nothing but a condition on its day's features decides who is in it."""
    return (
        segment.universe in UNIVERSES
        and segment.entry_exit is None
        and segment.frozen_on is None
        and not segment.after
        and condition_of(segment.sql) is not None
    )


def _answer(cursor: duckdb.DuckDBPyConnection, segments: Sequence[Segment], as_of: date) -> None:
    """Put down every person of the day with the answers. A condition that is unknown does not hold, as in a where."""
    answers = ",\n".join(
        f"coalesce(cast((\n{condition_of(one.sql)}\n) as boolean), false) as {_answer_of(one)}"
        for one in segments
    )
    query = f"""
select
  {KEY},
  {answers}
from (
  select *
  from {live.features_of(cursor, name_of_database(cursor), as_of)}
  where as_of = date '{as_of.isoformat()}'
) as {FEATURES}
"""
    cursor.execute("begin transaction read only")
    try:
        cursor.execute(
            f"create or replace temp table {ANSWERS} as {query}", parameters_of(cursor, query, as_of)
        )
        cursor.execute("commit")
    except BaseException:
        cursor.execute("rollback")
        raise


def _answer_of(segment: Segment) -> str:
    """A name that no feature has."""
    return quote(f"in {segment.name}")


def _profiles(cursor: duckdb.DuckDBPyConnection, segments: Sequence[Segment], as_of: date) -> list[Profile]:
    """Sizes, in the order of the segments; none where the day has no features, or not one row a person."""
    sizes = ", ".join(f"count(*) filter ({_answer_of(one)})" for one in segments)
    query = f"select count(*), count(distinct {KEY}), {sizes} from {ANSWERS}"
    universe, people, *counted = cursor.execute(query).fetchall()[0]
    if universe == 0 or universe != people:
        return []
    return [
        Profile(one.name, as_of, size=size, universe=universe)
        for one, size in zip(segments, counted, strict=True)
    ]


def _membership(segment: Segment, profile: Profile) -> Membership:
    return Membership(
        profile, version_of(segment), f"select {KEY} from {ANSWERS} where {_answer_of(segment)}"
    )
