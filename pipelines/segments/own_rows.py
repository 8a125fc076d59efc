"""Whether a segment decides about each person by that person's own rows, so that a few people can be decided alone.

Only queries of which that is certain are taken: people's tables are tied to each other by ``person_no``, whatever is
counted is counted by person, windows are a person's own, and no column depends on others. Everything else is refused
where it stands, though it may be innocent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import duckdb

from pipelines.segments import allowed
from pipelines.segments.catalog import Catalog
from pipelines.segments.errors import SegmentError
from pipelines.segments.gate import at_the_files_lines
from pipelines.segments.key import KEY
from pipelines.segments.load import BrokenSegment, Loaded
from pipelines.segments.model import Segment
from pipelines.segments.reading import Node, Refusal, offset_of, parse_tree, typed_nodes

ALONE = "but a dynamic segment is computed for a few people alone"
NIGHTLY = 'take mode = "dynamic" out: it is then computed every night'
AS_OF = "as_of"
"""The time column of tables that are a picture of every whole day."""
KEEPS_LEFT = frozenset({"INNER", "LEFT", "SEMI", "ANTI"})
AGGREGATES = frozenset(allowed.AGGREGATES.split()) | {"count_star"}


def refuse_others(definition: Loaded, catalog: Catalog) -> Loaded:
    """The segment, or its failure when it is dynamic and what it says of a person depends on other people."""
    if isinstance(definition, BrokenSegment) or definition.mode != "dynamic":
        return definition
    try:
        for one in (*definition.builds_on, definition):
            _moves_at_once(one)
            _check(one, catalog)
    except SegmentError as error:
        if error.path != definition.path:
            name = error.path.name.removesuffix(".sql")
            error = SegmentError(
                definition.path,
                f"it is dynamic and built on {name}, which looks at several people at once ({error.found})",
                fix=f"build it on others, or {NIGHTLY}",
            )
        return BrokenSegment(definition.name, definition.path, error)
    return definition


def _moves_at_once(segment: Segment) -> None:
    """Nothing in the header makes a person's membership a matter of other days or other segments."""
    what = {
        "entry and exit rules, which count whole days": segment.entry_exit,
        "a waterfall, in which other segments come first": segment.waterfall,
        "the people of one day": segment.frozen_on,
    }
    for told, found in what.items():
        if found is not None:
            raise SegmentError(segment.path, f"it has {told}, {ALONE}", fix=f"take them out, or {NIGHTLY}")


def _check(segment: Segment, catalog: Catalog) -> None:
    connection = duckdb.connect()
    try:
        with at_the_files_lines(segment.path, segment.sql, segment.sql_line):
            tree = parse_tree(connection, segment.sql)
            _columns_alone(tree, catalog)
            _whole_days(tree, catalog)
            of_people = {name for name, table in catalog.items() if KEY in table.columns}
            if not _Query(frozenset({*of_people, *segment.layers})).check(tree["node"]):
                raise _refused("no table of people is read", tree["node"])
    finally:
        connection.close()


def _columns_alone(tree: Node, catalog: Catalog) -> None:
    """No column of ``features`` that is known of everybody together only."""
    features = catalog.get("features")
    shared = {name for name, column in features.columns.items() if column.among_people} if features else set()
    for node in typed_nodes(tree):
        if node["type"] == "COLUMN_REF" and node["column_names"][-1].lower() in shared:
            raise Refusal(
                f"{node['column_names'][-1]} depends on other people too, {ALONE}",
                offset_of(node),
                fix=f"take a feature of the person alone, or {NIGHTLY}",
            )
        if node.get("alias", "").lower() == KEY and not _is_key(node):
            raise Refusal(
                f"something else than {KEY} is called {KEY}", offset_of(node), fix="give it another name"
            )


def _whole_days(tree: Node, catalog: Catalog) -> None:
    """No table but ``features`` that is a picture of a whole day: there is none of the day under way."""
    for node in typed_nodes(tree):
        table = catalog.get(str(node.get("table_name", "")).lower())
        if table is not None and table.time_column == AS_OF and table.name != "features":
            raise Refusal(
                f"{table.name} is made of whole days, and a dynamic segment is of the day under way",
                offset_of(node),
                fix=NIGHTLY,
            )


