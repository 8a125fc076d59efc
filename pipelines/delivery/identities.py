"""From raw people to the columns a platform matches on, in bulk.

DuckDB answers the plain majority by each rule's fast path; what a fast path does not cover goes through the
rule's Python function, once for each distinct value. Hashing happens here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from connectors.identity import Encoding, Identity, Rule, encode_sql
from pipelines.duck import quote

ROWS_AT_ONCE = 250_000
"""People normalised in one statement: a few of DuckDB's row groups, so that all threads have work."""
SEPARATOR = "chr(31)"
"""Between the parts of a member's key: a control character that no normalised value contains."""


def write_identities(
    connection: duckdb.DuckDBPyConnection, identity: Identity, people: str, into: str, carried: str = ""
) -> None:
    """Normalise and encode everybody in the table ``people`` (``person_no`` and ``identity.inputs``).

    Creates the temporary table ``into``: ``person_no``, ``member`` (UUID, null when the person has nothing to
    be found by) and the identity's columns, in order, as text, null where nothing usable is known; last, under
    its name, another column of ``people`` that is ``carried`` over as it is.
    """
    readings = _readings(identity)
    _answer_plain(connection, identity, readings, people, carried)
    parts = [_encoded(connection, position, reading) for position, reading in enumerate(readings)]
    values = ", ".join(
        f"coalesce({', '.join(p.value for r, p in zip(readings, parts, strict=True) if r.name == c.name)})"
        f" as {quote(c.name)}"
        for c in identity.columns
    )
    connection.execute(
        f"""
        create or replace temp table {into} as
        with encoded as (
          select
            plain.person_no,
            {values}
            {f", plain.{carried}" if carried else ""}
          from plain
          {" ".join(part.join for part in parts)}
        )
        select
          person_no,
          {member_key(identity)} as member,
          * exclude (person_no)
        from encoded
        """
    )
    for position in range(len(readings)):
        connection.execute(f"drop table if exists awkward_{position}")
    connection.execute("drop table plain")


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to a column's value; the first that has one counts."""

    name: str
    rule: Rule
    encoding: Encoding


def _readings(identity: Identity) -> list[_Reading]:
    """Every column from what is raw, then those that a source may have hashed already."""
    raw = [_Reading(column.name, column.rule, column.encoding) for column in identity.columns]
    hashed = [_Reading(c.name, c.hashed, "plain") for c in identity.columns if c.hashed]
    return raw + hashed


def _answer_plain(
    connection: duckdb.DuckDBPyConnection,
    identity: Identity,
    readings: Sequence[_Reading],
    people: str,
    carried: str,
) -> None:
    """What fast paths answer: ``plain_0`` … hold a value, '' for nothing usable, null where Python must decide."""
    answers = []
    for position, reading in enumerate(readings):
        fast = reading.rule.fast
        answer = (
            f"case when {fast.when} then coalesce({fast.value}, '') end" if fast else "cast(null as varchar)"
        )
        answers.append(f"{answer} as plain_{position}")
    kept = ["person_no", *(quote(name) for name in identity.inputs), *([carried] if carried else [])]
    connection.execute(
        f"create or replace temp table plain as select {', '.join([*kept, *answers])} from {people}"
    )


@dataclass(frozen=True, slots=True)
class _Encoded:
    """SQL of one column's payload value, and the join that brings what Python decided."""

    value: str
    join: str = ""


def _encoded(connection: duckdb.DuckDBPyConnection, position: int, reading: _Reading) -> _Encoded:
    inputs = [quote(name) for name in reading.rule.inputs]
    awkward: pa.Table = connection.sql(
        f"""
        select distinct {", ".join(inputs)}
        from plain
        where plain_{position} is null
          and {inputs[0]} is not null
        """
    ).to_arrow_table()
    if not awkward.num_rows:
        return _Encoded(encode_sql(f"nullif(plain_{position}, '')", reading.encoding))
    table = f"awkward_{position}"
    _decide(connection, reading.rule, awkward, table)
    matches = " and ".join(
        f"plain.{name} is not distinct from {table}.key_{i}" for i, name in enumerate(inputs)
    )
    value = f"nullif(coalesce(plain_{position}, {table}.answer), '')"
    return _Encoded(
        encode_sql(value, reading.encoding), f"left join {table} on plain_{position} is null and {matches}"
    )


def _decide(connection: duckdb.DuckDBPyConnection, rule: Rule, awkward: pa.Table, table: str) -> None:
    rows = zip(*(awkward.column(name).to_pylist() for name in rule.inputs), strict=True)
    answers = pa.array([rule.normalise(*row) or None for row in rows], pa.string())
    keys = [f"key_{i}" for i in range(awkward.num_columns)]
    answered = awkward.rename_columns(keys).append_column("answer", answers)
    connection.register("answered", answered)
    connection.execute(f"create or replace temp table {table} as select * from answered")
    connection.unregister("answered")


def in_portions(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Arrow batches put together to about ``ROWS_AT_ONCE`` rows; empty ones are passed over."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        if batch.num_rows:
            waiting.append(batch)
        if sum(one.num_rows for one in waiting) >= ROWS_AT_ONCE:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def member_key(identity: Identity) -> str:
    """SQL for a member's key: 128 bits of the digest of the handle as sent; a lone digest column is its own key."""
    known = " or ".join(f"{quote(column.name)} is not null" for column in identity.identifying)
    handle = identity.handle
    if len(handle) == 1 and handle[0].encoding == "sha256_hex":
        digest = quote(handle[0].name)
    else:
        parts = ", ".join(f"coalesce({quote(column.name)}, '')" for column in handle)
        digest = f"sha256(concat_ws({SEPARATOR}, {parts}))"
    return f"case when {known} then cast(left({digest}, 32) as uuid) end"
