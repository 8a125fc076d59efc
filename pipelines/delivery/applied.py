"""Which sealed plans were applied to which audience: begun before the first batch, ended when nothing is left to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipelines.delivery.journal_file import JournalFile, moment
from pipelines.delivery.logbook import note_decision


@dataclass(frozen=True, slots=True)
class Application:
    """A plan's way through one audience."""

    run_id: str
    began_at: datetime
    who: str
    ended_at: datetime | None
    """None: under way, cut off, or with batches that have no receipt; applying the plan again goes on with it."""


class Applied:
    """The journal's list of applied plans, by their seals."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file
        self._db = file.connection

    def begin(self, seal: str, destination: str, segment: str, run_id: str, who: str, why: str) -> None:
        """The first batch of a plan is about to be journalled, as an operator decided; again when it goes on."""
        at = self._file.now()
        with self._file.commit("apply_begin") as db:
            db.execute(
                """
                insert into applied_plans (seal, destination, segment, run_id, who, began_at)
                values (?, ?, ?, ?, ?, ?)
                on conflict do nothing
                """,
                (seal, destination, segment, run_id, who, at),
            )
            note_decision(db, at, destination, segment, run_id, "apply_plan", who, why)

    def end(self, seal: str, destination: str, segment: str) -> None:
        """Everything in the plan has a receipt."""
        with self._file.commit("apply_end") as db:
            db.execute(
                """
                update applied_plans
                set ended_at = ?
                where seal = ?
                  and destination = ?
                  and segment = ?
                """,
                (self._file.now(), seal, destination, segment),
            )

    def of(self, seal: str, destination: str, segment: str) -> Application | None:
        """How far a plan came with an audience, None when it was not begun."""
        row = self._db.execute(
            """
            select run_id, began_at, who, ended_at
            from applied_plans
            where seal = ?
              and destination = ?
              and segment = ?
            """,
            (seal, destination, segment),
        ).fetchone()
        if row is None:
            return None
        ended_at = moment(row[3]) if row[3] else None
        return Application(row[0], moment(row[1]), row[2], ended_at)
