"""Questions about segments that were computed, and about what people did later. Each only reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise

import duckdb
import numpy as np
import pyarrow as pa

from pipelines.duck import quote
from pipelines.warehouse import history

BASE = """
with universe as (
  select
    person_no,
    orders_ever
  from main.features
  where as_of = $day
),
bought as (
  select
    person_no,
    count(*) as orders,
    sum(total) as spend,
    count(distinct ordered_at::date) as days,
    count(*) filter (isodow(ordered_at) < 6) as weekday_orders
  from main.orders
  where ordered_at >= $first
    and ordered_at < $end
  group by person_no
),
redeemed as (
  select
    person_no,
    count(*) as coupons
  from main.coupon_redemptions
  where redeemed_at >= $first
    and redeemed_at < $end
  group by person_no
),
mailed as (
  select
    person_no,
    count(*) filter (event = 'sent') as sent,
    count(*) filter (event = 'clicked') as clicked
  from main.email_events
  where occurred_at >= $first
    and occurred_at < $end
  group by person_no
)
"""
"""What people did from ``$first`` until ``$end``, for the expressions of ``pipelines.quality.metrics``."""


def computed(cursor: duckdb.DuckDBPyConnection, day: date) -> list[str]:
    """The segments that were computed for a day, by name."""
    return history.computed_on(cursor, day)


def sizes(cursor: duckdb.DuckDBPyConnection, segment: str, until: date) -> list[tuple[date, int]]:
    """The computed days of a segment up to a day with their sizes, oldest first."""
    if history.latest(cursor, segment) is None:
        return []
    rows = cursor.execute(
        "select as_of, size from segment.segment_runs where segment = $segment and as_of <= $until order by as_of",
        {"segment": segment, "until": until},
    ).fetchall()
    return [(day, int(size)) for day, size in rows]


def growth(cursor: duckdb.DuckDBPyConnection, segment: str) -> list[tuple[history.ComputedDay, int, int]]:
    """Every computed day, oldest first, with how many came and how many left since the computed day before."""
    days = history.days_of(cursor, segment)
    if not days:
        return []
    stayed = dict(
        cursor.execute(
            f"""
            with days as (
              select
                as_of,
                lag(as_of) over (order by as_of) as before
              from segment.segment_runs
              where segment = $segment
            )
            select
              days.as_of,
              count(*)
            from days
            join segment.{quote(segment)} as now
              on now.as_of = days.as_of
            join segment.{quote(segment)} as earlier
              on earlier.as_of = days.before
              and earlier.person_no = now.person_no
            group by days.as_of
            """,
            {"segment": segment},
        ).fetchall()
    )
    moved = [
        (now, now.size - stayed.get(now.as_of, 0), before.size - stayed.get(now.as_of, 0))
        for before, now in pairwise(days)
    ]
    return [(days[0], 0, 0), *moved]


def composition(
    cursor: duckdb.DuckDBPyConnection, segment: str, columns: Sequence[str]
) -> dict[date, dict[str, float | None]]:
    """The mean of features among a segment's people on each computed day, None where unknown of all of them."""
    if not columns or history.latest(cursor, segment) is None:
        return {}
    means = ", ".join(f"avg({quote(name)})::double" for name in columns)
    rows = cursor.execute(
        f"""
        select
          theirs.as_of,
          {means}
        from segment.{quote(segment)} as theirs
        join main.features
          using (as_of, person_no)
        group by theirs.as_of
        """
    ).fetchall()
    return {day: dict(zip(columns, values, strict=True)) for day, *values in rows}


def members(
    cursor: duckdb.DuckDBPyConnection, segment: str, days: Collection[date]
) -> dict[date, frozenset[int]]:
    """The people of a segment on those of the days for which it was computed, also where there were none."""
    wanted = set(days)
    if not wanted:
        return {}
    known = [day for day, _ in sizes(cursor, segment, max(wanted)) if day in wanted]
    if not known:
        return {}
    found = cursor.execute(
        f"""
        select
          as_of,
          list(person_no)
        from segment.{quote(segment)}
        where as_of in ({", ".join(f"date '{day.isoformat()}'" for day in known)})
        group by as_of
        """
    ).fetchall()
    people = {day: frozenset(numbers) for day, numbers in found}
    return {day: people.get(day, frozenset()) for day in known}


