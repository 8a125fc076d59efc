"""The tables as everybody else reads them: the sources of one contract together, with ``person_no``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import duckdb

from pipelines.duck import quote
from pipelines.sources import merging
from pipelines.sources.contract import Contract
from pipelines.sources.contracts import CONSENTS, CONTRACTS, CUSTOMERS, SUPPRESSIONS
from pipelines.sources.contracts_of_service import CUSTOMER_MERGES
from pipelines.sources.loading import SCHEMA, table_of
from pipelines.sources.model import Source

OWN_TABLES = frozenset({CUSTOMERS.name, CONSENTS.name, SUPPRESSIONS.name, CUSTOMER_MERGES.name})
"""Contracts that become tables of people, not views."""


def contracts_of(sources: Iterable[Source]) -> dict[str, Contract]:
    """Every contract a reader can count on: all of ours, delivered or not, and the custom ones declared."""
    custom = {source.contract.name: source.contract for source in sources}
    return dict(CONTRACTS) | custom


def delivered(con: duckdb.DuckDBPyConnection, sources: Sequence[Source], contract: Contract) -> str:
    """A SELECT over everything in force for a contract, each row under the id that stands for its person today."""
    rows = as_delivered(con, sources, contract)
    return merging.merged(contract, rows) if merging.is_any(con) else rows


def as_delivered(con: duckdb.DuckDBPyConnection, sources: Sequence[Source], contract: Contract) -> str:
    """A SELECT over everything in force for a contract under the ids it came with; empty when nothing ever arrived.

    A table from before its source was declared anew, with other columns, is not in force.
    """
    columns = ", ".join(quote(field.name) for field in contract.fields)
    selects = [
        f"select {columns} from {table_of(source.name)}"
        for source in sources
        if source.contract.name == contract.name and is_in_force(con, source)
    ]
    return "\nunion all\n".join(selects) if selects else empty(contract)


def is_in_force(con: duckdb.DuckDBPyConnection, source: Source) -> bool:
    """Whether a source was loaded as it is declared now."""
    wanted = {(field.name, field.type) for field in source.contract.fields}
    return wanted <= _columns(con, source.name)


def _columns(con: duckdb.DuckDBPyConnection, source: str) -> set[tuple[str, str]]:
    """Name and type of a loaded table's columns; none before its first load."""
    query = "select column_name, data_type from duckdb_columns() where schema_name = ? and table_name = ?"
    return {(name, kind) for name, kind in con.execute(query, [SCHEMA, source]).fetchall()}


def empty(contract: Contract) -> str:
    """A SELECT with the contract's columns and no row."""
    columns = ", ".join(f"null::{field.type} as {quote(field.name)}" for field in contract.fields)
    return f"select {columns} where false"


def readable_columns(contract: Contract) -> list[tuple[str, str, str]]:
    """Name, type and description of what a reader sees: nothing that identifies anybody, ``person_no`` instead."""
    own = [
        (field.name, field.type, field.description)
        for field in contract.fields
        if not field.personal and field.name != contract.person
    ]
    number = [("person_no", "INTEGER", "The person's number.")] if contract.person else []
    return number + own


def create_views(con: duckdb.DuckDBPyConnection, sources: Sequence[Source]) -> None:
    """(Re)make the view of every contract but the people's own. ``person_numbers`` must exist."""
    for contract in contracts_of(sources).values():
        if contract.name not in OWN_TABLES:
            query = view_query(contract, delivered(con, sources, contract))
            con.execute(f"create or replace view {quote(contract.name)} as\n{query}")


def view_query(contract: Contract, rows: str) -> str:
    """The SELECT of a contract's view over ``rows``; rows of people who are not customers are left out."""
    columns = ", ".join(
        f"rows.{quote(name)}" for name, _, _ in readable_columns(contract) if name != "person_no"
    )
    if contract.person is None:
        return f"select {columns} from (\n{rows}\n) as rows"
    return (
        f"select numbers.person_no, {columns} from (\n{rows}\n) as rows"
        f" join person_numbers as numbers on numbers.person_id = rows.{quote(contract.person)}"
    )
