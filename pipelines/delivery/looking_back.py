"""Who joined and left an audience, when and why, and where one person stands: read, never written.

A ledger can be read while no push of its account runs; the journal can be read always.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from connectors.base import Op
from pipelines.delivery.entries import BatchState
from pipelines.delivery.journal import Journal
from pipelines.duck import open_duckdb

OUTCOMES: dict[BatchState, str] = {
    "planned": "not sent",
    "sent": "no receipt",
    "unknown": "no receipt",
    "doubted": "doubted since",
    "applied": "done",
    "accepted": "awaited",
    "refused": "refused",
    "void": "audience gone",
}
"""What became of a request, in words."""


@dataclass(frozen=True, slots=True)
class Move:
    """People who were sent to an audience, or out of it, at one moment for one reason."""

    at: datetime
    op: Op
    why: str
    """A key of ``history.REASONS``."""
    outcome: str
    people: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one person stands with one audience."""

    held: str
    """``yes``, ``no``, ``perhaps``, ``rejected``, ``leaving`` or ``awaited``, by the last receipt."""
    withheld: str | None
    """Why the person may not be sent to this destination now; None: they may."""
    moves: tuple[Move, ...]
    """Newest first; ``people`` is 1."""


class LookingBack:
    """An account's ledger, open for reading, beside the journal; made by `look_back`."""

    def __init__(self, ledger: duckdb.DuckDBPyConnection, journal: Journal, destination: str) -> None:
        self._ledger = ledger
        self._journal = journal
        self._destination = destination

    def moves(self, segment: str, since: datetime) -> list[Move]:
        """Everybody who moved in an audience, counted by moment, direction, reason and outcome; newest first."""
        rows = self._ledger.execute(
            """
            select history.moment, history.op, history.why, batches.id, count(*)
            from history
            join audiences
              on audiences.audience = history.audience
            left join batches
              on batches.batch = history.batch
            where audiences.segment = $segment
              and history.moment >= $since
            group by all
            """,
            {"segment": segment, "since": since.astimezone(UTC).replace(tzinfo=None)},
        ).fetchall()
        outcomes = self._outcomes(segment)
        counted: dict[tuple[datetime, Op, str, str], int] = {}
        for moment, op, why, batch, people in rows:
            key = (moment.replace(tzinfo=UTC), op, why, outcomes.get(batch, "no request"))
            counted[key] = counted.get(key, 0) + people
        return [Move(*key, people) for key, people in sorted(counted.items(), reverse=True)]

    def standing(self, segment: str, person_no: int) -> Standing:
        """One person in one audience."""
        refused = self._ledger.execute(
            "select refused, member is null from identities where person_no = $person", {"person": person_no}
        ).fetchall()
        withheld = (
            "unknown_here" if not refused else refused[0][0] or ("no_identifier" if refused[0][1] else None)
        )
        return Standing(self._held(segment, person_no), withheld, tuple(self._moves_of(segment, person_no)))

    def _held(self, segment: str, person_no: int) -> str:
        found = self._ledger.execute(
            """
            select batches.id, cast(members.member as varchar)
            from members
            join audiences
              on audiences.audience = members.audience
            left join batches
              on batches.batch = members.batch
            where audiences.segment = $segment
              and members.person_no = $person
            """,
            {"segment": segment, "person": person_no},
        ).fetchall()
        told = [self._told(segment, batch, member) for batch, member in found]
        for word in ("yes", "awaited", "leaving", "perhaps", "rejected"):
            if word in told:
                return word
        return "no"

    def _told(self, segment: str, batch: str | None, member: str) -> str:
        known = {b.id: b for b in self._journal.batches(self._destination, segment)}.get(batch or "")
        if known is None:
            return "perhaps"
        rejected = {(r.batch, r.member) for r in self._journal.rejections(self._destination, segment)}
        if (known.id, member) in rejected:
            return "rejected"
        words = {
            ("add", "applied"): "yes",
            ("add", "accepted"): "awaited",
            ("remove", "accepted"): "leaving",
            ("remove", "applied"): "no",
        }
        return words.get((known.op, known.state), "perhaps")

    def _moves_of(self, segment: str, person_no: int) -> Iterator[Move]:
        rows = self._ledger.execute(
            """
            select history.moment, history.op, history.why, batches.id
            from history
            join audiences
              on audiences.audience = history.audience
            left join batches
              on batches.batch = history.batch
            where audiences.segment = $segment
              and history.person_no = $person
            order by history.moment desc, history.op
            """,
            {"segment": segment, "person": person_no},
        ).fetchall()
        outcomes = self._outcomes(segment)
        for moment, op, why, batch in rows:
            yield Move(moment.replace(tzinfo=UTC), op, why, outcomes.get(batch, "no request"), 1)

    def _outcomes(self, segment: str) -> dict[str, str]:
        batches: Sequence[tuple[str, BatchState]] = self._journal.batch_states(self._destination, segment)
        return {batch: OUTCOMES[state] for batch, state in batches}


@contextmanager
def look_back(state_dir: Path, destination: str, wait_seconds: float) -> Iterator[LookingBack | None]:
    """Open what is known of a destination account; None while nothing was ever pushed to it.

    Raises StoreBusy when a push of the account runs for longer than ``wait_seconds``.
    """
    path = state_dir / f"{destination}.duckdb"
    if not path.exists():
        yield None
        return
    with Journal.open(state_dir / "journal.sqlite") as journal:
        ledger = open_duckdb(path, read_only=True, wait_seconds=wait_seconds)
        try:
            yield LookingBack(ledger, journal, destination)
        finally:
            ledger.close()
