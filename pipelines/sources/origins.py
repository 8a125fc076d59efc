"""Which sources a segment rests on, and which of them did not come: a broken source stops only what reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import duckdb
import sqlglot
from sqlglot import exp

from pipelines.segments.model import Segment
from pipelines.sources import features
from pipelines.sources.contracts import CUSTOMERS
from pipelines.sources.load_all import LOG
from pipelines.sources.loading import SCHEMA
from pipelines.sources.model import Source

OF_PEOPLE = frozenset({"present_people", "person_numbers", "arriving_customers"})
"""What the features' SQL calls the rows of the customers."""


def contracts_behind(segment: Segment) -> frozenset[str]:
    """The contracts whose data decide who is in a segment: the tables it reads, and those behind the features it
    names. Everybody in a segment is a customer, so that contract is always one of them."""
    behind = {CUSTOMERS.name, *(segment.reads - {"features"})}
    if "features" in segment.reads:
        for column in _features_named(segment.sql):
            behind |= feature_origins()[column]
    return frozenset(behind)


def features_named(segment: Segment) -> frozenset[str]:
    """The features that decide who is in a segment: those that its SQL names anywhere."""
    return frozenset(_features_named(segment.sql) if "features" in segment.reads else ())


def _features_named(sql: str) -> Iterable[str]:
    """Features that a query names anywhere; all of them when it takes every column."""
    tree = sqlglot.parse_one(sql, dialect="duckdb")
    known = feature_origins()
    if any(not isinstance(star.parent, exp.Count) for star in tree.find_all(exp.Star)):
        return known
    return {column.name.lower() for column in tree.find_all(exp.Column)} & known.keys()


@cache
def feature_origins() -> Mapping[str, frozenset[str]]:
    """Each feature with the contracts that it is computed from."""
    found: dict[str, frozenset[str]] = {}
    for theme in features.THEMES:
        tree = sqlglot.parse_one(features.statement(theme), dialect="duckdb")
        assert isinstance(tree, exp.Select)
        found |= {name: _contracts(tables) for name, tables in _columns(tree).items()}
    return found


def _contracts(tables: Iterable[str]) -> frozenset[str]:
    return frozenset(CUSTOMERS.name if table in OF_PEOPLE else table for table in tables)


def _columns(tree: exp.Select) -> dict[str, set[str]]:
    """Each column of a query with the base tables behind the common table expressions that it takes values from."""
    behind: dict[str, set[str]] = {}
    for cte in tree.find_all(exp.CTE):
        read = {table.name for table in cte.find_all(exp.Table)}
        behind[cte.alias] = set().union(*(behind.get(name, {name}) for name in read))
    sources = {table.alias_or_name: behind.get(table.name, {table.name}) for table in _top_tables(tree)}
    return {
        projection.alias_or_name: set().union(
            *(sources[column.table] for column in projection.find_all(exp.Column) if column.table)
        )
        for projection in tree.selects
    }


def _top_tables(tree: exp.Select) -> Iterable[exp.Table]:
    for table in tree.find_all(exp.Table):
        if table.parent_select is tree:
            yield table


def failed_sources(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Sources whose newest load failed, with what was wrong; their tables are those of the last good load."""
    query = "select 1 from duckdb_tables() where schema_name = ? and table_name = 'loads'"
    if not con.execute(query, [SCHEMA]).fetchall():
        return {}
    rows = con.execute(
        f"""
        select source, arg_max(error, loaded_at)
        from (select source, coalesce(error, '') as error, loaded_at from {LOG})
        group by source
        """
    ).fetchall()
    return {source: error for source, error in rows if error}


def missing_for(segment: Segment, sources: Sequence[Source], failed: Mapping[str, str]) -> list[str]:
    """The failed sources that a segment rests on."""
    behind = contracts_behind(segment)
    return [source.name for source in sources if source.name in failed and source.contract.name in behind]
