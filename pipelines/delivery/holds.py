"""Audiences that an operator put on hold: only opt-outs leave them until somebody lets them go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pipelines.delivery.guards import Guard, Verdict
from pipelines.delivery.journal_file import JournalFile, moment
from pipelines.delivery.logbook import note_decision
from pipelines.delivery.model import Push


@dataclass(frozen=True, slots=True)
class Hold:
    """An audience on hold."""

    destination: str
    segment: str
    at: datetime
    who: str
    why: str
    undoes: datetime | None = None
    """The moment of the push that was taken back, in the ledger's history; None for a hold by itself."""

    @property
    def name(self) -> str:
        """As commands take it."""
        return f"{self.destination}/{self.segment}"

    @property
    def sentence(self) -> str:
        """For the audience's page, status and every run that meets the hold."""
        undone = "its last push was undone and it is" if self.undoes else "it is"
        return (
            f"{undone} on hold since {self.at:%Y-%m-%d %H:%M} UTC by {self.who} ({self.why}); "
            f"only opt-outs are removed until: turnout resume {self.name}"
        )


class Holds:
    """The journal's list of audiences on hold."""

    def __init__(self, file: JournalFile) -> None:
        self._file = file
        self._db = file.connection

    def place(
        self,
        destination: str,
        segment: str,
        who: str,
        why: str,
        *,
        decision: Literal["hold", "undo"] = "hold",
        run_id: str = "",
        undoes: datetime | None = None,
    ) -> Hold:
        """Put an audience on hold, as an operator decided; one that is on hold already gets the newer reason."""
        at = self._file.now()
        with self._file.commit("hold") as db:
            db.execute(
                "insert or replace into holds values (?, ?, ?, ?, ?, ?)",
                (destination, segment, at, who, why, undoes.isoformat() if undoes else None),
            )
            note_decision(db, at, destination, segment, run_id, decision, who, why)
        return Hold(destination, segment, moment(at), who, why, undoes)

    def lift(self, destination: str, segment: str, who: str, why: str, *, run_id: str = "") -> None:
        """Let the audience follow its segment again, as an operator decided."""
        with self._file.commit("lift_hold") as db:
            db.execute("delete from holds where destination = ? and segment = ?", (destination, segment))
            note_decision(db, self._file.now(), destination, segment, run_id, "resume", who, why)

    def all(self) -> list[Hold]:
        """Every hold, by audience."""
        rows = self._db.execute(
            "select destination, segment, at, who, why, undoes from holds order by destination, segment"
        )
        return [
            Hold(
                destination,
                segment,
                moment(at),
                who,
                why,
                moment(undoes) if undoes else None,
            )
            for destination, segment, at, who, why, undoes in rows
        ]

    def of(self, destination: str, segment: str) -> Hold | None:
        """The hold of one audience, None when it has none."""
        return next((h for h in self.all() if (h.destination, h.segment) == (destination, segment)), None)


def held_back(holds: Holds, destination: str, push: Push) -> Verdict | None:
    """Why nobody but those who must go may move, whatever the segment says; None when nothing speaks against it.

    Read while the account is open: a run that waited for an undo meets the hold that the undo placed.
    """
    if push.forbidden:
        return Verdict(Guard.POLICY, push.forbidden)
    hold = None if push.despite_hold else holds.of(destination, push.segment)
    if push.only_opt_outs is None:
        return Verdict(Guard.ON_HOLD, hold.sentence) if hold else None
    told = [push.only_opt_outs, *([hold.sentence] if hold else [])]
    return Verdict(Guard.HELD_BACK, "; ".join(told))