class _Query:
    """One level of a query, with the tables and common table expressions that hold rows of people."""

    def __init__(self, of_people: frozenset[str]) -> None:
        self._of_people = of_people

    def check(self, node: Node) -> bool:
        """Whether the query's rows are of people; raises Refusal when a row may be of several at once."""
        within = self
        for entry in node.get("cte_map", {}).get("map", []):
            if within.check(entry["value"]["query_node"]):
                if entry["value"]["aliases"]:
                    raise _refused("columns of people's rows are renamed", entry["value"]["query_node"])
                within = _Query(within._of_people | {entry["key"].lower()})
        if node["type"] == "SET_OPERATION_NODE":
            sides = [within.check(side) for side in node["children"]]
            within._no_limit(node, any(sides))
            if any(sides) and not all(sides):
                raise _refused("rows of people and others are put together", node)
            return any(sides)
        return within._select(node)

    def _select(self, node: Node) -> bool:
        of_people = self._source(node["from_table"])
        for subquery in _subqueries(node):
            self._subquery(subquery)
        if not of_people:
            return False
        self._no_limit(node, True)
        self._grouped(node)
        if not any(_is_key(one) or one["type"] == "STAR" for one in node["select_list"]):
            raise _refused(f"rows of people lose their {KEY}", node["select_list"][0])
        for inner in _own_nodes(node):
            if inner["type"].startswith("WINDOW") and not any(map(_is_key, inner["partitions"])):
                raise _refused("a window looks at several people", inner, f"partition by {KEY}")
        return True

    def _grouped(self, node: Node) -> None:
        groups = node["group_expressions"]
        counted = [one for one in _own_nodes(node) if _is_aggregate(one)]
        if node["aggregate_handling"] == "FORCE_AGGREGATES" or any(map(_is_key, groups)):
            if len(node["group_sets"]) > 1:
                raise _refused("grouping sets look at several people", groups[0], f"group by {KEY}")
            return
        if counted or groups:
            raise _refused("several people are counted together", (counted or groups)[0], f"group by {KEY}")

    def _no_limit(self, node: Node, of_people: bool) -> None:
        for modifier in node["modifiers"] if of_people else ():
            if modifier["type"] in ("LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER"):
                raise _refused("limit takes some people before others", modifier.get("limit") or node)
            targets = modifier.get("distinct_on_targets")
            if targets and not any(map(_is_key, targets)):
                raise _refused("distinct on takes some people before others", targets[0])

    # --- from ----------------------------------------------------------------------------------------------

    def _source(self, table: Node) -> bool:
        """Whether what stands after ``from`` holds rows of people, each tied to one person."""
        match table["type"]:
            case "BASE_TABLE":
                of_people = table["table_name"].lower() in self._of_people
            case "SUBQUERY":
                of_people = self.check(table["subquery"]["node"])
            case "JOIN":
                return self._join(table)
            case _:
                return False
        if of_people and table["column_name_alias"]:
            raise _refused("columns of people's rows are renamed", table)
        return of_people

    def _join(self, join: Node) -> bool:
        left, right = self._source(join["left"]), self._source(join["right"])
        if left and right:
            if not _tied(join):
                raise _refused(
                    "two tables of people are not joined by the person", join, f"join using ({KEY})"
                )
        elif left and join["join_type"] not in KEEPS_LEFT:
            raise _refused("a join keeps rows that are nobody's", join, "write it as a left join")
        elif right and join["join_type"] not in ("INNER", "RIGHT"):
            raise _refused("a join keeps rows that are nobody's", join, "name the table of people first")
        return left or right

    def _subquery(self, subquery: Node) -> None:
        """A query inside an expression may be of people only as ``person_no in (select person_no …)``."""
        of_people = self.check(subquery["subquery"]["node"])
        if of_people and not (subquery["subquery_type"] == "ANY" and _is_key(subquery.get("child") or {})):
            raise _refused(
                "a condition asks about other people",
                subquery,
                f"write {KEY} in (select {KEY} from …), or join",
            )


def _tied(join: Node) -> bool:
    """Whether each row of a join is of one person."""
    if any(column.lower() == KEY for column in join["using_columns"]):
        return True
    condition = join.get("condition")
    if condition is None:
        return False
    parts = condition["children"] if condition["type"] == "CONJUNCTION_AND" else [condition]
    return any(
        part["type"] == "COMPARE_EQUAL"
        and _is_key(part["left"])
        and _is_key(part["right"])
        # Each side names its table, and another one: a.person_no = a.person_no ties nothing.
        and part["left"]["column_names"][:-1] != part["right"]["column_names"][:-1]
        for part in parts
    )


def _is_key(node: Mapping[str, Any]) -> bool:
    return bool(
        node.get("type") == "COLUMN_REF"
        and node["column_names"][-1].lower() == KEY
        and node.get("alias", "").lower() in ("", KEY)
    )


def _is_aggregate(node: Node) -> bool:
    return node["type"] == "FUNCTION" and node["function_name"].lower() in AGGREGATES


def _own_nodes(node: Node) -> Iterator[Node]:
    """The nodes of a SELECT's own expressions: neither of its tables nor of queries inside."""
    waiting: list[Any] = [
        node[part] for part in ("select_list", "where_clause", "having", "qualify", "modifiers")
    ]
    while waiting:
        current = waiting.pop()
        if isinstance(current, list):
            waiting.extend(current)
        elif isinstance(current, dict):
            if isinstance(current.get("type"), str):
                yield current
            waiting.extend(value for key, value in current.items() if key != "subquery")


def _subqueries(node: Node) -> Iterator[Node]:
    yield from (one for one in _own_nodes(node) if one.get("class") == "SUBQUERY")
    yield from (one for one in _conditions(node["from_table"]) if one.get("class") == "SUBQUERY")


def _conditions(table: Any) -> Iterator[Node]:
    """The nodes of join conditions."""
    if isinstance(table, dict) and table.get("type") == "JOIN":
        yield from _conditions(table["left"])
        yield from _conditions(table["right"])
        yield from typed_nodes(table.get("condition"))


def _refused(found: str, node: Node, instead: str | None = None) -> Refusal:
    fix = f"{instead}, or {NIGHTLY}" if instead else NIGHTLY
    return Refusal(f"{found}, {ALONE}", offset_of(node), fix=fix)
