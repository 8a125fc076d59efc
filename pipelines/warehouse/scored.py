"""What models said of people on a day, and that they did say it before a segment asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from pipelines.segments.errors import SegmentError
from pipelines.segments.model import Segment
from pipelines.segments.predictions import models_read


@dataclass(frozen=True, slots=True)
class Score:
    """One model's word on one person and day."""

    model: str
    version: int
    score: float
    rank: float
    """Share of everybody scored that day who scored less."""
    label: str | None
    reasons: str | None
    hindsight: bool
    """The version had seen the day when it was trained."""


def need_scores(cursor: duckdb.DuckDBPyConnection, segment: Segment, as_of: date) -> None:
    """Raise SegmentError when a model that the segment reads has not scored the day: no rows would look like nobody."""
    wanted = models_read(segment)
    if not wanted:
        return
    missing = [name for name in wanted if name not in _models_on(cursor, as_of)]
    if missing:
        raise SegmentError(
            segment.path,
            f"there are no scores of {' and '.join(missing)} for {as_of.isoformat()}",
            fix=f"score that day first: turnout models score --as-of {as_of.isoformat()}",
        )


def scores_of(
    cursor: duckdb.DuckDBPyConnection, models: Sequence[str], person_no: int, as_of: date
) -> tuple[Score, ...]:
    """What models say of a person on a day, in the order asked; nothing of those that say nothing of them."""
    present = set(models) & _models_on(cursor, as_of)
    query = """
select model, version, score, score_rank, label, reasons, hindsight
from main.scores
where as_of = $as_of
  and person_no = $person
  and model = $model
"""
    return tuple(
        Score(*row)
        for name in models
        if name in present
        for row in cursor.execute(query, {"as_of": as_of, "person": person_no, "model": name}).fetchall()
    )


def _models_on(cursor: duckdb.DuckDBPyConnection, as_of: date) -> set[str]:
    found = "select 1 from duckdb_tables() where schema_name = 'main' and table_name = 'score_runs'"
    if not cursor.execute(found).fetchall():
        return set()
    query = "select model from main.score_runs where as_of = $as_of"
    return {str(name) for (name,) in cursor.execute(query, {"as_of": as_of}).fetchall()}
