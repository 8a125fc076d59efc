"""Upload sessions: running totals, the 90-minute window, and the order that a replacement demands."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass

import orjson

from connectors.sandbox import clock
from connectors.sandbox.meta.errors import (
    FIRST_BATCH_MISSING,
    REPEATED_FIRST_BATCH,
    SESSION_CLOSED,
    SESSION_TOO_OLD,
    GraphError,
    GraphRefusal,
    invalid,
)
from connectors.sandbox.meta.requests import Session
from connectors.sandbox.meta.rows import Rows
from connectors.sandbox.wire import Json

WINDOW_SECONDS = 90 * 60
"""A session closes by itself this long after its first batch ("Replace users")."""

SESSION_FIELDS = frozenset(
    {
        "session_id", "stage", "progress", "num_received", "num_invalid_entries", "num_matched",
        "start_time", "end_time",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Totals:
    """What a session has received so far."""

    session_id: int
    received: int
    invalid: int


def anonymous(rows: Rows) -> Totals:
    """A request without a session stands for itself; the platform still names a session in its answer."""
    return Totals(secrets.randbelow(2**53 - 1) + 1, rows.received, rows.invalid)


def receive(
    db: sqlite3.Connection, account: str, audience: int, session: Session, rows: Rows, *, replaces: bool
) -> Totals:
    """Count one batch in its session.

    A batch number that was counted before is counted anew, not twice: that is how a repeated request looks.
    Raises GraphRefusal 2650 for a session that is closed, too old, or (replacing) has no first batch.
    """
    known = db.execute(
        "select * from meta_sessions where account = ? and session_id = ?", (account, session.session_id)
    ).fetchone()
    if known is None:
        if replaces and session.batch_seq != 1:
            raise GraphRefusal(FIRST_BATCH_MISSING)
        db.execute(
            "insert into meta_sessions values (?, ?, ?, ?, ?, ?, null)",
            (
                account,
                session.session_id,
                audience,
                replaces,
                orjson.dumps(rows.columns).decode(),
                clock.now(db),
            ),
        )
    else:
        _check_open(db, known, account, audience, session, rows, replaces)
    db.execute(
        """
        insert into meta_session_batches values (?, ?, ?, ?, ?)
        on conflict (account, session_id, batch_seq)
        do update set received = excluded.received, invalid = excluded.invalid
        """,
        (account, session.session_id, session.batch_seq, rows.received, rows.invalid),
    )
    if session.last_batch_flag:
        db.execute(
            "update meta_sessions set closed_at = ? where account = ? and session_id = ? and closed_at is null",
            (clock.now(db), account, session.session_id),
        )
    received, invalid_rows = db.execute(
        """
        select sum(received), sum(invalid)
        from meta_session_batches
        where account = ? and session_id = ?
        """,
        (account, session.session_id),
    ).fetchone()
    return Totals(session.session_id, received, invalid_rows)


def _check_open(
    db: sqlite3.Connection,
    known: sqlite3.Row,
    account: str,
    audience: int,
    session: Session,
    rows: Rows,
    replaces: bool,
) -> None:
    if known["audience"] != audience or bool(known["replaces"]) != replaces:
        raise GraphRefusal(invalid("Param session[session_id] must be unique within the ad account"))
    repeated = db.execute(
        "select 1 from meta_session_batches where account = ? and session_id = ? and batch_seq = ?",
        (account, session.session_id, session.batch_seq),
    ).fetchone()
    if known["closed_at"] is not None and not (repeated and not replaces):
        raise GraphRefusal(SESSION_CLOSED)
    if clock.now(db) - known["started_at"] > WINDOW_SECONDS:
        raise GraphRefusal(SESSION_TOO_OLD)
    if replaces and session.batch_seq == 1:
        raise GraphRefusal(REPEATED_FIRST_BATCH)
    if replaces and orjson.loads(known["schema"]) != list(rows.columns):
        raise GraphRefusal(_changed_schema())


def _changed_schema() -> GraphError:
    return invalid("Param payload[schema] must be the same in all batches of a session")


def read(
    db: sqlite3.Connection, account: str, audience: int, session_id: int | None
) -> list[dict[str, Json]]:
    """The audience's sessions, newest first; every value is text, as on the platform."""
    rows = db.execute(
        """
        select sessions.session_id, started_at, closed_at, sum(received) as received, sum(invalid) as invalid
        from meta_sessions as sessions
        join meta_session_batches as batches using (account, session_id)
        where account = ? and audience = ? and (? is null or session_id = ?)
        group by sessions.session_id, started_at, closed_at
        order by started_at desc
        """,
        (account, audience, session_id, session_id),
    )
    return [_as_read(row) for row in rows]


def _as_read(row: sqlite3.Row) -> dict[str, Json]:
    open_still = row["closed_at"] is None
    values: dict[str, Json] = {
        "session_id": str(row["session_id"]),
        "stage": "uploading" if open_still else "post_processing",
        "progress": "50" if open_still else "100",
        "num_received": str(row["received"]),
        "num_invalid_entries": str(row["invalid"]),
        "start_time": str(int(row["started_at"])),
    }
    if not open_still:
        values["end_time"] = str(int(row["closed_at"]))
    return values