def feature_days(cursor: duckdb.DuckDBPyConnection) -> frozenset[date]:
    """The days whose features are there."""
    if history.newest_day(cursor) is None:
        return frozenset()
    return frozenset(day for (day,) in cursor.execute("select distinct as_of from main.features").fetchall())


def outcomes(cursor: duckdb.DuckDBPyConnection, day: date, days: int, sql: str) -> pa.Table:
    """``person_no`` and ``value`` (double, null where it is not known) of everybody in the features of a day.

    ``sql`` is an expression over what they did in the ``days`` days after it.
    """
    first = datetime.combine(day + timedelta(days=1), time())
    return cursor.sql(
        f"""{BASE}
        select
          universe.person_no,
          cast({sql} as double) as value
        from universe
        left join bought
          using (person_no)
        left join redeemed
          using (person_no)
        left join mailed
          using (person_no)
        order by universe.person_no
        """,
        params={"day": day, "first": first, "end": first + timedelta(days=days)},
    ).to_arrow_table()


def later_feature(cursor: duckdb.DuckDBPyConnection, day: date, later: date, name: str) -> pa.Table:
    """``person_no`` and ``value`` of everybody in the features of a day: what a feature says of them later."""
    return cursor.sql(
        f"""
        select
          universe.person_no,
          cast(afterwards.{quote(name)} as double) as value
        from (select person_no from main.features where as_of = $day) as universe
        left join (select person_no, {quote(name)} from main.features where as_of = $later) as afterwards
          using (person_no)
        order by universe.person_no
        """,
        params={"day": day, "later": later},
    ).to_arrow_table()


def numbers(
    cursor: duckdb.DuckDBPyConnection, day: date, columns: Sequence[str]
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Columns of the features of a day as doubles, ``nan`` for unknown, in order of ``person_no``, which is one."""
    listed = ", ".join(f"cast({quote(name)} as double) as {quote(name)}" for name in columns)
    table = cursor.sql(
        f"select cast(person_no as double) as person_no, {listed} from main.features where as_of = $day"
        " order by features.person_no",
        params={"day": day},
    ).to_arrow_table()
    return {name: as_numbers(table, name) for name in ("person_no", *columns)}


def as_numbers(table: pa.Table, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A column of doubles, ``nan`` for null."""
    return np.asarray(table.column(name).to_numpy(zero_copy_only=False), dtype=np.float64)


def known_shares(
    cursor: duckdb.DuckDBPyConnection, day: date, columns: Collection[str]
) -> Mapping[str, float]:
    """Of how many people of a day each feature is known, 0 to 1: it has a value, and that is not the word unknown."""
    if not columns:
        return {}
    counted = ", ".join(
        f"avg(coalesce(cast({quote(name)} as varchar) <> 'unknown', false)::integer)" for name in columns
    )
    row = cursor.execute(f"select {counted} from main.features where as_of = $day", {"day": day}).fetchall()[
        0
    ]
    return {name: float(share) for name, share in zip(columns, row, strict=True) if share is not None}


def in_no_segment(cursor: duckdb.DuckDBPyConnection, day: date, segments: Collection[str]) -> tuple[int, int]:
    """People who are in none of the computed segments on a day, and everybody."""
    union = " union all ".join(
        f"select person_no from segment.{quote(name)} where as_of = $day" for name in segments
    )
    somewhere = f"anti join ({union}) as anywhere using (person_no)" if union else ""
    row = cursor.execute(
        f"""
        select
          (select count(*) from (select person_no from main.features where as_of = $day) as everybody {somewhere}),
          (select count(*) from main.features where as_of = $day)
        """,
        {"day": day},
    ).fetchall()[0]
    return int(row[0]), int(row[1])


def shared(
    cursor: duckdb.DuckDBPyConnection, day: date, segments: Collection[str]
) -> dict[tuple[str, str], int]:
    """People whom two segments have in common on a day, for every ordered pair that has any; own size on (a, a)."""
    if not segments:
        return {}
    union = " union all ".join(
        f"select {n} as n, person_no from segment.{quote(name)} where as_of = $day"
        for n, name in enumerate(segments)
    )
    rows = cursor.execute(
        f"""
        with memberships as (
          {union}
        )
        select
          here.n,
          there.n,
          count(*)
        from memberships as here
        join memberships as there
          using (person_no)
        group by here.n, there.n
        """,
        {"day": day},
    ).fetchall()
    names = list(segments)
    return {(names[here], names[there]): int(count) for here, there, count in rows}
