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

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import duckdb
import pyarrow as pa

from connectors.base import Op
from connectors.identity import Identity
from pipelines.delivery.boundaries import reached, step
from pipelines.delivery.entries import BatchState, Rejection
from pipelines.delivery.identity_table import IdentityTable
from pipelines.delivery.journal import Journal
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


class Ledger:
    """An open ledger; made by `Ledger.open`. Used by one thread."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, destination: str, identity: Identity) -> None:
        self.connection = connection
        self.destination = destination
        self.identity = identity
        self.identities = IdentityTable(self)

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
            connection.execute(sql("ledger"))
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
    def commit(self, name: str) -> Iterator[None]:
        """Everything inside becomes visible and durable together, or not at all."""
        with step("ledger", name):
            self.connection.execute("begin")
            try:
                yield
                reached(f"ledger.{name}.open")
            except BaseException:
                self.connection.execute("rollback")
                raise
            self.connection.execute("commit")

    # --- audiences and states ------------------------------------------------------------------------------

    def audience(self, segment: str) -> int:
        """The ledger's own number of a segment's audience, made when new."""
        rows = self.connection.execute(
            "select audience from audiences where segment = $segment", {"segment": segment}
        ).fetchall()
        if rows:
            return int(rows[0][0])
        with self.commit("audience"):
            self.connection.execute(
                "insert into audiences select coalesce(max(audience), 0) + 1, $segment from audiences",
                {"segment": segment},
            )
        return self.audience(segment)

    def rename(self, old: str, new: str) -> None:
        """A segment has a new name: the same audience, the same members."""
        with self.commit("rename"):
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
        for batch in journal.batches(self.destination, segment):
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
        with self.commit("drop_gone"):
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
        with self.commit("forget"):
            self.connection.execute("delete from members where audience = $audience", {"audience": audience})

    def held(self, audience: int) -> int:
        """Members of an audience that are on the platform, or may be."""
        rows = self.connection.execute(
            """
            select count(*)
            from members
            anti join (select batch from batch_states where state = 'gone') as gone
              on gone.batch = members.batch
            anti join rejected
              on rejected.batch = members.batch
              and rejected.member = members.member
            where members.audience = $audience
            """,
            {"audience": audience},
        ).fetchall()
        return int(rows[0][0])

    @contextmanager
    def lent(self, name: str, rows: pa.Table) -> Iterator[None]:
        """Let statements inside the block read Arrow rows in place, under a name."""
        self.connection.register(name, rows)
        try:
            yield
        finally:
            self.connection.unregister(name)

    def stage(self, table: str, rows: pa.Table | pa.RecordBatchReader) -> None:
        """Put Arrow rows into a temporary table of the ledger's process."""
        self.connection.register("staged", rows)
        self.connection.execute(f"create or replace temp table {table} as select * from staged")
        self.connection.unregister("staged")


_JOURNALLED = pa.schema([("id", pa.string()), ("state", pa.string())])
_NAMED = pa.schema([("id", pa.string()), ("member", pa.string())])


def sql(name: str) -> str:
    """A statement of this package, by the name of its file."""
    return files("pipelines.delivery").joinpath(f"{name}.sql").read_text()
