"""A SELECT read through DuckDB's own parser: every node against the allow-list, every table against the catalogue.

DuckDB's tree is what will run, so what is allowed is decided on it; sqlglot reads the same text
independently (``gate``), and the two must agree on which tables are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from pipelines.segments import allowed
from pipelines.segments.catalog import Catalog
from pipelines.segments.errors import nearest

Node = Mapping[str, Any]
NOWHERE = 2**63
"""DuckDB marks a node without a place by the largest number; real offsets are far below."""


class Refusal(Exception):
    """Why the SQL is not accepted; ``offset`` is the byte in the SQL where it was found."""

    def __init__(
        self,
        found: str,
        offset: int | None = None,
        *,
        nearest: str | None = None,
        expected: str | None = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(found)
        self.found = found
        self.offset = offset
        self.nearest = nearest
        self.expected = expected
        self.fix = fix


def parse_tree(connection: duckdb.DuckDBPyConnection, sql: str) -> Node:
    """DuckDB's tree of one SELECT; raises Refusal for anything else DuckDB can parse."""
    answer = json.loads(connection.execute("select json_serialize_sql($sql)", {"sql": sql}).fetchall()[0][0])
    if answer["error"]:
        raise Refusal(
            "this is not a plain SELECT",
            fix="write one SELECT with common table expressions; PIVOT, EXPLAIN and the like are not allowed",
        )
    statements: list[Node] = answer["statements"]
    return statements[0]


def tables_read(tree: Node, catalog: Catalog) -> frozenset[str]:
    """The catalogue's tables that ``tree`` reads; raises Refusal at the first thing that is not allowed."""
    ctes = _common_tables(tree, catalog)
    reads: set[str] = set()
    for node in typed_nodes(tree):
        _check_structure(node)
        kind = node["type"]
        if kind == "BASE_TABLE":
            name = _check_table(node, ctes, catalog)
            if name is not None:
                reads.add(name)
        elif kind == "TABLE_FUNCTION":
            _check_table_function(node)
        elif "function_name" in node:
            _check_function(node)
        elif kind == "COLUMN_REF":
            _check_column(node)
        elif kind == "VALUE_PARAMETER":
            _check_parameter(node)
        elif kind == "SELECT_NODE" or kind == "SET_OPERATION_NODE":
            _check_limit(node)
    return frozenset(reads)


