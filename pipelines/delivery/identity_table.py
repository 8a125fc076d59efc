"""Which member each person is at this destination, kept up to date for those who changed and nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from connectors.identity import Identity
from pipelines.delivery.fresh import FreshIdentities
from pipelines.delivery.identities import in_portions, write_identities
from pipelines.duck import literal
from pipelines.engine import Engine, PeopleChanged


class Store(Protocol):
    """What the table needs of the ledger that it lives in."""

    connection: duckdb.DuckDBPyConnection
    identity: Identity

    def commit(self, name: str) -> AbstractContextManager[None]:
        """All or nothing."""
        ...

    def lent(self, name: str, rows: pa.Table) -> AbstractContextManager[None]:
        """Arrow rows read in place under a name."""
        ...

    def meta(self, key: str) -> str | None:
        """What is noted under a key."""
        ...

    def set_meta(self, key: str, value: str) -> None:
        """Note it; inside the caller's commit."""
        ...


LAYOUT = "moved@1"
"""How identities are recorded; a ledger written by an older layout has its identities made anew."""


class IdentityTable:
    """``identities``: person to member, with the reason why a person may not be sent.

    Made anew when a normalisation rule, the consent needed, or the warehouse is another one.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.connection = store.connection
        self.fresh = FreshIdentities(store.connection, store.identity)

    def known_revision(self, warehouse: str, purposes: Sequence[str]) -> int:
        """The people revision up to which identities are known; 0 when all must be made anew.

        They must be when a normalisation rule, the consent needed, or the warehouse itself is another one.
        """
        if self.store.meta("identity_source") != self._source(warehouse, purposes):
            return 0
        return int(self.store.meta("revision") or 0)

    def follow(self, engine: Engine, purposes: Sequence[str]) -> None:
        """Bring identities up to date with the warehouse."""
        info = engine.check()
        since = self.known_revision(info.identity, purposes)
        changed = engine.export(PeopleChanged(since, self.store.identity.inputs))
        self.refresh(changed, since, info.identity, purposes)

    def refresh(
        self, people: pa.RecordBatchReader, since: int, warehouse: str, purposes: Sequence[str]
    ) -> int:
        """Bring identities up to date with everybody changed after ``since``; returns how many that were.

        ``people`` is what the engine's `PeopleChanged` yields. One transaction.
        """
        changed = 0
        revision = since
        self.connection.execute("create or replace temp table refreshed (person_no integer)")
        with self.store.commit("refresh"):
            if since == 0:
                self.connection.execute("delete from identities")
                self.fresh.clear()
            for portion in in_portions(people):
                changed += portion.num_rows
                revision = max(revision, pc.max(portion.column("revision")).as_py())
                self._refresh(portion, purposes, replace=since > 0)
            if self.store.meta("identity_source") is not None and self.store.meta("warehouse") != warehouse:
                self._relink()
            if since == 0:
                self.find_moved("members")
            elif changed:
                self.find_moved("refreshed")
            self.store.set_meta("identity_source", self._source(warehouse, purposes))
            self.store.set_meta("warehouse", warehouse)
            self.store.set_meta("revision", str(revision))
        return changed

    def _refresh(self, people: pa.Table, purposes: Sequence[str], *, replace: bool) -> None:
        with self.store.lent("people_rows", people):
            needed = ", ".join(literal(purpose) for purpose in purposes)
            judged = f"""(
              select
                *,
                case
                  when suppressed is not null then suppressed
                  when not list_has_all(coalesce(granted, []), [{needed}]::varchar[]) then 'no_consent'
                end as refused
              from people_rows
            )"""
            write_identities(self.connection, self.store.identity, judged, "identity_rows", carried="refused")
        if replace:
            self.connection.execute("insert into refreshed select person_no from identity_rows")
            self.connection.execute(
                "delete from identities where person_no in (select person_no from identity_rows)"
            )
        self.connection.execute("insert into identities select person_no, member, refused from identity_rows")
        self.fresh.keep("identity_rows")

    def find_moved(self, suspects: str) -> None:
        """Bring ``moved`` up to date for the people in the table ``suspects`` and those already in it.

        Between two calls members are recorded only under what ``identities`` says at that moment, and are
        dropped: neither makes anybody moved who was not.
        """
        self.connection.execute(
            f"""
            create or replace temp table moved_now as
            select distinct members.person_no
            from members
            left join identities
              on identities.person_no = members.person_no
            where members.person_no in (
                select person_no
                from {suspects}
                union
                select person_no
                from moved
              )
              and (identities.member is distinct from members.member or identities.refused is not null)
            """
        )
        self.connection.execute("delete from moved")
        self.connection.execute("insert into moved select person_no from moved_now")

    def _relink(self) -> None:
        """A new warehouse numbers people anew: find the held ones, and those of the history, by what was sent."""
        for table in ("members", "history"):
            self.connection.execute(f"update {table} set person_no = null")
            self.connection.execute(
                f"""
                update {table}
                set person_no = linked.person_no
                from (
                  select member, min(person_no) as person_no
                  from identities
                  where member is not null
                  group by member
                ) as linked
                where linked.member = {table}.member
                """
            )

    def _source(self, warehouse: str, purposes: Sequence[str]) -> str:
        return f"{LAYOUT}|{self.store.identity.fingerprint}|{','.join(sorted(purposes))}|{warehouse}"
