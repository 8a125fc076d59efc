"""The journal: every batch and what became of it, durable before the next step and readable at any time.

SQLite in WAL mode with synchronous FULL: a commit that returned survives power loss, and status can be read
while a push runs. The ledger's rows point here: a batch that the journal does not know, or knows as anything
but applied or accepted, means that its members may or may not be on the platform.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from itertools import chain, count
from pathlib import Path
from typing import Literal

from connectors.base import Audience, Batch, Receipt
from pipelines.delivery.applied import Applied
from pipelines.delivery.entries import BatchState, JournalledBatch, Rejected, Rejection
from pipelines.delivery.holds import Holds
from pipelines.delivery.journal_file import Clock, JournalFile, moment, open_journal_file, utc_now
from pipelines.delivery.logbook import Logbook

OF_AUDIENCES = (
    "audiences", "batches", "rejections", "pushes", "decisions", "erasures", "holds", "applied_plans",
    "reconciliations", "member_drift",
)  # fmt: skip
"""Tables whose rows are about one audience, named by destination and segment."""


class Journal:
    """One process's connection to the journal file. Not shared between threads."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file
        self._db = file.connection
        self.logbook = Logbook(file)
        self.holds = Holds(file)
        self.applied = Applied(file)

    @classmethod
    @contextmanager
    def open(cls, path: Path, clock: Clock = utc_now) -> Iterator[Journal]:
        """Open the journal, creating it when missing.

        Raises JournalError when the file is damaged, or written by a newer Turnout.
        """
        with open_journal_file(path, clock) as file:
            yield cls(file)

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

    def every_audience(self) -> list[tuple[str, str]]:
        """Destination and segment of everything that was ever opened or sent, in order."""
        rows = self._db.execute(
            """
            select destination, segment
            from audiences
            union
            select destination, segment
            from batches
            order by destination, segment
            """
        )
        return [(row[0], row[1]) for row in rows]

    def opened_audiences(self, destination: str) -> dict[str, str]:
        """Segments with an audience at a destination, and the audience's name on the platform."""
        rows = self._db.execute("select segment, name from audiences where destination = ?", (destination,))
        return {row[0]: row[1] for row in rows}

    def marker(self, destination: str, segment: str) -> str:
        """Our mark on a segment's audience: ``turnout:<segment>``.

        It stays when the segment is renamed; a new segment of the old name gets a mark that no audience has.
        """
        marks = dict(
            self._db.execute("select segment, marker from audiences where destination = ?", (destination,))
        )
        if segment in marks:
            return str(marks[segment])
        numbered = (f"turnout:{segment}{suffix}" for suffix in chain([""], (f".{n}" for n in count(2))))
        return next(mark for mark in numbered if mark not in marks.values())

    def owner(self, destination: str, external_id: str) -> str | None:
        """The segment whose audience the platform's id is."""
        row = self._db.execute(
            "select segment from audiences where destination = ? and external_id = ?",
            (destination, external_id),
        ).fetchone()
        return str(row[0]) if row else None

    def opened(self, destination: str, segment: str, audience: Audience) -> None:
        """Remember the platform's id; nothing is written when it is known already."""
        if self.audience(destination, segment) == Audience(audience.id, audience.name, audience.url):
            return
        marker = self.marker(destination, segment)
        with self._file.commit("opened") as db:
            db.execute(
                "insert or replace into audiences values (?, ?, ?, ?, ?, ?, ?)",
                (destination, segment, audience.id, audience.name, audience.url, marker, self._file.now()),
            )

    def lineage(self, destination: str) -> str | None:
        """The mark of the ledger that was last used with this journal."""
        row = self._db.execute("select mark from lineages where destination = ?", (destination,)).fetchone()
        return str(row[0]) if row else None

    def used_with(self, destination: str, mark: str) -> None:
        """The account's ledger has this mark now."""
        with self._file.commit("used_with") as db:
            db.execute("insert or replace into lineages values (?, ?)", (destination, mark))

    def forget_audience(self, destination: str, segment: str) -> None:
        """The audience is gone on the platform: nobody is held in it, the next run creates it anew."""
        with self._file.commit("forget_audience"):
            for table in ("audiences", "rejections"):
                self._db.execute(
                    f"delete from {table} where destination = ? and segment = ?", (destination, segment)
                )
            self._db.execute(
                "update batches set state = 'void' where destination = ? and segment = ?",
                (destination, segment),
            )

    def rename(self, destination: str, old: str, new: str) -> None:
        """A segment has a new name; its audience, batches and history go with it."""
        with self._file.commit("rename"):
            for table in OF_AUDIENCES:
                self._db.execute(
                    f"update or replace {table} set segment = ? where destination = ? and segment = ?",
                    (new, destination, old),
                )

    # --- batches ---------------------------------------------------------------------------------------

    def plan(
        self, destination: str, segment: str, run_id: str, as_of: date | None, batches: Sequence[Batch]
    ) -> None:
        """Write batches down as planned, in one commit, before any member points at them."""
        day = as_of.isoformat() if as_of else None
        with self._file.commit("plan"):
            self._db.executemany(
                """
                insert into batches
                  (id, destination, segment, run_id, op, number, total, size, as_of, state, planned_at)
                values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'planned', ?)
                """,
                [
                    (b.id, destination, segment, run_id, b.op, b.number, b.of, b.size, day, self._file.now())
                    for b in batches
                ],
            )

    def sent(self, batch: Batch) -> None:
        """The request is about to leave; commits before it does."""
        with self._file.commit("sent") as db:
            db.execute(
                "update batches set state = 'sent', sent_at = ? where id = ?", (self._file.now(), batch.id)
            )

    def settle(
        self, destination: str, segment: str, batch_id: str, receipt: Receipt, rejected: Mapping[str, str]
    ) -> None:
        """Write a receipt and the members it rejected (member digest to reason), in one commit."""
        with self._file.commit("settle"):
            self._db.execute(
                """
                update batches
                set state = ?, settled_at = ?, reference = ?, rejected_unlocated = ?, error = null
                where id = ?
                """,
                (receipt.status, self._file.now(), receipt.reference, receipt.rejected_unlocated, batch_id),
            )
            self._reject(destination, segment, batch_id, rejected)

    def refuse_rows(
        self,
        destination: str,
        segment: str,
        batch_id: str,
        error: str,
        rejected: Mapping[str, str],
        *,
        taken_in_part: bool = False,
    ) -> None:
        """The batch was refused because of these members; the others go out again in other batches.

        ``taken_in_part``: it was taken but for rows that nobody has named yet, so until those other batches take
        its place, nobody in it is known to be there.
        """
        with self._file.commit("refuse_rows"):
            self._fail(batch_id, "unknown" if taken_in_part else "refused", error)
            self._reject(destination, segment, batch_id, rejected)

    def _reject(self, destination: str, segment: str, batch_id: str, rejected: Mapping[str, str]) -> None:
        self._db.executemany(
            "insert into rejections values (?, ?, ?, ?, ?)",
            [(destination, segment, batch_id, member, reason) for member, reason in rejected.items()],
        )

    def fail(self, batch_id: str, state: Literal["refused", "unknown"], error: str) -> None:
        """No receipt: ``refused`` is certainly not applied, ``unknown`` may be."""
        with self._file.commit("fail"):
            self._fail(batch_id, state, error)

    def _fail(self, batch_id: str, state: BatchState, error: str) -> None:
        self._db.execute(
            "update batches set state = ?, settled_at = ?, error = ? where id = ?",
            (state, self._file.now(), error, batch_id),
        )

    def doubt(self, destination: str, segment: str) -> None:
        """Full resync: from now on nobody is known to be there, and rejected people are tried again.

        Accepted batches stay so: the platform still works on them, and says itself what became of them.
        """
        with self._file.commit("doubt"):
            self._db.execute(
                """
                update batches
                set state = 'doubted'
                where destination = ?
                  and segment = ?
                  and state not in ('accepted', 'void')
                """,
                (destination, segment),
            )
            self._db.execute(
                "delete from rejections where destination = ? and segment = ?", (destination, segment)
            )

    def distrust(self, destination: str, segment: str) -> None:
        """This journal, or its ledger, is an old copy: doubt also what the platform accepted.

        Its verdict would be about a request after which others may have followed that nobody here knows.
        """
        with self._file.commit("doubt"):
            self._db.execute(
                "update batches set state = 'doubted' where destination = ? and segment = ? and state <> 'void'",
                (destination, segment),
            )
            self._db.execute(
                "delete from rejections where destination = ? and segment = ?", (destination, segment)
            )

    def batches(self, destination: str, segment: str) -> list[JournalledBatch]:
        """Every batch of an audience, oldest first."""
        condition = "destination = ? and segment = ? and state <> 'void'"
        return self._select_batches(condition, destination, segment)

    def forget_batches(self, ids: Sequence[str]) -> None:
        """Old batches that no member rests on."""
        with self._file.commit("forget_batches") as db:
            db.executemany("delete from batches where id = ?", [(one,) for one in ids])

    def batch_states(self, destination: str, segment: str) -> list[tuple[str, BatchState]]:
        """What became of every batch of an audience, those of one that is gone included."""
        rows = self._db.execute(
            "select id, state from batches where destination = ? and segment = ?", (destination, segment)
        )
        return rows.fetchall()

    def rejected(self) -> list[Rejected]:
        """The rejected rows of every audience by reason, with their number and the oldest's time."""
        rows = self._db.execute(
            """
            select
              rejections.destination, rejections.segment, rejections.reason,
              count(*), min(batches.settled_at)
            from rejections
            join batches
              on batches.id = rejections.batch
            group by rejections.destination, rejections.segment, rejections.reason
            order by rejections.destination, rejections.segment, count(*) desc, rejections.reason
            """
        )
        return [Rejected(row[0], row[1], row[2], row[3], moment(row[4])) for row in rows if row[4]]

    def batches_of_run(self, run_id: str, destination: str, segment: str) -> list[JournalledBatch]:
        """The batches that one run sent, or was to send, for an audience, oldest first."""
        return self._select_batches(
            "run_id = ? and destination = ? and segment = ?", run_id, destination, segment
        )

    def _select_batches(self, condition: str, *values: str) -> list[JournalledBatch]:
        rows = self._db.execute(
            f"""
            select id, segment, op, state, size, reference, sent_at, settled_at
            from batches
            where {condition}
            order by id
            """,
            values,
        )
        return [
            JournalledBatch(id_, segment, op, state, size, reference, _moment(sent_at), _moment(settled_at))
            for id_, segment, op, state, size, reference, sent_at, settled_at in rows
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
        return [Rejection(row[0], row[1], row[2], moment(row[3])) for row in rows]

    def forget_rejections(self, destination: str, segment: str, gone: Sequence[Rejection]) -> None:
        """Members that no longer point at the rejecting batch take their digests out of the journal too."""
        with self._file.commit("forget_rejections"):
            self._db.executemany(
                "delete from rejections where destination = ? and segment = ? and batch = ? and member = ?",
                [(destination, segment, r.batch, r.member) for r in gone],
            )


def _moment(text: str | None) -> datetime | None:
    return moment(text) if text else None
