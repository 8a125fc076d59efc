"""The header's ``[entry_exit]`` as a value.

``exit_when`` is held to the same allow-list as a segment's SQL, and to being one condition on a row of ``features``.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.segments.empty_warehouse import EmptyWarehouse
from pipelines.segments.entry_exit import STAY_DAYS, EntryExit
from pipelines.segments.errors import SegmentError
from pipelines.segments.gate import check_sql
from pipelines.segments.header import EntryExitTable
from pipelines.segments.header_reader import HeaderReader
from pipelines.segments.reading import Node, parse_tree

TABLE = "entry_exit"
EXPECTED = "one condition on a row of features, e.g. spend_90d < 450"
NOTHING_ELSE: Node = {
    "group_expressions": [],
    "aggregate_handling": "STANDARD_HANDLING",
    "having": None,
    "qualify": None,
    "sample": None,
    "modifiers": [],
}
"""Parts of DuckDB's tree of a SELECT that a text could bring in by closing the bracket around it."""


def read_entry_exit(
    path: Path, reader: HeaderReader, table: EntryExitTable | None, warehouse: EmptyWarehouse
) -> EntryExit | None:
    """What the table says, None without one; raises SegmentError at the line of what is wrong."""
    if table is None:
        return None
    if table.exit_when is None and table.stay_days is not None:
        raise SegmentError(
            path,
            "'stay_days' without 'exit_when': how long may they stay whom no condition sends away?",
            line=reader.line((TABLE, "stay_days")),
            fix="add exit_when, or say grace_days",
        )
    if table.exit_when is None and not table.grace_days and not table.cooldown_days:
        raise SegmentError(
            path,
            f"[{TABLE}] changes nothing",
            line=reader.line((TABLE,)),
            expected="exit_when, grace_days or cooldown_days",
        )
    stay = STAY_DAYS if table.stay_days is None else table.stay_days
    found = EntryExit(
        exit_when=table.exit_when,
        exit_line=reader.line((TABLE, "exit_when")) if table.exit_when is not None else 1,
        stay_days=stay if table.exit_when is not None else 0,
        grace_days=table.grace_days,
        cooldown_days=table.cooldown_days,
    )
    if found.exit_when is not None:
        check_exit(path, found, warehouse)
    return found


def check_exit(path: Path, entry_exit: EntryExit, warehouse: EmptyWarehouse) -> None:
    """Raise SegmentError, at the key's line, unless ``exit_when`` is one condition on columns of ``features``."""
    line = entry_exit.exit_line
    try:
        check_sql(path, entry_exit.exit_sql, entry_exit.exit_sql_line, warehouse)
    except SegmentError as error:
        raise SegmentError(
            path,
            f"in 'exit_when': {error.found}",
            line=line,
            nearest=error.nearest,
            expected=error.expected,
            fix=error.fix,
        ) from None
    if not _is_one_condition(parse_tree(warehouse.connection, entry_exit.exit_sql)["node"]):
        raise SegmentError(path, "'exit_when' is more than a condition", line=line, expected=EXPECTED)
    kind = _type_of(entry_exit, warehouse)
    if kind != "BOOLEAN":
        raise SegmentError(path, f"'exit_when' comes out as {kind}", line=line, expected=EXPECTED)


def _is_one_condition(node: Node) -> bool:
    """Whether the bracket that was put around the text holds all of it, and nothing in it reads a table."""
    return (
        node["type"] == "SELECT_NODE"
        and node["from_table"]["type"] == "BASE_TABLE"
        and all(node.get(part) == plain for part, plain in NOTHING_ELSE.items())
        and not _reads_tables(node["where_clause"])
    )


def _reads_tables(value: object) -> bool:
    if isinstance(value, dict):
        return value.get("class") == "SUBQUERY" or any(map(_reads_tables, value.values()))
    return isinstance(value, list) and any(map(_reads_tables, value))


def _type_of(entry_exit: EntryExit, warehouse: EmptyWarehouse) -> str:
    """The type of the condition itself: a where clause would take a number for true."""
    query = f"select (\n{entry_exit.exit_when}\n) as leaves\nfrom features"
    (statement,) = warehouse.statements(query)
    ((_, kind),) = warehouse.bind(query, statement.named_parameters)
    return kind
