"""What size a segment would have if one of its bounds were set otherwise, all else as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from pipelines.duck import quote
from pipelines.segments.conditions import Condition, Threshold, conditions_of, relation_of, thresholds_of
from pipelines.segments.model import Segment
from pipelines.warehouse import compute, waterfall
from pipelines.warehouse.confinement import time_limit

SHARES = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Of the people who meet everything else: bounds that would keep about so many of them."""


@dataclass(frozen=True, slots=True)
class Option:
    """One way to set a bound."""

    bound: float
    size: int


@dataclass(frozen=True, slots=True)
class Tuned:
    """A bound with the sizes that others in its place would give, by bound."""

    column: str
    sign: str
    bound: float
    """As it is in the file; among the options."""
    options: tuple[Option, ...]


def tuned(
    cursor: duckdb.DuckDBPyConnection, segment: Segment, as_of: date, *, timeout_seconds: float
) -> tuple[Tuned, ...]:
    """Every bound of the segment, on a day prepared on this cursor; none where its SQL is no list of conditions."""
    conditions = conditions_of(segment.sql, segment.layers) or ()
    if segment.after:
        compute.step_back(cursor, segment, as_of, timeout_seconds)
    free = Condition("nobody before has them", waterfall.not_taken(segment), ())
    relation = relation_of(segment.sql)
    with time_limit(cursor, timeout_seconds):
        return tuple(
            _tuned(
                cursor,
                threshold,
                [*(one for one in conditions if one is not condition), free],
                relation,
                as_of,
            )
            for condition in conditions
            for threshold in thresholds_of(condition)
        )


def _tuned(
    cursor: duckdb.DuckDBPyConnection,
    threshold: Threshold,
    others: Sequence[Condition],
    relation: str,
    as_of: date,
) -> Tuned:
    column = f"cast({quote(threshold.column)} as double)"
    rest = " and ".join([f"({threshold.others})", *(f"({one.sql})" for one in others)])
    shares = ", ".join(f"quantile_disc({column}, {share})" for share in SHARES)
    query = f"select {shares} from {relation} where {column} is not null and {rest}"
    found = cursor.execute(query, compute.parameters_of(cursor, query, as_of)).fetchall()[0]
    bounds = sorted({threshold.value, *(float(bound) for bound in found if bound is not None)})
    counts = ", ".join(f"count(*) filter (where {column} {threshold.sign} {bound!r})" for bound in bounds)
    query = f"select {counts} from {relation} where {rest}"
    sizes = cursor.execute(query, compute.parameters_of(cursor, query, as_of)).fetchall()[0]
    options = tuple(Option(bound, int(size)) for bound, size in zip(bounds, sizes, strict=True))
    return Tuned(threshold.column, threshold.sign, threshold.value, options)
