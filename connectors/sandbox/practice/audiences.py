"""Audiences of the practice platform. Each one keeps the ways of answering it was created with."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from connectors.sandbox import clock
from connectors.sandbox.practice.errors import NO_AUDIENCE, PracticeRefusal
from connectors.sandbox.practice.requests import CreateAudience, Delivering, Positions, Verdicts
from connectors.sandbox.store import record_change
from connectors.sandbox.wire import Json, Platform


@dataclass(frozen=True, slots=True)
class PracticeAudience:
    """One audience as stored."""

    id: int
    name: str
    marker: str
    delivery: Delivering
    verdicts: Verdicts
    blame: bool
    positions: Positions
    errors_in_success: bool
    created_at: float
    size: int


def find(db: sqlite3.Connection, audience_id: str) -> PracticeAudience | None:
    """One audience by id."""
    if not audience_id.isdecimal():
        return None
    row = db.execute("select * from practice_audiences where id = ?", (int(audience_id),)).fetchone()
    return PracticeAudience(**dict(row)) if row else None


def require(db: sqlite3.Connection, audience_id: str) -> PracticeAudience:
    """One audience by id. Raises PracticeRefusal (404)."""
    audience = find(db, audience_id)
    if audience is None:
        raise PracticeRefusal(NO_AUDIENCE)
    return audience


def find_marked(db: sqlite3.Connection, marker: str) -> PracticeAudience | None:
    """The audience that carries a mark."""
    row = db.execute("select * from practice_audiences where marker = ?", (marker,)).fetchone()
    return PracticeAudience(**dict(row)) if row else None


def create(db: sqlite3.Connection, wish: CreateAudience) -> PracticeAudience:
    """A new audience; its id is never used again."""
    cursor = db.execute(
        """
        insert into practice_audiences
          (name, marker, delivery, verdicts, blame, positions, errors_in_success, created_at)
        values (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            wish.name,
            wish.marker,
            wish.delivery,
            wish.verdicts,
            wish.blame,
            wish.positions,
            wish.errors_in_success,
            clock.now(db),
        ),
    )
    return require(db, str(cursor.lastrowid))


def delete(db: sqlite3.Connection, audience_id: int) -> None:
    """Delete the audience with its members, sessions and jobs."""
    db.execute(
        """
        delete from practice_session_batches
        where session in (select id from practice_sessions where audience = ?)
        """,
        (audience_id,),
    )
    for table in ("practice_members", "practice_sessions", "practice_jobs"):
        db.execute(f"delete from {table} where audience = ?", (audience_id,))
    db.execute("delete from practice_audiences where id = ?", (audience_id,))


def note_change(
    db: sqlite3.Connection, audience: PracticeAudience, request: int, added: int, removed: int
) -> None:
    """Keep size and history in step with the members."""
    db.execute("update practice_audiences set size = size + ? where id = ?", (added - removed, audience.id))
    (size,) = db.execute("select size from practice_audiences where id = ?", (audience.id,)).fetchone()
    record_change(
        db, Platform.PRACTICE, str(audience.id), request, added=added, removed=removed, size=int(size)
    )


def document(audience: PracticeAudience) -> dict[str, Json]:
    """The audience as answers show it."""
    return {
        "id": str(audience.id),
        "name": audience.name,
        "marker": audience.marker,
        "delivery": audience.delivery,
        "verdicts": audience.verdicts,
        "blame": bool(audience.blame),
        "positions": audience.positions,
        "errors_in_success": bool(audience.errors_in_success),
        "size": audience.size,
    }
