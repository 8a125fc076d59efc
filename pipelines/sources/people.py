"""People, their consents and their suppressions: what delivery reads at push time.

A person keeps one number for ever. A row's ``revision`` grows only when something changed that a delivery would
see, so that everything downstream works on the changed people alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.sources import merging, provenance, views
from pipelines.sources.contracts import CONSENTS, CUSTOMERS, SUPPRESSIONS
from pipelines.sources.contracts_of_service import CUSTOMER_MERGES
from pipelines.sources.model import Source
from pipelines.sources.pulled import COLUMNS as PULLED
from pipelines.sources.tombstones import Tombstones, find_tombstoned, prepare, purge_sources
from pipelines.warehouse import identity

ARRIVING = (CUSTOMER_MERGES, CUSTOMERS, CONSENTS, SUPPRESSIONS)
"""The log of merges first: it decides under which ids the others arrive."""
TEMPORARY = (
    "pulled_rows",
    "consent_rows",
    "consents_in_force",
    "suppression_rows",
    "known_identifier",
    "suppressed_identifier",
    "suppression_match",
    "suppressed_people",
    "next_people",
    "changed_people",
    "next_revision",
    "tombstoned_identifier",
    "tombstones",
    "erased_ids",
)


@dataclass(frozen=True, slots=True)
class PeopleReport:
    """What one rebuild of people did."""

    people: int
    """Rows, those gone and erased included."""
    changed: int
    """Rows that are new or that delivery must look at again."""
    reachable: int
    """People who are neither suppressed nor gone and have granted at least one purpose."""
    suppressed: int
    unmatched_suppressions: int
    """Suppressions that name nobody we know."""


def build_people(
    con: duckdb.DuckDBPyConnection,
    sources: Sequence[Source],
    today: date,
    tombstones: Tombstones | None = None,
    pulled: pa.Table | None = None,
) -> PeopleReport:
    """Bring people, consents and suppressions up to what is in force of the sources, in one transaction.

    Also remakes the views of all contracts and the record of provenance. Rows dated after ``today`` grant
    nothing. Rows of people with a tombstone are deleted from the sources' tables first. ``pulled``, as
    `pipelines.sources.pulled` keeps it, is one with the sources' suppressions.
    """
    con.execute("set variable day_after = ?", [datetime.combine(today + timedelta(days=1), time())])
    define_matching(con)
    prepare(con, tombstones)
    _stage_pulled(con, pulled)
    con.execute("begin")
    try:
        if tombstones is not None:
            purge_sources(con, sources)
        con.execute(_statement("people_tables"))
        con.execute(merging.EXISTS)
        identity.mark(con)  # numbers of people hold within this warehouse only
        for contract in ARRIVING:
            rows = views.delivered(con, sources, contract)
            con.execute(f"create or replace temp view arriving_{contract.name} as\n{rows}")
            if contract is CUSTOMER_MERGES:
                merging.read_log(con)
        rows = merging.under_survivors(views.as_delivered(con, sources, CUSTOMERS))
        con.execute(f"create or replace temp view customers_by_any_id as\n{rows}")
        find_tombstoned(con)
        con.execute(_statement("people"))
        views.create_views(con, sources)
        provenance.record(con, sources)
        report = _report(con)
        for table in TEMPORARY:
            con.execute(f"drop table if exists temp.{table}")
        for contract in ARRIVING:
            con.execute(f"drop view temp.arriving_{contract.name}")
        con.execute("drop view temp.customers_by_any_id")
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
    return report


def define_matching(con: duckdb.DuckDBPyConnection) -> None:
    """The macros ``match_email`` and ``match_phone``: what two spellings of one identifier have in common."""
    con.execute(_statement("matching"))


def _stage_pulled(con: duckdb.DuckDBPyConnection, pulled: pa.Table | None) -> None:
    con.register("pulled_table", PULLED.empty_table() if pulled is None else pulled)
    con.execute("create or replace temp table pulled_rows as select * from pulled_table")
    con.unregister("pulled_table")


def _report(con: duckdb.DuckDBPyConnection) -> PeopleReport:
    query = """
select
  (select count(*) from people),
  (select count(*) from changed_people),
  (select count(*) from people where suppressed is null and len(granted) > 0),
  (select count(*) from people where suppressed is not null),
  (select count(*) from suppressions where person_no is null)
"""
    return PeopleReport(*con.execute(query).fetchall()[0])


@cache
def _statement(name: str) -> str:
    return (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
