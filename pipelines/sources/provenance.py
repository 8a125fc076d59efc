"""Where each column comes from: a person's own data, somebody else's, or invented for the demo."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from pipelines.duck import literal, quote
from pipelines.sources import demo
from pipelines.sources.contracts import CONSENTS, CUSTOMERS, SUPPRESSIONS
from pipelines.sources.model import FIRST_PARTY, Demo, Source

SYNTHETIC = "synthetic"


def provenance_of(source: Source, column: str) -> str:
    """``synthetic`` for what the demo invents, else what the source says of itself."""
    invented = isinstance(source.location, Demo) and demo.is_synthetic(source.name, column)
    return SYNTHETIC if invented else source.provenance


def record(con: duckdb.DuckDBPyConnection, sources: Sequence[Source]) -> None:
    """Rewrite the table ``provenance`` and mark the synthetic columns of people's own tables in their comments."""
    con.execute(
        "create or replace table provenance (table_name varchar, column_name varchar, provenance varchar)"
    )
    rows = [
        (source.contract.name, field.name, provenance_of(source, field.name))
        for source in sources
        for field in source.contract.fields
    ]
    con.execute(
        "insert into provenance select unnest(?::varchar[]), unnest(?::varchar[]), unnest(?::varchar[])",
        [list(column) for column in zip(*rows, strict=True)],
    )
    for source in sources:
        _mark(con, source)


def holds_synthetic(con: duckdb.DuckDBPyConnection) -> bool:
    """Is the demo, or any part of it, what is loaded?"""
    query = "select count(*) from provenance where provenance = ?"
    return bool(con.execute(query, [SYNTHETIC]).fetchall()[0][0])


def _mark(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    table = {
        CUSTOMERS.name: "people",
        CONSENTS.name: "consents",
        SUPPRESSIONS.name: "suppressions",
    }.get(source.contract.name)
    if table is None:
        return
    query = "select column_name from duckdb_columns() where table_name = ? and schema_name = 'main'"
    present = {name for (name,) in con.execute(query, [table]).fetchall()}
    for field in source.contract.fields:
        if field.name in present:
            told = field.description
            provenance = provenance_of(source, field.name)
            if provenance != FIRST_PARTY:
                told += f" Provenance: {provenance.replace('_', ' ')}."
            con.execute(f"comment on column {table}.{quote(field.name)} is {literal(told)}")
