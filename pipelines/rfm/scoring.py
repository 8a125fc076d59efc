"""The SQL of RFM: what is measured of a person, the scores, the names. DuckDB computes; nothing is kept.

A statement reads ``orders`` and the parameter ``$window_end``, like every segment, so what is written for a segment
file is what the report counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from pipelines.duck import literal
from pipelines.rfm.edges import GAPS, Edges, Four, Mode
from pipelines.rfm.names import MAP, OTHERS, Named, Range

FIFTHS = "[0.2, 0.4, 0.6, 0.8]"


@dataclass(frozen=True, slots=True)
class Counted:
    """The people of one name."""

    name: str
    people: int
    orders: int
    revenue: float


def measures(days: int | None, mode: Mode) -> str:
    """The query of everybody's ``recency``, ``orders`` and ``revenue`` in the last ``days``, None for all time."""
    since = f"\n  and ordered_at >= $window_end - interval {days} day" if days else ""
    ordered = f"from orders\nwhere ordered_at < $window_end{since}\ngroup by person_no"
    silent = "($window_end::date - 1) - max(ordered_at)::date"
    if mode != "cycle":
        return _inside(
            f"select\n  person_no,\n  {silent} as recency,\n  count(*) as orders,\n  sum(total) as revenue\n{ordered}"
        )
    gap = "(max(ordered_at)::date - min(ordered_at)::date) / nullif(count(distinct ordered_at::date) - 1, 0)"
    inner = _inside(
        f"select\n  person_no,\n  {silent} as silent,\n  {gap} as gap,\n  count(*) as orders,\n"
        f"  sum(total) as revenue\n{ordered}"
    )
    return _inside(
        "select\n  person_no,\n  -- Who bought on one day only has no gap yet: everybody's usual one stands in.\n"
        "  silent / coalesce(gap, median(gap) over (), 1) as recency,\n  orders,\n  revenue\n"
        f"from (\n  {inner}\n)"
    )


def quantile_edges(con: duckdb.DuckDBPyConnection, measured: str, end: datetime, mode: Mode) -> Edges | None:
    """The edges of the day's fifths; None when nobody ordered.

    As in the R package rfm (``bins_upper``) an edge lies one above the interpolated quantile and is itself outside.
    In mode ``cycle`` recency has the edges of ``GAPS``.
    """
    cut = ", ".join(
        f"list_transform(quantile_cont({name}::double, {FIFTHS}), lambda q: q + 1)"
        for name in ("recency", "orders", "revenue")
    )
    query = f"with rfm_measures as (\n  {measured}\n)\nselect {cut} from rfm_measures"
    recency, orders, revenue = con.execute(query, {"window_end": end}).fetchall()[0]
    if recency is None:
        return None
    return Edges(GAPS if mode == "cycle" else tuple(recency), tuple(orders), tuple(revenue))


def named(measured: str, edges: Edges) -> str:
    """The common table expressions that end with ``rfm_names``: everybody's measures, scores and name."""
    names = "\n".join(f"      when {_within(one)}\n        then {literal(one.name)}" for one in MAP)
    return (
        f"with rfm_measures as (\n  {measured}\n),\n"
        "rfm_scores as (\n  select\n    person_no,\n    orders,\n    revenue,\n"
        f"    {_score('recency', edges.recency, '5 -', '-')} as recency_score,\n"
        f"    {_score('orders', edges.orders, '1 +', '+')} as orders_score,\n"
        f"    {_score('revenue', edges.revenue, '1 +', '+')} as revenue_score\n  from rfm_measures\n),\n"
        "rfm_names as (\n  select\n    *,\n    -- The ranges overlap: the first that fits is meant.\n    case\n"
        f"{names}\n      else {literal(OTHERS)}\n    end as name\n  from rfm_scores\n)"
    )


def count(con: duckdb.DuckDBPyConnection, measured: str, edges: Edges, end: datetime) -> list[Counted]:
    """How many people each name has, the most first."""
    query = (
        f"{named(measured, edges)}\nselect name, count(*) as people, sum(orders), sum(revenue) from rfm_names\n"
        "group by name\norder by people desc, name"
    )
    rows = con.execute(query, {"window_end": end}).fetchall()
    return [Counted(name, people, int(orders), float(revenue)) for name, people, orders, revenue in rows]


def segment_sql(measured: str, edges: Edges, name: str) -> str:
    """The SELECT of a segment file: the people of one name, at edges that stay."""
    return f"{named(measured, edges)}\nselect person_no\nfrom rfm_names\nwhere name = {literal(name)}\n"


def _inside(query: str) -> str:
    """A query as it stands within brackets: every line but the first is moved in."""
    return query.replace("\n", "\n  ")


def _score(name: str, edges: Four, start: str, sign: str) -> str:
    steps = f" {sign} ".join(f"({name} >= {edge:.12g})::integer" for edge in edges)
    return f"{start} {steps}"


def _within(one: Named) -> str:
    ranges: tuple[tuple[str, Range], ...] = (
        ("recency_score", one.recency),
        ("orders_score", one.orders),
        ("revenue_score", one.revenue),
    )
    return " and ".join(f"{name} between {low} and {high}" for name, (low, high) in ranges)
