"""Upload sessions: numbered batches gather apart, and the last one applies them all."""

from __future__ import annotations

import sqlite3

import orjson
from pydantic import TypeAdapter

from connectors.sandbox import clock
from connectors.sandbox.practice import rows as row_table
from connectors.sandbox.practice.audiences import PracticeAudience
from connectors.sandbox.practice.errors import (
    BATCHES_MISSING,
    NO_SESSION,
    SESSION_CLOSED,
    SESSION_EXPIRED,
    PracticeRefusal,
)
from connectors.sandbox.practice.requests import Op, Row, SessionBatch
from connectors.sandbox.practice.verdicts import refuse_whole, verdict
from connectors.sandbox.wire import Json, RowRejection

WINDOW_SECONDS = 90 * 60
"""A session that is not closed within this time is forgotten with everything in it."""

_ROWS = TypeAdapter(list[Row])


def open_session(db: sqlite3.Connection, audience: PracticeAudience, op: Op) -> int:
    """A new session; nothing is applied before its last batch."""
    cursor = db.execute(
        "insert into practice_sessions (audience, op, opened_at) values (?, ?, ?)",
        (audience.id, op, clock.now(db)),
    )
    return int(cursor.lastrowid or 0)


def receive(
    db: sqlite3.Connection,
    audience: PracticeAudience,
    session_id: str,
    batch: SessionBatch,
    rejection: RowRejection,
    request: int,
) -> tuple[dict[str, Json], tuple[int, int]]:
    """Keep one batch, or with the last one apply them all; the answer, and how many came and went.

    A batch sent again takes its own place; the last one, sent again, is answered as before. Raises PracticeRefusal
    for a session that is unknown, closed or expired, for gaps, and where one bad row refuses the session as a whole.
    """
    session = _open_one(db, audience, session_id, batch)
    if session["answer"] is not None:
        answered: dict[str, Json] = orjson.loads(session["answer"])
        return answered, (0, 0)
    _keep(db, session["id"], batch, rejection)
    if not batch.last:
        return {"session": session_id, **_counts(db, session["id"])}, (0, 0)
    judged = row_table.judge(*_gathered(db, session["id"], batch.number))
    refuse_whole(audience, judged)
    changed = row_table.apply(db, audience, session["op"], judged, request)
    answer: dict[str, Json] = {"session": session_id, **verdict(audience, judged, rejection)}
    db.execute(
        "update practice_sessions set last_number = ?, answer = ? where id = ?",
        (batch.number, orjson.dumps(answer).decode(), session["id"]),
    )
    db.execute("delete from practice_session_batches where session = ?", (session["id"],))
    return answer, changed


def _open_one(
    db: sqlite3.Connection, audience: PracticeAudience, session_id: str, batch: SessionBatch
) -> sqlite3.Row:
    number = int(session_id) if session_id.isdecimal() else 0
    session: sqlite3.Row | None = db.execute(
        "select * from practice_sessions where id = ? and audience = ?", (number, audience.id)
    ).fetchone()
    if session is None:
        raise PracticeRefusal(NO_SESSION)
    if session["answer"] is not None and not (batch.last and batch.number == session["last_number"]):
        raise PracticeRefusal(SESSION_CLOSED)
    if session["answer"] is None and clock.now(db) - session["opened_at"] > WINDOW_SECONDS:
        raise PracticeRefusal(SESSION_EXPIRED)
    return session


def _keep(db: sqlite3.Connection, session: int, batch: SessionBatch, rejection: RowRejection) -> None:
    refused = sorted(rejection.picks([row.model_dump() for row in batch.rows]))
    db.execute(
        "insert or replace into practice_session_batches values (?, ?, ?, ?)",
        (session, batch.number, _ROWS.dump_json(batch.rows).decode(), orjson.dumps(refused).decode()),
    )


def _counts(db: sqlite3.Connection, session: int) -> dict[str, Json]:
    """What the session holds so far: counts are the session's, not the batch's."""
    stored = db.execute("select rows from practice_session_batches where session = ?", (session,))
    return {"received": sum(len(orjson.loads(batch["rows"])) for batch in stored)}


def _gathered(db: sqlite3.Connection, session: int, last: int) -> tuple[list[Row], set[int]]:
    """All rows in the order of their batches, and the positions that faults refuse."""
    stored = db.execute(
        "select * from practice_session_batches where session = ? order by number", (session,)
    ).fetchall()
    if [batch["number"] for batch in stored] != list(range(1, last + 1)):
        raise PracticeRefusal(BATCHES_MISSING)
    rows: list[Row] = []
    refused: set[int] = set()
    for batch in stored:
        refused |= {len(rows) + position for position in orjson.loads(batch["refused"])}
        rows += _ROWS.validate_json(batch["rows"])
    return rows, refused
