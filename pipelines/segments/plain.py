"""The condition of a segment that is one condition on a row of ``features``, as its author wrote it.

Such segments can be computed together in one pass over the table. Whatever is more than that runs by itself.
"""

from __future__ import annotations

from functools import cache

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from pipelines.segments.conditions import FEATURES
from pipelines.segments.key import KEY

CLAUSES = {"expressions", "from_", "where"}
OF_ONE_ROW: tuple[type[exp.Expr], ...] = (
    exp.And,
    exp.Or,
    exp.Not,
    exp.Paren,
    exp.EQ,
    exp.NEQ,
    exp.LT,
    exp.LTE,
    exp.GT,
    exp.GTE,
    exp.Between,
    exp.In,
    exp.Is,
    exp.Like,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.Neg,
    exp.Interval,
    exp.Var,
    exp.Column,
    exp.Identifier,
    exp.Literal,
    exp.Boolean,
    exp.Null,
    exp.Placeholder,
)
"""What may stand in a condition: it gives one answer for a row, the same beside others as alone."""


@cache
def condition_of(sql: str) -> str | None:
    """The text after ``where`` in a gated SELECT, ``true`` where there is none; None where it is more than that."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    if not isinstance(tree, exp.Select) or not _is_of_features(tree):
        return None
    where = tree.args.get("where")
    if where is None:
        return "true"
    if not all(isinstance(node, OF_ONE_ROW) and _is_of_the_row(node) for node in where.this.walk()):
        return None
    tokens = sqlglot.tokenize(sql, dialect="duckdb")
    begin = next(token.end for token in tokens if token.token_type == TokenType.WHERE) + 1
    end = next(token.end for token in reversed(tokens) if token.token_type != TokenType.SEMICOLON) + 1
    return sql[begin:end].strip()


def _is_of_features(tree: exp.Select) -> bool:
    """Whether it is ``select person_no from features`` and at most a ``where``."""
    if {name for name, given in tree.args.items() if given} - CLAUSES:
        return False
    table = tree.args["from_"].this if tree.args.get("from_") else None
    return [column.sql() for column in tree.expressions] == [KEY] and table == exp.to_table(FEATURES)


def _is_of_the_row(node: exp.Expr) -> bool:
    return not isinstance(node, exp.Column) or node.sql().count(".") == (node.table == FEATURES)
