"""Tombstones of erased people, and what they do to what is loaded: an old file brings nobody back.

A tombstone is the HMAC-SHA256 of a kind and a value under a key of this installation. DuckDB computes it from its
own ``sha256`` (RFC 2104 written out), so that millions of rows are looked up without leaving the engine.
"""

from __future__ import annotations

import hmac
import os
import secrets
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.duck import quote
from pipelines.sources.contracts import CUSTOMERS
from pipelines.sources.contracts_of_service import CUSTOMER_MERGES
from pipelines.sources.loading import SCHEMA
from pipelines.sources.model import Source

REGISTER = "erasures.sqlite"
KEY = "tombstone.key"
KEY_BYTES = 32
BLOCK = 64
"""Bytes of SHA-256's block, to which a key is padded."""
SEPARATOR = "\x1f"
PERSON = "customer_id"
LOG_OF_MERGES = set(CUSTOMER_MERGES.columns)
"""The columns by which a log of merges is known, declared or not any more."""

MACRO = """
create or replace temp macro tombstone(kind, value) as
  sha256(
    getvariable('tombstone_outer')::blob
    || unhex(sha256(getvariable('tombstone_inner')::blob || encode(kind || chr(31) || value)))
  )
"""


class KeyMissing(Exception):
    """The key of the tombstones is not there; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Tombstones:
    """Digests with their meaning, and the key they were made with."""

    key: bytes
    digests: tuple[tuple[str, str], ...] = ()
    """Digest and ``is`` or ``had``."""

    def __repr__(self) -> str:
        return f"Tombstones({len(self.digests)})"


def read_tombstones(state: Path) -> Tombstones | None:
    """The tombstones of a state folder, None while nobody was erased. Raises KeyMissing."""
    register = state / REGISTER
    if not register.exists():
        return None
    with closing(sqlite3.connect(register, timeout=30)) as db:
        try:
            rows = db.execute("select digest, meaning from tombstones order by digest").fetchall()
        except sqlite3.OperationalError:  # made a moment ago, still without its tables
            return None
    return Tombstones(key_of(state), tuple(rows)) if rows else None


def key_of(state: Path) -> bytes:
    """The key of a state folder, made when there is no register yet.

    Raises KeyMissing when there are tombstones and no key: another key would not recognise anybody.
    """
    path = state / KEY
    if not path.exists():
        if (state / REGISTER).exists():
            raise KeyMissing(
                f"{path} is missing, and without it the tombstones of erased people recognise nobody: restore it from "
                "a backup (docs/recovery.md)"
            )
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError), open(path, "xb", opener=lambda p, f: os.open(p, f, 0o600)) as file:
            file.write(secrets.token_hex(KEY_BYTES).encode())
            file.flush()
            os.fsync(file.fileno())
    key = bytes.fromhex(path.read_text())
    if len(key) != KEY_BYTES:
        raise KeyMissing(f"{path} is damaged: restore it from a backup (docs/recovery.md)")
    return key


def keyed(key: bytes, kind: str, value: str) -> str:
    """The digest of a tombstone."""
    return hmac.new(key, f"{kind}{SEPARATOR}{value}".encode(), "sha256").hexdigest()


def prepare(con: duckdb.DuckDBPyConnection, tombstones: Tombstones | None) -> None:
    """Make the temporary table ``tombstones`` and the macro of the same name; empty when nobody was erased.

    Needs the macros of ``matching.sql``.
    """
    key = (tombstones.key if tombstones else b"").ljust(BLOCK, b"\0")
    con.execute("set variable tombstone_inner = ?", [bytes(byte ^ 0x36 for byte in key)])
    con.execute("set variable tombstone_outer = ?", [bytes(byte ^ 0x5C for byte in key)])
    con.execute(MACRO)
    rows = tombstones.digests if tombstones else ()
    table = pa.table(
        {"digest": [row[0] for row in rows], "meaning": [row[1] for row in rows]},
        schema=pa.schema([("digest", pa.string()), ("meaning", pa.string())]),
    )
    con.register("tombstone_rows", table)
    con.execute("create or replace temp table tombstones as select * from tombstone_rows")
    con.unregister("tombstone_rows")


def purge_sources(con: duckdb.DuckDBPyConnection, sources: Sequence[Source]) -> dict[str, int]:
    """Delete the rows of erased people from every source table, also of sources that are not declared any more.

    Rows by table. Needs ``prepare`` and the macros of ``matching.sql``; runs inside the caller's transaction.
    """
    persons = {source.name: source.contract.person for source in sources}
    tables = _source_tables(con)
    _find_erased_ids(con, tables, persons)
    _follow_merges(con, tables)
    deleted: dict[str, int] = {}
    for table, columns in tables.items():
        person = persons.get(table, PERSON)
        conditions = [f"{quote(person)} in (select id from erased_ids)"] if person in columns else []
        if columns == LOG_OF_MERGES:
            # An id without a tombstone of its own is recognised by this row alone.
            conditions = [
                f"tombstone('id', {PERSON}) in (select digest from tombstones where meaning = 'is')"
            ]
        conditions += _identified(columns)
        if conditions:
            name = f"{SCHEMA}.{quote(table)}"
            found = con.execute(f"delete from {name} where {' or '.join(conditions)}").fetchall()
            deleted[f"warehouse {SCHEMA}.{table}"] = int(found[0][0])
    return deleted


def _source_tables(con: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    rows = con.execute(
        """
        select columns.table_name, columns.column_name
        from duckdb_columns() as columns
        join duckdb_tables() as tables
          on tables.table_oid = columns.table_oid
          and tables.database_name = current_database()
        where columns.schema_name = ?
          and columns.database_name = current_database()
          and columns.table_name <> 'loads'
        """,
        [SCHEMA],
    ).fetchall()
    tables: dict[str, set[str]] = {}
    for table, column in rows:
        tables.setdefault(table, set()).add(column)
    return tables


def _find_erased_ids(
    con: duckdb.DuckDBPyConnection, tables: dict[str, set[str]], persons: dict[str, str | None]
) -> None:
    """``erased_ids``: ids that a tombstone names, and those of whom a tombstoned address or number names."""
    con.execute("create or replace temp table erased_ids (id varchar)")
    for table, columns in tables.items():
        person = persons.get(table, PERSON)
        if person not in columns:
            continue
        conditions = [
            f"tombstone('id', {quote(person)}::varchar) in (select digest from named)",
            *_identified(columns),
        ]
        con.execute(
            f"""
            insert into erased_ids
            with named as (
              select digest
              from tombstones
              where meaning = 'is'
            )
            select distinct {quote(person)}::varchar
            from {SCHEMA}.{quote(table)}
            where {quote(person)} is not null
              and ({" or ".join(conditions)})
            """
        )


def _follow_merges(con: duckdb.DuckDBPyConnection, tables: dict[str, set[str]]) -> None:
    """Add to ``erased_ids`` every id that was merged into one of them: it is the same person."""
    logs = [
        f"select {PERSON} as id, merged_into as into_id from {SCHEMA}.{quote(table)}"
        for table, columns in tables.items()
        if columns == LOG_OF_MERGES
    ]
    if not logs:
        return
    con.execute(
        f"""
        insert into erased_ids
        with recursive
        told as (
          {" union all ".join(logs)}
        ),
        named as (
          select digest
          from tombstones
          where meaning = 'is'
        ),
        followed as (
          select id
          from told
          where tombstone('id', into_id) in (select digest from named)
            or into_id in (select id from erased_ids)
          union
          select told.id
          from told
          join followed
            on followed.id = told.into_id
        )
        select id
        from followed
        """
    )


def _identified(columns: set[str]) -> list[str]:
    """Conditions under which a row's other identifiers are an erased person's own."""
    own = "(select digest from tombstones where meaning = 'is')"
    values = {
        "email": "tombstone('email', match_email(email))",
        "phone": "tombstone('phone', match_phone(phone))",
        "email_sha256": "tombstone('email_sha256', match_digest(email_sha256))",
        "external_id": "tombstone('id', external_id)",
    }
    return [f"coalesce({value} in {own}, false)" for name, value in values.items() if name in columns]


def find_tombstoned(con: duckdb.DuckDBPyConnection) -> None:
    """``tombstoned_identifier``: addresses and numbers of arriving customers that an erased person had.

    Needs ``prepare``, the macros of ``matching.sql`` and the view of arriving customers.
    """
    con.execute("create or replace temp table tombstoned_identifier (kind varchar, value varchar)")
    if not con.execute("select 1 from tombstones limit 1").fetchall():
        return
    con.execute(
        f"""
        insert into tombstoned_identifier
        with written as (
          select 'email' as kind, match_email(email) as value
          from arriving_{CUSTOMERS.name}
          union
          select 'phone' as kind, match_phone(phone) as value
          from arriving_{CUSTOMERS.name}
          union
          select 'email_sha256' as kind, match_digest(email_sha256) as value
          from arriving_{CUSTOMERS.name}
        )
        select kind, value
        from written
        where value is not null
          and tombstone(kind, value) in (select digest from tombstones)
        """
    )
