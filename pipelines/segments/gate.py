"""Which SQL a segment may be: one SELECT that reads the catalogue's tables, gives the same people every time,
and returns ``person_no``.

Nothing here changes the SQL. Four readers look at it, each over the whole of it: DuckDB's parser (one
statement, a SELECT), DuckDB's tree against the allow-list (``reading``), sqlglot's tree (an independent
reading of kind and tables), and DuckDB's binder over empty tables (names and types).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import sqlglot
from sqlglot import exp

from pipelines.segments.duckdb_errors import place_of, sentence
from pipelines.segments.empty_warehouse import EmptyWarehouse
from pipelines.segments.errors import SegmentError, nearest
from pipelines.segments.key import KEY, KEY_TYPES
from pipelines.segments.reading import Refusal, parse_tree, tables_read

LONGEST_SQL = 64 * 1024
"""Characters: far above any segment a person would write, far below what makes a parser suffer."""

TOO_DEEP = "the SQL is nested too deeply to be read"
READ_ONLY_ROOTS = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)
WRITES = (exp.DML, exp.DDL, exp.Command, exp.Attach, exp.Detach, exp.Pragma, exp.Set, exp.Copy, exp.Drop)
UNKNOWN_COLUMN = re.compile(r'Referenced column "([^"]+)" not found|does not have a column named "([^"]+)"')


def check_sql(path: Path, sql: str, sql_line: int, warehouse: EmptyWarehouse) -> frozenset[str]:
    """The tables that ``sql`` reads; raises SegmentError with the file's own line when it may not run.

    ``sql_line`` is the line of the file on which ``sql`` begins.
    """
    if len(sql) > LONGEST_SQL:
        raise SegmentError(path, f"the SQL is longer than {LONGEST_SQL // 1024} KB", line=sql_line)
    with at_the_files_lines(path, sql, sql_line):
        statement = _only_select(warehouse, sql)
        reads = tables_read(parse_tree(warehouse.connection, sql), warehouse.catalog)
        if _tables_by_sqlglot(sql, warehouse) != reads:
            raise Refusal(
                "which tables this reads cannot be told for certain",
                fix="write it more plainly: name each table once, in from or join",
            )
        _check_result(_bound(warehouse, statement, sql, reads))
    return reads


@contextmanager
def at_the_files_lines(path: Path, sql: str, sql_line: int) -> Iterator[None]:
    """Turn what any reader says about the SQL into a SegmentError at the line and column of the file."""
    try:
        yield
    except Refusal as refusal:
        line, column = _line_and_column(sql, refusal.offset)
        raise SegmentError(
            path,
            refusal.found,
            line=sql_line + line - 1,
            column=column,
            nearest=refusal.nearest,
            expected=refusal.expected,
            fix=refusal.fix,
        ) from None
    except RecursionError:
        raise SegmentError(path, TOO_DEEP, line=sql_line) from None


def _line_and_column(sql: str, offset: int | None) -> tuple[int, int | None]:
    if offset is None:
        return 1, None
    before = sql.encode()[:offset].decode(errors="replace")
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _only_select(warehouse: EmptyWarehouse, sql: str) -> duckdb.Statement:
    try:
        statements = warehouse.statements(sql)
    except duckdb.Error as error:
        raise _refusal(error, sql, lines_before=0) from None
    if not statements:
        raise Refusal("there is no SELECT below the header", expected="exactly one SELECT")
    if len(statements) > 1:
        first = sql.encode().find(statements[1].query.strip().encode())
        raise Refusal(f"there are {len(statements)} statements", first, expected="exactly one SELECT")
    if statements[0].type != duckdb.StatementType.SELECT:
        # DuckDB calls PIVOT a statement of several steps.
        verb = statements[0].type.name.lower().replace("_", " ").replace("multi", "pivot")
        raise Refusal(f"{verb} is not allowed in a segment", expected="exactly one SELECT")
    return statements[0]


def _bound(
    warehouse: EmptyWarehouse, statement: duckdb.Statement, sql: str, reads: frozenset[str]
) -> list[tuple[str, str]]:
    try:
        return warehouse.bind(sql, statement.named_parameters)
    except duckdb.Error as error:
        known = [column for name in sorted(reads) for column in warehouse.catalog[name].columns]
        raise _refusal(error, sql, lines_before=1, columns=known) from None


def _refusal(
    error: duckdb.Error, sql: str, *, lines_before: int, columns: list[str] | None = None
) -> Refusal:
    """DuckDB's own words, at the byte they are about; an unknown column gets its nearest name."""
    if "expression depth" in str(error):
        return Refusal(TOO_DEEP)
    place = place_of(error)
    offset = None
    if place is not None:
        lines = sql.encode().splitlines(keepends=True)
        offset = sum(map(len, lines[: place[0] - lines_before - 1])) + place[1] - 1
    unknown = UNKNOWN_COLUMN.search(str(error))
    if unknown is None:
        return Refusal(sentence(error), offset)
    name = unknown[1] or unknown[2]
    close = nearest(name, columns or [])
    few = None if close else f"one of {', '.join(columns or [])}"
    return Refusal(f"unknown column {name!r}", offset, nearest=close, expected=few)


def _tables_by_sqlglot(sql: str, warehouse: EmptyWarehouse) -> frozenset[str]:
    """The catalogue's tables as sqlglot reads them; raises Refusal when it sees anything that writes."""
    # sqlglot warns on its logger where it falls back to an opaque command; that is refused below anyway.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    try:
        trees = [tree for tree in sqlglot.parse(sql, dialect="duckdb") if tree is not None]
    except sqlglot.errors.SqlglotError as error:
        raise Refusal(
            f"this SQL cannot be read: {_first_sentence(error)}", fix="write it more plainly"
        ) from None
    if len(trees) != 1 or not isinstance(trees[0], READ_ONLY_ROOTS):
        raise Refusal("this is not one plain SELECT", expected="exactly one SELECT")
    for node in trees[0].walk():
        if isinstance(node, WRITES):
            raise Refusal(f"{node.key} is not allowed in a segment", fix="a segment only reads")
    tables = {table.name.lower() for table in trees[0].find_all(exp.Table)}
    return frozenset(tables & warehouse.catalog.keys())


def _first_sentence(error: Exception) -> str:
    return re.sub(r"\x1b\[\d+m", "", str(error)).split(". Line")[0].splitlines()[0]


def _check_result(columns: list[tuple[str, str]]) -> None:
    names = [name for name, _ in columns]
    if [name.lower() for name in names] != [KEY]:
        raise Refusal(
            f"the query returns {', '.join(names)}",
            expected=f"exactly one column, {KEY}",
            fix=f"select {KEY}; other columns belong in the conditions",
        )
    if columns[0][1] not in KEY_TYPES:
        raise Refusal(
            f"{KEY} comes out as {columns[0][1]}",
            expected="a whole number: the person_no of the tables, unchanged",
        )
