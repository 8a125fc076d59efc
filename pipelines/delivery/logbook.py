"""The journal's other half: which pushes began and ended, what operators decided, how many had to go."""

from __future__ import annotations

import sqlite3
from datetime import UTC, date, datetime

from pipelines.delivery.entries import Decision, LastPush, Moving
from pipelines.delivery.journal_file import JournalFile, moment

_OF_AUDIENCE = "destination = ? and segment = ?"


class Logbook:
    """Runs and people's decisions, in the journal's file."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file
        self._db = file.connection

    def started(self, run_id: str, destination: str, segment: str, as_of: date | None) -> int:
        """A push of one audience begins; returns its number."""
        with self._file.commit("started") as db:
            cursor = db.execute(
                "insert into pushes (run_id, destination, segment, as_of, started_at) values (?, ?, ?, ?, ?)",
                (run_id, destination, segment, as_of.isoformat() if as_of else None, self._file.now()),
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def ended(self, push: int, report: str) -> None:
        """A push of one audience is over; ``report`` is its delivery as JSON."""
        with self._file.commit("ended") as db:
            db.execute(
                "update pushes set ended_at = ?, report = ? where id = ?", (self._file.now(), report, push)
            )

    def decided(self, run_id: str, destination: str, segment: str, decision: str, who: str, why: str) -> None:
        """An operator overrode a guard."""
        with self._file.commit("decided") as db:
            note_decision(db, self._file.now(), destination, segment, run_id, decision, who, why)

    def erased(self, run_id: str, destination: str, segment: str, people: int) -> None:
        """People whose removal could not wait were taken out, receipted; only their number is kept."""
        with self._file.commit("erased") as db:
            db.execute(
                "insert into erasures values (?, ?, ?, ?, ?)",
                (self._file.now(), destination, segment, run_id, people),
            )

    def prune(self, destination: str, segment: str, before: datetime) -> None:
        """Forget the reports of old pushes; the newest stays, whatever its age, and so do people's decisions."""
        old = f"{_OF_AUDIENCE} and started_at < ? and id < (select max(id) from pushes where {_OF_AUDIENCE})"
        audience = (destination, segment)
        values = (*audience, before.astimezone(UTC).isoformat(), *audience)
        if self._db.execute(f"select 1 from pushes where {old} limit 1", values).fetchone():
            with self._file.commit("prune") as db:
                db.execute(f"delete from pushes where {old}", values)

    def decisions(self) -> list[Decision]:
        """Every override, newest first."""
        rows = self._db.execute(
            "select at, destination, segment, decision, who, why from decisions order by at desc, rowid desc"
        )
        return [Decision(moment(row[0]), *row[1:]) for row in rows]

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
        return [LastPush(row[0], row[1], row[2], moment(row[3]), row[4]) for row in rows]

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
        return [Moving(r[0], r[1], r[2], moment(r[3]), r[4], r[5]) for r in rows]


def note_decision(
    db: sqlite3.Connection,
    at: str,
    destination: str,
    segment: str,
    run_id: str,
    decision: str,
    who: str,
    why: str,
) -> None:
    """An operator's decision, within the commit of what it decides."""
    db.execute(
        "insert into decisions values (?, ?, ?, ?, ?, ?, ?)",
        (at, destination, segment, run_id, decision, who, why),
    )
