"""Which models' scores a segment reads, known from its SQL."""

from __future__ import annotations

from collections.abc import Iterator

import sqlglot
from sqlglot import exp

from pipelines.segments.errors import SegmentError
from pipelines.segments.model import Segment

SCORES = "scores"
"""The table of scores, one row a person, day and model."""
MODEL = "model"
"""Its column that says which model."""


def models_read(segment: Segment) -> tuple[str, ...]:
    """The models whose scores the segment and its layers read, and those that its syncs send as fields, by name.

    Raises SegmentError for SQL that reads scores without saying of which model: the numbers of two models have nothing
    to do with each other, and which one must be in force could not be told.
    """
    sent = {one.model for sync in segment.syncs for one in sync.attributes if one.model is not None}
    if SCORES not in segment.reads:
        return tuple(sorted(sent))
    return tuple(
        sorted(sent.union(*(_named_in(one) for one in (*segment.builds_on, *segment.after, segment))))
    )


def _named_in(segment: Segment) -> set[str]:
    tree = sqlglot.parse_one(segment.sql, dialect="duckdb")
    if not any(table.name.lower() == SCORES for table in tree.find_all(exp.Table)):
        return set()
    named = {literal.name for literal in _compared(tree) if literal.is_string}
    if not named:
        raise SegmentError(
            segment.path,
            "it reads scores without saying of which model",
            line=segment.sql_line,
            fix="add a condition: where model = 'churn_60d'",
        )
    return named


def _compared(tree: exp.Expr) -> Iterator[exp.Literal]:
    """The literals that the column ``model`` is compared with."""
    for node in tree.find_all(exp.EQ, exp.In):
        column, *others = [
            node.this,
            *node.expressions,
            *([node.expression] if isinstance(node, exp.EQ) else []),
        ]
        sides = [column, *others]
        if any(isinstance(one, exp.Column) and one.name.lower() == MODEL for one in sides):
            yield from (one for one in sides if isinstance(one, exp.Literal))
