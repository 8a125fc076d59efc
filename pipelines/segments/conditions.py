"""What a segment asks of a person, condition by condition, read from its own SQL.

Only where the SQL is a plain list of conditions on ``features``, or on one model's ``scores``, and on other segments,
is it taken apart: then the conditions together are the segment, by construction. Everything else is left whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from pipelines.duck import literal, quote
from pipelines.segments.key import KEY
from pipelines.segments.predictions import MODEL, SCORES

FEATURES = "features"
NOT_PLAIN = (
    "group",
    "having",
    "qualify",
    "distinct",
    "limit",
    "offset",
    "windows",
    "laterals",
    "with_",
    "with",
)
"""Parts of a SELECT that decide about a person by looking at others."""


SIGNS: dict[type[exp.Expr], str] = {exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">="}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition that everybody in the segment meets."""

    says: str
    """In SQL, as an author could have written it."""
    sql: str
    """An expression over one row of what ``relation_of`` names."""
    columns: tuple[str, ...]
    """The features that it looks at, in their order."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A bound of a condition that could be set otherwise."""

    column: str
    sign: str
    """``<``, ``<=``, ``>`` or ``>=``, with the column on its left."""
    value: float
    others: str
    """SQL for whatever else the condition asks."""


def thresholds_of(condition: Condition) -> tuple[Threshold, ...]:
    """The bounds of a condition on one column; none where it is more than a comparison with a number."""
    node = sqlglot.parse_one(condition.sql, dialect="duckdb")
    if isinstance(node, exp.Between):
        column, low, high = node.this, _number(node.args["low"]), _number(node.args["high"])
        if isinstance(column, exp.Column) and low is not None and high is not None:
            name = quote(column.name)
            return (
                Threshold(column.name, ">=", low, f"{name} <= {high:g}"),
                Threshold(column.name, "<=", high, f"{name} >= {low:g}"),
            )
    sign = SIGNS.get(type(node))
    if sign is not None and isinstance(node, exp.Binary) and isinstance(node.left, exp.Column):
        value = _number(node.right)
        if value is not None:
            return (Threshold(node.left.name, sign, value, "true"),)
    return ()


def _number(node: exp.Expr) -> float | None:
    negative = isinstance(node, exp.Neg)
    literal = node.this if negative else node
    if not isinstance(literal, exp.Literal) or literal.is_string:
        return None
    return -float(literal.this) if negative else float(literal.this)


def conditions_of(sql: str, layers: Sequence[str]) -> tuple[Condition, ...] | None:
    """The conditions of a gated SELECT; None where it is no plain list of them."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    if not isinstance(tree, exp.Select) or not _is_plain(tree):
        return None
    table = _table_of(tree)
    if table is None or _relation(tree, table) is None:
        return None
    found: list[Condition] = []
    for join in tree.args.get("joins") or []:
        layer = _layer_of(join, layers)
        if layer is None:
            return None
        found.append(layer)
    where = tree.args.get("where")
    if where is not None:
        of_rows = [part for part in _parts(where.this) if not (_is_scores(table) and _model_in(part))]
        found.extend(_condition(part, table) for part in of_rows)
    return tuple(found)


def relation_of(sql: str) -> str:
    """What the conditions of a SELECT that has some are about, one row a person, as SQL to read from."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    table = _table_of(tree) if isinstance(tree, exp.Select) else None
    found = _relation(tree, table) if isinstance(tree, exp.Select) and table is not None else None
    return found or FEATURES


def _relation(tree: exp.Select, table: exp.Table) -> str | None:
    """``features``, or the scores of the one model that is named; None for anything else."""
    if table.name.lower() == FEATURES:
        return FEATURES
    where = tree.args.get("where")
    named = {name for part in _parts(where.this) if (name := _model_in(part))} if where is not None else set()
    if not _is_scores(table) or len(named) != 1:
        return None
    return f"(select * from {SCORES} where {MODEL} = {literal(named.pop())}) as {SCORES}"


def _is_scores(table: exp.Table) -> bool:
    return table.name.lower() == SCORES


def _model_in(part: exp.Expr) -> str | None:
    """The model that a condition names, None for a condition about something else."""
    if (
        not isinstance(part, exp.EQ)
        or not isinstance(part.left, exp.Column)
        or part.left.name.lower() != MODEL
    ):
        return None
    return part.right.name if isinstance(part.right, exp.Literal) and part.right.is_string else None


def _is_plain(tree: exp.Select) -> bool:
    return not any(tree.args.get(part) for part in NOT_PLAIN) and not any(
        node is not tree for node in tree.find_all(exp.Window, exp.AggFunc, exp.Query)
    )


def _table_of(tree: exp.Select) -> exp.Table | None:
    source = tree.args.get("from_") or tree.args.get("from")
    return source.this if source is not None and isinstance(source.this, exp.Table) else None


def _layer_of(join: exp.Join, layers: Sequence[str]) -> Condition | None:
    """A semi or an anti join with another segment, by the person."""
    kind = f"{join.side} {join.kind}".strip().upper()
    using = [column.name for column in join.args.get("using") or []]
    if kind not in ("SEMI", "ANTI") or using != [KEY] or not isinstance(join.this, exp.Table):
        return None
    name = join.this.name
    if name not in layers:
        return None
    word = "in" if kind == "SEMI" else "not in"
    return Condition(f"{word} {name}", f'{KEY} {word} (select {KEY} from "{name}")', ())


def _parts(node: exp.Expr) -> Iterator[exp.Expr]:
    """What ``and`` joins, from left to right."""
    if isinstance(node, exp.And):
        yield from _parts(node.left)
        yield from _parts(node.right)
    elif isinstance(node, exp.Paren) and isinstance(node.this, exp.And):
        yield from _parts(node.this)
    else:
        yield node


def _condition(node: exp.Expr, table: exp.Table) -> Condition:
    plain = node.copy()
    for column in plain.find_all(exp.Column):
        if column.table in (table.name, table.alias):
            column.set("table", None)
    columns = dict.fromkeys(column.name for column in plain.find_all(exp.Column))
    text = plain.sql(dialect="duckdb")
    return Condition(text, text, tuple(columns))
