"""Which columns of its tables a SELECT looks at, told so that none is missed.

Where a query takes whole rows (``*``, a table's name as a value, columns renamed by position), it is said to look at
every column of the table: what is not named cannot be ruled out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from pipelines.segments.catalog import Catalog


@dataclass(frozen=True, slots=True)
class ColumnRead:
    """One place of a query that looks at a column, or that may."""

    table: str
    column: str
    line: int
    """Within the query, from 1."""
    named: bool
    """False: it is among all the columns of a row that is taken whole."""


def columns_read(sql: str, catalog: Catalog) -> list[ColumnRead]:
    """Every column of the catalogue's tables that ``sql`` looks at, in the order of the text.

    A name that several of its tables have counts for each of them. ``sql`` is what the gate has let pass.
    """
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    tables = {table.name.lower() for table in tree.find_all(exp.Table)} & catalog.keys()
    found = [
        *(read for table in sorted(tables) for read in _named(tree, table, catalog)),
        *(read for table in sorted(tables) for read in _whole(tree, table, catalog)),
    ]
    return sorted(found, key=lambda read: (not read.named, read.line))


def _named(tree: exp.Expr, table: str, catalog: Catalog) -> Iterator[ColumnRead]:
    known = catalog[table].columns
    for column in tree.find_all(exp.Column, exp.Identifier):
        name = column.name.lower()
        is_read = isinstance(column, exp.Column) or isinstance(column.parent, exp.Join)
        if name in known and is_read and column.find_ancestor(exp.Star) is None:
            yield ColumnRead(table, name, _line(column), named=True)


def _whole(tree: exp.Expr, table: str, catalog: Catalog) -> Iterator[ColumnRead]:
    """All columns but those that every ``*`` leaves out, where rows are taken whole."""
    for node, excluded in _rows_taken(tree, table):
        for column in catalog[table].columns:
            if column not in excluded:
                yield ColumnRead(table, column, _line(node), named=False)


def _rows_taken(tree: exp.Expr, table: str) -> Iterator[tuple[exp.Expr, frozenset[str]]]:
    names = {table}
    for source in tree.find_all(exp.Table):
        if source.name.lower() == table:
            names.add(source.alias_or_name.lower())
            alias = source.args.get("alias")
            if alias is not None and alias.args.get("columns"):
                yield source, frozenset()
    for star in tree.find_all(exp.Star):
        if not isinstance(star.parent, exp.Count) and _is_of(star, names):
            left_out = star.args.get("except_") or star.args.get("except") or []
            yield star, frozenset(one.name.lower() for one in left_out)
    for taken in tree.find_all(exp.Columns):
        yield taken, frozenset()
    for column in tree.find_all(exp.Column):
        if not column.table and column.name.lower() in names and not isinstance(column.this, exp.Star):
            yield column, frozenset()


def _is_of(star: exp.Star, names: set[str]) -> bool:
    """Whether a star may stand for these tables: one before whose dot another name stands does not."""
    owner = star.parent.table.lower() if isinstance(star.parent, exp.Column) else ""
    if owner:
        return owner in names
    select = star.find_ancestor(exp.Select)
    sources = [] if select is None else [t for t in select.find_all(exp.Table) if t.parent_select is select]
    return any(source.name.lower() in names for source in sources)


def _line(node: exp.Expr) -> int:
    for one in node.walk():
        if (line := one.meta.get("line")) is not None:
            return int(line)
    return 1
