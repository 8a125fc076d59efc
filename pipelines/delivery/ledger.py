"""The ledger of one destination account: whom the platform is known, or feared, to hold through us.

The rule that carries everything: the ledger never claims to know what it does not. A member points at the
last batch that touched it, and its state is derived from what the journal says of that batch (`states.py`):

- ``on``        an add that was applied;
- ``coming``    an accepted add whose verdict is still to come: not sent again meanwhile;
- ``expiring``  the same, so long ago that the platform may soon drop the member;
- ``rejected``  the platform named this row as not taken;
- ``leaving``   an accepted removal whose verdict is still to come;
- ``gone``      an applied removal; the row is dropped once no copy of an earlier request can be applied any more;
- ``maybe``     anything else, an unknown batch included: added again if desired, removed if not.

Holding the file open is the lease: the operating system frees it when the process dies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import duckdb
import pyarrow as pa

from connectors.identity import Identity
from pipelines.delivery.boundaries import reached, step
from pipelines.delivery.identity_table import IdentityTable
from pipelines.duck import open_duckdb, quote


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

    def meta(self, key: str) -> str | None:
        """What the ledger notes about itself under a key."""
        rows = self.connection.execute("select value from meta where key = $key", {"key": key}).fetchall()
        return str(rows[0][0]) if rows else None

    def set_meta(self, key: str, value: str) -> None:
        """Note something about the ledger; inside the caller's commit."""
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

    def forget(self, audience: int) -> None:
        """The audience is gone on the platform: nobody is held in it."""
        with self.commit("forget"):
            for table in ("members", "found"):
                self.connection.execute(
                    f"delete from {table} where audience = $audience", {"audience": audience}
                )

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

    def awaited(self, audience: int) -> int:
        """Members whose add was accepted, with the verdict still to come. Needs `read_states`."""
        rows = self.connection.execute(
            """
            select count(*)
            from members
            join batch_states
              on batch_states.batch = members.batch
            where members.audience = $audience
              and batch_states.state = 'coming'
            """,
            {"audience": audience},
        ).fetchall()
        return int(rows[0][0])

    def forget_batches(self, numbers: Sequence[int]) -> None:
        """Drop batches that nothing points at; the journal has forgotten them already."""
        with self.commit("forget_batches"):
            self.connection.execute(
                "delete from batches where list_contains($numbers, batch)", {"numbers": list(numbers)}
            )

    def set_apart(self, audience: int, batch: str, members: Sequence[str], apart: str) -> None:
        """Let some members of a batch point at another one, new here, which the journal knows already."""
        self.stage("members_apart", pa.table({"member": pa.array(members, pa.string())}))
        with self.commit("set_apart"):
            self.connection.execute(
                "insert into batches select coalesce(max(batch), 0) + 1, $apart from batches",
                {"apart": apart},
            )
            self.connection.execute(
                """
                update members
                set batch = (select batch from batches where id = $apart)
                where audience = $audience
                  and batch = (select batch from batches where id = $batch)
                  and member in (select cast(member as uuid) from members_apart)
                """,
                {"audience": audience, "batch": batch, "apart": apart},
            )

    def members_at(self, batch: str, reasons: Mapping[int, str]) -> dict[str, str]:
        """Reasons by member instead of by row position, of a batch that an earlier run sent."""
        if not reasons:
            return {}
        rows = self.connection.execute(
            """
            select positions.ordinal, cast(positions.member as varchar)
            from positions
            join batches
              on batches.batch = positions.batch
            where batches.id = $batch
            """,
            {"batch": batch},
        ).fetchall()
        return {member: reasons[ordinal] for ordinal, member in rows if ordinal in reasons}

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


def sql(name: str) -> str:
    """A statement of this package, by the name of its file."""
    return files("pipelines.delivery").joinpath(f"{name}.sql").read_text()
