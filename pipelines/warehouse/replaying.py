"""A segment on many days in a row, under several entry and exit rules at once: its SQL runs once a day for all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import duckdb

from pipelines.duck import quote
from pipelines.segments.catalog import Catalog
from pipelines.segments.entry_exit import EntryExit
from pipelines.segments.looking_back import looks_back
from pipelines.segments.model import Segment
from pipelines.warehouse import compute, waterfall

RAW = quote("people of the day")


@dataclass(frozen=True, slots=True)
class People:
    """Who was in a segment on a day, in ``person_no``."""

    by_rule: frozenset[int]
    """By its SQL alone."""
    members: tuple[frozenset[int], ...]
    """Under each of the rules that were asked for."""


def replay(
    cursor: duckdb.DuckDBPyConnection,
    segment: Segment,
    days: Sequence[date],
    rules: Sequence[EntryExit | None],
    *,
    catalog: Catalog,
    timeout_seconds: float,
) -> Iterator[People]:
    """Go through ``days``, which follow one another, with each of ``rules`` in place of the segment's own; None: none.

    The days before the first, on which any of them looks back, are gone through as well. Raises SegmentError.
    """
    versions = [replace(segment, entry_exit=one) for one in rules]
    furthest = max(versions, key=looks_back)
    earlier = compute.days_before(cursor, furthest, days[0])
    for day in (*earlier, *days):
        compute.stand(cursor, segment, day, catalog=catalog, timeout_seconds=timeout_seconds)
        compute.step_back(cursor, segment, day, timeout_seconds)
        compute.run(cursor, segment, day, timeout_seconds)
        cursor.execute(f"create or replace temp table {RAW} as from {compute.COMPUTED}")
        by_rule = _people(cursor)
        members = []
        for version in versions:
            cursor.execute(f"create or replace temp table {compute.COMPUTED} as from {RAW}")
            compute.settle(cursor, version, day, timeout_seconds)
            waterfall.take_out(cursor, segment, compute.COMPUTED)
            members.append(_people(cursor))
        if day >= days[0]:
            yield People(by_rule, tuple(members))


def days_needed(segment: Segment, first: date, last: date, rules: Sequence[EntryExit | None]) -> list[date]:
    """Every day that needs features for a replay from ``first`` to ``last``, in order."""
    back = max(looks_back(replace(segment, entry_exit=one)) for one in rules)
    return [last - timedelta(days=n) for n in range((last - first).days + back, -1, -1)]


def _people(cursor: duckdb.DuckDBPyConnection) -> frozenset[int]:
    """Everybody in what was computed last."""
    found = cursor.sql(f"select distinct person_no from {compute.COMPUTED}").to_arrow_table()
    return frozenset(found.column("person_no").drop_null().to_pylist())
