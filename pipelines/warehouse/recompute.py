"""A segment on the day under way: computed for everybody once, afterwards only for those who were touched.

A dynamic segment's SQL decides about each person by their own rows (``pipelines.segments.own_rows`` refuses others),
so what it says of the touched people alone is what it would say of them among everybody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import duckdb

from pipelines.duck import quote
from pipelines.engine import EngineError
from pipelines.segments.catalog import Catalog
from pipelines.segments.model import Segment
from pipelines.segments.version import version_of
from pipelines.warehouse import history, live
from pipelines.warehouse.compute import COMPUTED, compute_segment, prepare, run


@dataclass(frozen=True, slots=True)
class Moved:
    """How a segment's people changed."""

    segment: str
    entered: int
    left: int
    size: int
    everybody: bool
    """Whether it was computed for everybody: the day or the definition is new, or a load came between."""


def recompute(
    cursor: duckdb.DuckDBPyConnection,
    segment: Segment,
    day: date,
    *,
    catalog: Catalog,
    timeout_seconds: float,
) -> Moved:
    """Bring the segment's rows of the day under way to what ``live.features`` say. Raises SegmentError.

    ``cursor`` must be writable, unshared and without an open transaction.
    """
    if not live.is_computed(cursor, segment):
        return _of_everybody(cursor, segment, day, catalog=catalog, timeout_seconds=timeout_seconds)
    prepare(cursor, segment, day, catalog=catalog, timeout_seconds=timeout_seconds, people=live.TOUCHED)
    run(cursor, segment, day, timeout_seconds)
    return _replace_touched(cursor, segment, day)


def _of_everybody(
    cursor: duckdb.DuckDBPyConnection,
    segment: Segment,
    day: date,
    *,
    catalog: Catalog,
    timeout_seconds: float,
) -> Moved:
    before = history.latest(cursor, segment.name)
    table = f"segment.{quote(segment.name)}"
    held = (
        f"select person_no from {table} where as_of = $before"
        if before
        else "select null::integer as person_no limit 0"
    )
    cursor.execute(f"create or replace temp table before_now as {held}", {"before": before} if before else {})
    profile = compute_segment(cursor, segment, day, catalog=catalog, timeout_seconds=timeout_seconds)
    live.mark_computed(cursor, segment)
    entered, left = cursor.execute(
        f"""
        with now as (
          select person_no
          from {table}
          where as_of = $day
        )
        select
          (select count(*) from now anti join before_now using (person_no)),
          (select count(*) from before_now anti join now using (person_no))
        """,
        {"day": day},
    ).fetchall()[0]
    return Moved(segment.name, entered, left, profile.size, everybody=True)


def _replace_touched(cursor: duckdb.DuckDBPyConnection, segment: Segment, day: date) -> Moved:
    table = f"segment.{quote(segment.name)}"
    cursor.execute(
        f"""
        create or replace temp table verdicts as
        with wanted as (
          select distinct person_no
          from {COMPUTED}
          where person_no is not null
        ),
        present as (
          select person_no
          from {table}
          where as_of = $day
            and person_no in (select person_no from live.touched)
        )
        select
          person_no,
          wanted.person_no is not null as wanted,
          present.person_no is not null as present
        from wanted
        full join present
          using (person_no)
        """,
        {"day": day},
    )
    entered, left, strangers = cursor.execute(
        """
        select
          count(*) filter (wanted and not present),
          count(*) filter (present and not wanted),
          count(*) filter (person_no not in (select person_no from live.touched))
        from verdicts
        """
    ).fetchall()[0]
    if strangers:
        raise EngineError(
            f"segment {segment.name}: {strangers:,} people were computed who were not asked for"
        )
    profile = history.profile(cursor, segment.name, day)
    if profile is None:
        raise EngineError(f"segment {segment.name} was not computed for {day.isoformat()}")
    size = profile.size + entered - left
    cursor.execute("begin")
    try:
        cursor.execute(
            f"""
            delete from {table}
            where as_of = $day
              and person_no in (select person_no from verdicts where present and not wanted)
            """,
            {"day": day},
        )
        cursor.execute(
            f"insert into {table} select $day::date, person_no from verdicts where wanted and not present",
            {"day": day},
        )
        history.record(cursor, {replace(profile, size=size): version_of(segment)})
        cursor.execute("commit")
    except BaseException:
        cursor.execute("rollback")
        raise
    return Moved(segment.name, entered, left, size, everybody=False)
