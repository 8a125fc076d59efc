"""The journal: every batch and what became of it, durable before the next step and readable at any time.

SQLite in WAL mode with synchronous FULL: a commit that returned survives power loss, and status can be read
while a push runs. The ledger's rows point here: a batch that the journal does not know, or knows as anything
but applied or accepted, means that its members may or may not be on the platform.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Literal

from connectors.base import Audience, Batch, Receipt
from pipelines.delivery.entries import BatchState, Decision, JournalledBatch, LastPush, Moving, Rejection

SCHEMA_VERSION = 1


class JournalError(Exception):
    """The journal cannot be used; the sentence says what to do."""


class Journal:
    """One process's connection to the journal file. Not shared between threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Journal]:
        """Open the journal, creating it when missing.

        Raises JournalError when the file is damaged, or written by a newer Turnout.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            connection = sqlite3.connect(path, timeout=30, isolation_level=None)
        except sqlite3.OperationalError as error:
            raise JournalError(
                f"{path}: cannot open the journal ({error}); is the folder writable?"
            ) from error
        try:
            _prepare(connection, path)
            path.chmod(0o600)
            yield cls(connection)
        finally:
            connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    # --- audiences -------------------------------------------------------------------------------------

    def audience(self, destination: str, segment: str) -> Audience | None:
        """The platform's audience of a segment, if one was opened."""
        row = self._db.execute(
            "select external_id, name, url from audiences where destination = ? and segment = ?",
            (destination, segment),
        ).fetchone()
        return Audience(id=row[0], name=row[1], url=row[2]) if row else None

    def audiences(self, destination: str) -> list[str]:
        """Segments with an audience at a destination, by name."""
        rows = self._db.execute(
            "select segment from audiences where destination = ? order by segment", (destination,)
        )
        return [row[0] for row in rows]

    def opened_audiences(self, destination: str) -> dict[str, str]:
        """Segments with an audience at a destination, and the audience's name on the platform."""
        rows = self._db.execute("select segment, name from audiences where destination = ?", (destination,))
        return {row[0]: row[1] for row in rows}

    def opened(self, destination: str, segment: str, audience: Audience) -> None:
        """Remember the platform's id; nothing is written when it is known already."""
        if self.audience(destination, segment) == Audience(audience.id, audience.name, audience.url):
            return
        self._db.execute(
            "insert or replace into audiences values (?, ?, ?, ?, ?, ?)",
            (destination, segment, audience.id, audience.name, audience.url, _now()),
        )

    def forget_audience(self, destination: str, segment: str) -> None:
        """The audience is gone on the platform: nobody is held in it, the next run creates it anew."""
        with self._transaction():
            for table in ("audiences", "rejections"):
                self._db.execute(
                    f"delete from {table} where destination = ? and segment = ?", (destination, segment)
                )
            self._set_states(destination, segment, "void")

    def rename(self, destination: str, old: str, new: str) -> None:
        """A segment has a new name; its audience, batches and history go with it."""
        with self._transaction():
            for table in ("audiences", "batches", "rejections", "pushes", "decisions", "erasures"):
                self._db.execute(
                    f"update {table} set segment = ? where destination = ? and segment = ?",
                    (new, destination, old),
                )

    # --- batches ---------------------------------------------------------------------------------------

    def plan(
        self, destination: str, segment: str, run_id: str, as_of: date | None, batches: Sequence[Batch]
    ) -> None:
        """Write batches down as planned, in one commit, before any member points at them."""
        day = as_of.isoformat() if as_of else None
        with self._transaction():
            self._db.executemany(
                """
                insert into batches
                  (id, destination, segment, run_id, op, number, total, size, as_of, state, planned_at)
                values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'planned', ?)
                """,
                [
                    (b.id, destination, segment, run_id, b.op, b.number, b.of, b.size, day, _now())
                    for b in batches
                ],
            )

    def sent(self, batch: Batch) -> None:
        """The request is about to leave; commits before it does."""
        self._db.execute("update batches set state = 'sent', sent_at = ? where id = ?", (_now(), batch.id))

    def settle(
        self, destination: str, segment: str, batch_id: str, receipt: Receipt, rejected: Mapping[str, str]
    ) -> None:
        """Write a receipt and the members it rejected (member digest to reason), in one commit."""
        with self._transaction():
            self._db.execute(
                """
                update batches
                set state = ?, settled_at = ?, reference = ?, rejected_unlocated = ?, error = null
                where id = ?
                """,
                (receipt.status, _now(), receipt.reference, receipt.rejected_unlocated, batch_id),
            )
            self._reject(destination, segment, batch_id, rejected)

    def refuse_rows(
        self, destination: str, segment: str, batch_id: str, error: str, rejected: Mapping[str, str]
    ) -> None:
        """The batch was refused because of these members; the others go out again in other batches."""
        with self._transaction():
            self.fail(batch_id, "refused", error)
            self._reject(destination, segment, batch_id, rejected)

    def _reject(self, destination: str, segment: str, batch_id: str, rejected: Mapping[str, str]) -> None:
        self._db.executemany(
            "insert into rejections values (?, ?, ?, ?, ?)",
            [(destination, segment, batch_id, member, reason) for member, reason in rejected.items()],
        )

    def fail(self, batch_id: str, state: Literal["refused", "unknown"], error: str) -> None:
        """No receipt: ``refused`` is certainly not applied, ``unknown`` may be."""
        self._db.execute(
            "update batches set state = ?, settled_at = ?, error = ? where id = ?",
            (state, _now(), error, batch_id),
        )

    def doubt(self, destination: str, segment: str) -> None:
        """Full resync: from now on nobody is known to be there, and rejected people are tried again."""
        with self._transaction():
            self._set_states(destination, segment, "doubted")
            self._db.execute(
                "delete from rejections where destination = ? and segment = ?", (destination, segment)
            )

    def _set_states(self, destination: str, segment: str, state: BatchState) -> None:
        self._db.execute(
            "update batches set state = ? where destination = ? and segment = ?",
            (state, destination, segment),
        )

    def batches(self, destination: str, segment: str) -> list[JournalledBatch]:
        """Every batch of an audience, oldest first."""
        condition = "destination = ? and segment = ? and state <> 'void'"
        return self._select_batches(condition, destination, segment)

    def batches_of_run(self, run_id: str, destination: str, segment: str) -> list[JournalledBatch]:
        """The batches that one run sent, or was to send, for an audience, oldest first."""
        return self._select_batches(
            "run_id = ? and destination = ? and segment = ?", run_id, destination, segment
        )

    def _select_batches(self, condition: str, *values: str) -> list[JournalledBatch]:
        rows = self._db.execute(
            f"""
            select id, segment, op, state, size, reference, settled_at
            from batches
            where {condition}
            order by id
            """,
            values,
        )
        return [
            JournalledBatch(
                id_, segment, op, state, size, reference, datetime.fromisoformat(at) if at else None
            )
            for id_, segment, op, state, size, reference, at in rows
        ]

    def waiting(self, destination: str, segment: str) -> list[JournalledBatch]:
        """Accepted batches whose verdict is still to come, oldest first."""
        return [b for b in self.batches(destination, segment) if b.state == "accepted" and b.reference]

    def rejections(self, destination: str, segment: str) -> list[Rejection]:
        """Every rejected member of an audience."""
        rows = self._db.execute(
            """
            select rejections.batch, rejections.member, rejections.reason, batches.settled_at
            from rejections
            join batches
              on batches.id = rejections.batch
            where rejections.destination = ?
              and rejections.segment = ?
              and batches.settled_at is not null
            """,
            (destination, segment),
        )
        return [Rejection(row[0], row[1], row[2], datetime.fromisoformat(row[3])) for row in rows]

    def forget_rejections(self, destination: str, segment: str, gone: Sequence[Rejection]) -> None:
        """Members that no longer point at the rejecting batch take their digests out of the journal too."""
        with self._transaction():
            self._db.executemany(
                "delete from rejections where destination = ? and segment = ? and batch = ? and member = ?",
                [(destination, segment, r.batch, r.member) for r in gone],
            )

    # --- runs and people's decisions -------------------------------------------------------------------

    def started(self, run_id: str, destination: str, segment: str, as_of: date | None) -> int:
        """A push of one audience begins; returns its number."""
        cursor = self._db.execute(
            "insert into pushes (run_id, destination, segment, as_of, started_at) values (?, ?, ?, ?, ?)",
            (run_id, destination, segment, as_of.isoformat() if as_of else None, _now()),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def ended(self, push: int, report: str) -> None:
        """A push of one audience is over; ``report`` is its delivery as JSON."""
        self._db.execute("update pushes set ended_at = ?, report = ? where id = ?", (_now(), report, push))

    def decided(self, run_id: str, destination: str, segment: str, decision: str, who: str, why: str) -> None:
        """An operator overrode a guard."""
        self._db.execute(
            "insert into decisions values (?, ?, ?, ?, ?, ?, ?)",
            (_now(), destination, segment, run_id, decision, who, why),
        )

    def erased(self, run_id: str, destination: str, segment: str, people: int) -> None:
        """People whose removal could not wait were taken out, receipted; only their number is kept."""
        self._db.execute(
            "insert into erasures values (?, ?, ?, ?, ?)", (_now(), destination, segment, run_id, people)
        )

    def decisions(self) -> list[Decision]:
        """Every override, newest first."""
        rows = self._db.execute(
            "select at, destination, segment, decision, who, why from decisions order by at desc, rowid desc"
        )
        return [Decision(datetime.fromisoformat(row[0]), *row[1:]) for row in rows]

    def last_pushes(self) -> list[LastPush]:
        """The newest finished push of every audience, by destination and segment."""
        rows = self._db.execute(
            """
            with newest as (
              select max(id) as id
              from pushes
              where ended_at is not null
              group by destination, segment
            )
            select destination, segment, run_id, ended_at, report
            from pushes
            where id in (select id from newest)
            order by destination, segment
            """
        )
        return [LastPush(row[0], row[1], row[2], datetime.fromisoformat(row[3]), row[4]) for row in rows]

    def under_way(self) -> list[Moving]:
        """Audiences whose newest push has no end, with how many of its batches have an answer."""
        rows = self._db.execute(
            """
            with newest as (
              select max(id) as id
              from pushes
              group by destination, segment
            )
            select
              pushes.destination, pushes.segment, pushes.run_id, pushes.started_at,
              count(batches.id), count(batches.settled_at)
            from pushes
            left join batches
              on batches.run_id = pushes.run_id
              and batches.destination = pushes.destination
              and batches.segment = pushes.segment
            where pushes.id in (select id from newest)
              and pushes.ended_at is null
            group by pushes.id
            order by pushes.destination, pushes.segment
            """
        )
        return [Moving(r[0], r[1], r[2], datetime.fromisoformat(r[3]), r[4], r[5]) for r in rows]


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    try:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        version = connection.execute("pragma user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise JournalError(
                f"{path}: written by a newer Turnout (schema {version}, not {SCHEMA_VERSION}); upgrade Turnout"
            )
        if version < SCHEMA_VERSION:
            connection.executescript(files("pipelines.delivery").joinpath("schema.sql").read_text())
            connection.execute(f"pragma user_version = {SCHEMA_VERSION}")
    except sqlite3.DatabaseError as error:
        raise JournalError(
            f"{path}: the journal cannot be read ({error}); restore it from a backup and run with --resync, "
            "see docs/recovery.md"
        ) from error


def _now() -> str:
    return datetime.now(UTC).isoformat()