def typed_nodes(value: Any) -> Iterator[Node]:
    """Every typed node, parents before children, in the order of the text."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            if isinstance(current.get("type"), str):
                yield current
            waiting.extend(reversed(current.values()))
        elif isinstance(current, list):
            waiting.extend(reversed(current))


def offset_of(node: Node) -> int | None:
    """The byte of the SQL at which a node stands; None for one without a place."""
    offset = node.get("query_location")
    return offset if isinstance(offset, int) and offset < NOWHERE else None


def _common_tables(tree: Node, catalog: Catalog) -> frozenset[str]:
    names: set[str] = set()
    for node in typed_nodes(tree):
        for entry in node.get("cte_map", {}).get("map", []):
            name = entry["key"].lower()
            if name in catalog:
                raise Refusal(
                    f"the common table expression {name!r} has the name of a table",
                    fix="give it a name of its own, so that readers see which of the two is meant",
                )
            names.add(name)
    return frozenset(names)


def _check_structure(node: Node) -> None:
    kind = node["type"]
    if kind == "RECURSIVE_CTE_NODE":
        raise Refusal("recursive queries are not allowed", fix="they may never end; write the steps out")
    if kind in {"INSERT_QUERY_NODE", "UPDATE_QUERY_NODE", "DELETE_QUERY_NODE", "MERGE_QUERY_NODE"}:
        verb = kind.split("_")[0].lower()
        raise Refusal(f"{verb} is not allowed in a segment", offset_of(node), fix="a segment only reads")
    if kind not in allowed.STRUCTURE:
        words = "describe or show" if kind == "SHOW_REF" else kind.lower().replace("_", " ")
        raise Refusal(f"{words} is not allowed in a segment", offset_of(node), expected="a plain SELECT")
    if node.get("sample") is not None:
        raise Refusal(
            "sampling is not allowed: it gives other people every time",
            offset_of(node),
            fix="take a share by md5(person_no::varchar)",
        )
    if kind == "JOIN" and node.get("ref_type") not in allowed.JOINS:
        words = str(node.get("ref_type")).lower()
        raise Refusal(f"a {words} join is not allowed", offset_of(node), fix="join by a condition")


def _check_table(node: Node, ctes: frozenset[str], catalog: Catalog) -> str | None:
    name: str = node["table_name"].lower()
    if node.get("at_clause") is not None:
        raise Refusal(
            "time travel (at …) is not allowed", offset_of(node), fix="tables are already cut at $as_of"
        )
    if node.get("schema_name") or node.get("catalog_name"):
        raise Refusal(
            f"the table {'.'.join(node['qualified_name']['path'])} is named with its schema",
            offset_of(node),
            fix=f"write {name}: a segment sees each table as of its day, under its plain name",
        )
    if name in ctes:
        return None
    if name not in catalog:
        close = nearest(name, [*catalog, *ctes])
        raise Refusal(
            f"unknown table {node['table_name']!r}",
            offset_of(node),
            nearest=close,
            expected=None
            if close
            else f"one of {', '.join(sorted(n for n in catalog if not catalog[n].is_segment))}",
        )
    return name


def _check_table_function(node: Node) -> None:
    name = node["function"]["function_name"].lower()
    if name not in allowed.TABLE_FUNCTIONS:
        raise Refusal(
            f"the table function {name}() is not allowed",
            offset_of(node),
            expected="a table of the warehouse; files and systems are read by the sources",
        )


def _check_function(node: Node) -> None:
    name = node["function_name"].lower()
    if node.get("schema") or node.get("catalog"):
        raise Refusal(
            f"the function {name}() is named with its schema", offset_of(node), fix=f"write {name}(…)"
        )
    if name not in allowed.FUNCTIONS:
        raise Refusal(
            f"the function {name}() is not allowed in a segment",
            offset_of(node),
            nearest=None if name in allowed.INSTEAD else nearest(name, allowed.FUNCTIONS, likeness=0.8),
            fix=allowed.INSTEAD.get(name),
        )
    if node["class"] == "WINDOW":
        if name in allowed.ORDERED_WINDOWS and not node["orders"]:
            raise Refusal(
                f"{name}() without an order gives other people every time",
                offset_of(node),
                fix="add order by inside over (…)",
            )
    elif name in allowed.NEED_AN_ORDER and not node["order_bys"]["orders"]:
        raise Refusal(
            f"{name}() without an order gives another answer every time",
            offset_of(node),
            fix=f"write {name}(… order by …), or use min() or max()",
        )


def _check_column(node: Node) -> None:
    names = node["column_names"]
    word = names[0].lower()
    if len(names) == 1 and word in allowed.SESSION_WORDS:
        raise Refusal(f"{word} is not allowed in a segment", offset_of(node), fix=allowed.INSTEAD.get(word))


def _check_parameter(node: Node) -> None:
    name = node["identifier"]
    if name not in allowed.PARAMETERS:
        raise Refusal(
            f"unknown parameter ${name}",
            offset_of(node),
            nearest=nearest(name, allowed.PARAMETERS),
            expected="$as_of (the day) or $window_end (the midnight after it)",
        )


def _check_limit(node: Node) -> None:
    """LIMIT and DISTINCT ON pick rows, so what they pick by must be said, down to the person."""
    modifiers = {modifier["type"]: modifier for modifier in node["modifiers"]}
    limit = modifiers.get("LIMIT_MODIFIER")
    distinct = modifiers.get("DISTINCT_MODIFIER", {}).get("distinct_on_targets")
    if limit is None and not distinct:
        return
    what = "limit" if limit is not None else "distinct on"
    place = offset_of((limit or {}).get("limit") or (limit or {}).get("offset") or (distinct or [{}])[0])
    orders = [order["expression"] for order in modifiers.get("ORDER_MODIFIER", {}).get("orders", [])]
    if not orders:
        raise Refusal(
            f"{what} without order by gives other people every time", place, fix="add order by …, person_no"
        )
    if limit is not None and _gives_people(node) and not any(_is_person(order) for order in orders):
        raise Refusal(
            "limit after an order with ties gives other people every time",
            place,
            fix="end the order by with person_no",
        )


def _gives_people(node: Node) -> bool:
    return any(_is_person(column) for column in node.get("select_list", []))


def _is_person(expression: Node) -> bool:
    names = expression.get("column_names") or [expression.get("alias") or ""]
    return bool(expression["type"] == "STAR" or names[-1].lower() == "person_no")
