"""The ledger of one destination account: whom the platform is known, or feared, to hold through us.

The rule that carries everything: the ledger never claims to know what it does not. A member points at the
last batch that touched it, and its state is derived from what the journal says of that batch:

- ``on``        an add that was applied or accepted;
- ``rejected``  the platform named this row as not taken;
- ``leaving``   an accepted removal whose verdict is still to come;
- ``gone``      an applied removal; the row is dropped at the next opportunity;
- ``maybe``     anything else, an unknown batch included: added again if desired, removed if not.

Holding the file open is the lease: the operating system frees it when the process dies.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import duckdb
import pyarrow as pa

from connectors.base import Op
from connectors.identity import Identity
from pipelines.delivery.identities import write_identities
from pipelines.delivery.journal import BatchState, Journal, Rejection
from pipelines.duck import open_duckdb, quote

RENEW_AT_SHARE = 0.8
"""Members are sent again when this share of their lifetime on the platform has passed."""


STATES: dict[tuple[Op, BatchState], str] = {
    ("add", "applied"): "on",
    ("add", "accepted"): "on",
    ("remove", "applied"): "gone",
    ("remove", "accepted"): "leaving",
}
"""What a batch says of the members that point at it; anything else is ``maybe``."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference in numbers that close by construction.

    ``desired`` = kept + adds + rejected + pending + the sum of withheld (people);
    ``held`` = kept + the adds that are sent again + pending + removes (members).
    """

    desired: int
    held: int
    """Members that are on the platform, or may be; known rejected ones are not."""
    kept: int
    adds: int
    removes: int
    must_go: int
    """The removes that no guard may hold back."""
    rejected: int
    """Desired people whose row the platform refused before; tried again after a while."""
    pending: int
    """Desired people whose earlier removal the platform has not finished."""
    withheld: Mapping[str, int]
    """Desired people who are not sent, by reason."""


class Ledger:
    """An open ledger; made by `Ledger.open`. Used by one thread."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, destination: str, identity: Identity) -> None:
        self.connection = connection
        self.destination = destination
        self.identity = identity

    @classmethod
    @contextmanager
    def open(
        cls, path: Path, destination: str, identity: Identity, *, wait_seconds: float, config: dict[str, str]
    ) -> Iterator[Ledger]:
        """Take the account's lease and open its file, creating it when missing.

        Raises StoreBusy naming the process that delivers to this account, StoreDamaged with the way on.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        connection = open_duckdb(path, wait_seconds=wait_seconds, config=config)
        try:
            path.chmod(0o600)
            connection.execute(_sql("ledger"))
            ledger = cls(connection, destination, identity)
            ledger._add_handle_columns()
            yield ledger
        finally:
            connection.close()

    def _add_handle_columns(self) -> None:
        for column in self.identity.handle:
            self.connection.execute(
                f"alter table members add column if not exists {quote(column.name)} varchar"
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside becomes visible and durable together, or not at all."""
        self.connection.execute("begin")
        try:
            yield
        except BaseException:
            self.connection.execute("rollback")
            raise
        self.connection.execute("commit")

    # --- identities: person to member, kept up to date for those who changed ------------------------------

    def known_revision(self, warehouse: str, purposes: Sequence[str]) -> int:
        """The people revision up to which identities are known; 0 when all must be made anew.

        They must be when a normalisation rule, the consent needed, or the warehouse itself is another one.
        """
        if self._meta("identity_source") != self._source(warehouse, purposes):
            return 0
        return int(self._meta("revision") or 0)

    def refresh(
        self, people: pa.RecordBatchReader, since: int, warehouse: str, purposes: Sequence[str]
    ) -> int:
        """Bring identities up to date with everybody changed after ``since``; returns how many that were.

        ``people`` is what the engine's `PeopleChanged` yields. One transaction.
        """
        changed = 0
        revision = since
        with self.transaction():
            if since == 0:
                self.connection.execute("delete from identities")
            for batch in people:
                if not batch.num_rows:
                    continue
                changed += batch.num_rows
                revision = max(revision, *batch.column("revision").to_pylist())
                self._refresh_batch(pa.Table.from_batches([batch]), purposes, replace=since > 0)
            if self._meta("identity_source") is not None and self._meta("warehouse") != warehouse:
                self._relink()
            self._set_meta("identity_source", self._source(warehouse, purposes))
            self._set_meta("warehouse", warehouse)
            self._set_meta("revision", str(revision))
        return changed

    def _refresh_batch(self, people: pa.Table, purposes: Sequence[str], *, replace: bool) -> None:
        self.stage("people_rows", people)
        write_identities(self.connection, self.identity, "people_rows", "identity_rows")
        if replace:
            self.connection.execute(
                "delete from identities where person_no in (select person_no from people_rows)"
            )
        self.connection.execute(
            """
            insert into identities
            select
              people_rows.person_no,
              identity_rows.member,
              case
                when suppressed is not null then suppressed
                when not list_has_all(coalesce(granted, []), $purposes) then 'no_consent'
              end
            from people_rows
            join identity_rows
              on identity_rows.person_no = people_rows.person_no
            """,
            {"purposes": list(purposes)},
        )

    def _relink(self) -> None:
        """A new warehouse numbers people anew: find the held ones again by what was sent."""
        self.connection.execute("update members set person_no = null")
        self.connection.execute(
            """
            update members
            set person_no = linked.person_no
            from (
              select member, min(person_no) as person_no
              from identities
              where member is not null
              group by member
            ) as linked
            where linked.member = members.member
            """
        )

    def _source(self, warehouse: str, purposes: Sequence[str]) -> str:
        return f"{self.identity.fingerprint}|{','.join(sorted(purposes))}|{warehouse}"

    def _meta(self, key: str) -> str | None:
        rows = self.connection.execute("select value from meta where key = $key", {"key": key}).fetchall()
        return str(rows[0][0]) if rows else None

    def _set_meta(self, key: str, value: str) -> None:
        self.connection.execute("delete from meta where key = $key", {"key": key})
        self.connection.execute("insert into meta values ($key, $value)", {"key": key, "value": value})

    # --- audiences and states ------------------------------------------------------------------------------

    def audience(self, segment: str) -> int:
        """The ledger's own number of a segment's audience, made when new."""
        rows = self.connection.execute(
            "select audience from audiences where segment = $segment", {"segment": segment}
        ).fetchall()
        if rows:
            return int(rows[0][0])
        self.connection.execute(
            "insert into audiences select coalesce(max(audience), 0) + 1, $segment from audiences",
            {"segment": segment},
        )
        return self.audience(segment)

    def rename(self, old: str, new: str) -> None:
        """A segment has a new name: the same audience, the same members."""
        self.connection.execute(
            "update audiences set segment = $new where segment = $old", {"old": old, "new": new}
        )

    def knows(self, segment: str) -> bool:
        """Whether the segment has an audience here."""
        return bool(
            self.connection.execute("select 1 from audiences where segment = $s", {"s": segment}).fetchall()
        )

    def read_states(
        self,
        journal: Journal,
        audience: int,
        segment: str,
        *,
        expires_after: timedelta | None,
        retry_after: timedelta,
    ) -> None:
        """Derive the batches' states from the journal into ``batch_states`` and ``rejected`` (temporary)."""
        now = datetime.now(UTC)
        stale_rejection = now - retry_after
        renew = now - expires_after * RENEW_AT_SHARE if expires_after else None
        states = []
        for batch in journal.batches(self.destination):
            state = STATES.get((batch.op, batch.state), "maybe")
            if (
                state == "on"
                and renew is not None
                and batch.settled_at is not None
                and batch.settled_at < renew
            ):
                state = "maybe"
            states.append((batch.id, state))
        journalled = {"id": [s[0] for s in states], "state": [s[1] for s in states]}
        self.stage("journalled", pa.table(journalled, schema=_JOURNALLED))
        self.connection.execute(
            """
            create or replace temp table batch_states as
            select batches.batch, journalled.state
            from batches
            join journalled
              on journalled.id = batches.id
            """
        )
        known = journal.rejections(self.destination, segment)
        self._stage_rejections(known)
        journal.forget_rejections(self.destination, segment, self._pointless(audience, known))
        self._stage_rejections([r for r in known if r.at >= stale_rejection])
        self._drop_gone(audience)

    def _stage_rejections(self, rejections: Sequence[Rejection]) -> None:
        named = {"id": [r.batch for r in rejections], "member": [r.member for r in rejections]}
        self.stage("named", pa.table(named, schema=_NAMED))
        self.connection.execute(
            """
            create or replace temp table rejected as
            select distinct
              batches.batch,
              cast(named.member as uuid) as member
            from named
            join batches
              on batches.id = named.id
            """
        )

    def _pointless(self, audience: int, rejections: Sequence[Rejection]) -> list[Rejection]:
        """Rejections of members that left, or that a later batch touched."""
        if not rejections:
            return []
        standing = self.connection.execute(
            """
            select batches.id, cast(members.member as varchar)
            from members
            join rejected
              on rejected.batch = members.batch
              and rejected.member = members.member
            join batches
              on batches.batch = members.batch
            where members.audience = $audience
            """,
            {"audience": audience},
        ).fetchall()
        return [r for r in rejections if (r.batch, r.member) not in set(standing)]

    def _drop_gone(self, audience: int) -> None:
        """Rows whose removal was receipted; their rejections have nothing to point at any more."""
        self.connection.execute(
            """
            delete from members
            where audience = $audience
              and batch in (select batch from batch_states where state = 'gone')
            """,
            {"audience": audience},
        )

    def forget(self, audience: int) -> None:
        """The audience is gone on the platform: nobody is held in it."""
        self.connection.execute("delete from members where audience = $audience", {"audience": audience})

    def held(self, audience: int) -> int:
        """Members of an audience that are on the platform, or may be."""
        rows = self.connection.execute(
            """
            select count(*)
            from members
            left join batch_states
              on batch_states.batch = members.batch
            left join rejected
              on rejected.batch = members.batch
              and rejected.member = members.member
            where audience = $audience
              and batch_states.state is distinct from 'gone'
              and rejected.member is null
            """,
            {"audience": audience},
        ).fetchall()
        return int(rows[0][0])

    # --- the difference --------------------------------------------------------------------------------------

    def difference(self, audience: int, wanted: pa.RecordBatchReader | pa.Table) -> Difference:
        """Compare the segment's people with the held members; the delta stays in the temporary table ``delta``.

        ``wanted`` holds ``person_no``. Needs `read_states` and fresh identities.
        """
        self.stage("wanted", wanted)
        self.connection.execute(_sql("must_go"), {"audience": audience})
        self.connection.execute(_sql("difference"), {"audience": audience})
        return self._count(audience)

    def only_must_go(self, audience: int) -> Difference:
        """The difference of an audience whose segment can't be trusted: opt-outs leave, nobody else moves."""
        self.connection.execute(_sql("must_go"), {"audience": audience})
        self.connection.execute(
            """
            create or replace temp table delta as
            select
              'remove' as change,
              cast(null as varchar) as withheld,
              false as is_desired,
              member,
              person_no,
              1 as people
            from must_go
            """
        )
        return self._count(audience)

    def _count(self, audience: int) -> Difference:
        rows = self.connection.execute(
            """
            select
              change,
              withheld,
              is_desired,
              cast(sum(people) as bigint) as people,
              count(member) as members
            from delta
            group by all
            """
        ).fetchall()
        people: Counter[str] = Counter()
        members: Counter[str] = Counter()
        withheld: Counter[str] = Counter()
        for change, reason, is_desired, persons, distinct in rows:
            people[change] += persons if is_desired else 0
            members[change] += distinct
            if change == "withheld":
                withheld[reason] += persons
        held = self.held(audience)
        kept = held - members["again"] - members["pending"] - members["remove"] if people.total() else 0
        sent_or_named = members["add"] + members["again"] + members["rejected"]
        twins = people.total() - withheld.total() - people["pending"] - kept - sent_or_named
        if twins:
            withheld["same_identity"] = twins
        return Difference(
            desired=people.total(),
            held=held,
            kept=kept,
            adds=members["add"] + members["again"],
            removes=members["remove"],
            must_go=self._urgent(),
            rejected=members["rejected"],
            pending=people["pending"],
            withheld=dict(withheld),
        )

    def _urgent(self) -> int:
        rows = self.connection.execute(
            """
            select count(*)
            from delta
            where change = 'remove'
              and member in (select member from must_go)
            """
        ).fetchall()
        return int(rows[0][0])

    def stage(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Put Arrow rows into a temporary table of the ledger's process."""
        self.connection.register("staged", rows)
        self.connection.execute(f"create or replace temp table {table} as select * from staged")
        self.connection.unregister("staged")


_JOURNALLED = pa.schema([("id", pa.string()), ("state", pa.string())])
_NAMED = pa.schema([("id", pa.string()), ("member", pa.string())])


def _sql(name: str) -> str:
    return files("pipelines.delivery").joinpath(f"{name}.sql").read_text()
