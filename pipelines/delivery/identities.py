"""From raw people to the columns a platform matches on, in bulk.

DuckDB answers the plain majority by each rule's fast path; what a fast path does not cover goes through the
rule's Python function, once for each distinct value. Hashing happens here and nowhere else.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa

from connectors.identity import Column, Identity, encode_sql
from pipelines.duck import quote

SEPARATOR = "chr(31)"
"""Between the parts of a member's key: a control character that no normalised value contains."""


def write_identities(
    connection: duckdb.DuckDBPyConnection, identity: Identity, people: str, into: str
) -> None:
    """Normalise and encode everybody in the table ``people`` (``person_no`` and ``identity.inputs``).

    Creates the temporary table ``into``: ``person_no``, ``member`` (UUID, null when the person has nothing to
    be found by) and the identity's columns, in order, as text, null where nothing usable is known.
    """
    columns = [
        _expression(connection, people, position, column) for position, column in enumerate(identity.columns)
    ]
    joins = " ".join(join for _, join in columns)
    values = ", ".join(
        f"{value} as {quote(c.name)}" for c, (value, _) in zip(identity.columns, columns, strict=True)
    )
    connection.execute(
        f"""
        create or replace temp table {into} as
        with encoded as (
          select
            people.person_no,
            {values}
          from {people} as people
          {joins}
        )
        select
          person_no,
          {_member(identity)} as member,
          * exclude (person_no)
        from encoded
        """
    )
    for position in range(len(identity.columns)):
        connection.execute(f"drop table if exists awkward_{position}")


def _expression(
    connection: duckdb.DuckDBPyConnection, people: str, position: int, column: Column
) -> tuple[str, str]:
    """SQL for one encoded column, and the join that brings what Python had to decide."""
    rule = column.rule
    inputs = [quote(name) for name in rule.inputs]
    plain = f"coalesce({rule.fast.when}, false)" if rule.fast else "false"
    awkward: pa.Table = connection.sql(
        f"""
        select distinct {", ".join(inputs)}
        from {people}
        where not ({plain})
          and {inputs[0]} is not null
        """
    ).to_arrow_table()
    fast = f"nullif({rule.fast.value}, '')" if rule.fast else "null"
    if not awkward.num_rows:
        return encode_sql(f"case when {plain} then {fast} end", column.encoding), ""
    table = f"awkward_{position}"
    _decide(connection, column, awkward, table)
    matches = " and ".join(f"{name} is not distinct from {table}.key_{i}" for i, name in enumerate(inputs))
    value = f"case when {plain} then {fast} else {table}.answer end"
    return encode_sql(value, column.encoding), f"left join {table} on {matches}"


def _decide(connection: duckdb.DuckDBPyConnection, column: Column, awkward: pa.Table, table: str) -> None:
    rows = zip(*(awkward.column(name).to_pylist() for name in column.rule.inputs), strict=True)
    answers = pa.array([column.rule.normalise(*row) or None for row in rows], pa.string())
    keys = [f"key_{i}" for i in range(awkward.num_columns)]
    answered = awkward.rename_columns(keys).append_column("answer", answers)
    connection.register("answered", answered)
    connection.execute(f"create or replace temp table {table} as select * from answered")
    connection.unregister("answered")


def _member(identity: Identity) -> str:
    """128 bits of the digest of the handle as sent; a lone digest column is its own key."""
    known = " or ".join(f"{quote(column.name)} is not null" for column in identity.identifying)
    handle = identity.handle
    if len(handle) == 1 and handle[0].encoding == "sha256_hex":
        digest = quote(handle[0].name)
    else:
        parts = ", ".join(f"coalesce({quote(column.name)}, '')" for column in handle)
        digest = f"sha256(concat_ws({SEPARATOR}, {parts}))"
    return f"case when {known} then cast(left({digest}, 32) as uuid) end"
