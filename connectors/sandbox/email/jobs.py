"""Requests that an email tool takes now and does later, by the sandbox's clock."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from connectors.sandbox import clock
from connectors.sandbox.wire import Call, Json, Platform


@dataclass(frozen=True, slots=True)
class Job:
    """One request under way or done. ``status`` is queued, done or failed."""

    id: str
    kind: str
    status: str
    request: int
    payload: dict[str, Json]
    result: dict[str, Json]
    """What doing it came to; before, and when it failed, only what was known of it from the start."""


Work = Callable[[sqlite3.Connection, Job], dict[str, Json]]
"""Does a job of one kind; returns its result."""


def queue(
    db: sqlite3.Connection,
    tool: Platform,
    kind: str,
    payload: dict[str, Json],
    call: Call,
    *,
    wait_seconds: float,
    known: dict[str, Json] | None = None,
) -> str:
    """Take a job; returns its id. The call's fate may let it be late, fail, or never end.

    ``known`` is what the tool can say of it from the start, and still when it has failed.
    """
    job_id = secrets.token_hex(12)
    fate = call.fate
    runs_at = None if fate.never_ends else clock.now(db) + wait_seconds + fate.seconds_later
    db.execute(
        "insert into email_jobs values (?, ?, ?, ?, ?, ?, ?, ?, 'queued')",
        (
            job_id,
            tool.value,
            kind,
            call.number,
            orjson.dumps(payload).decode(),
            orjson.dumps(known or {}).decode(),
            runs_at,
            fate.fails,
        ),
    )
    return job_id


def run_due(db: sqlite3.Connection, tool: Platform, work: dict[str, Work]) -> None:
    """Do the jobs whose time has come, in the order of their times; ``work`` has a function for each kind."""
    rows = db.execute(
        """
        select *
        from email_jobs
        where tool = ? and status = 'queued' and runs_at <= ?
        order by runs_at, request
        """,
        (tool.value, clock.now(db)),
    ).fetchall()
    for row in rows:
        job = _job(row)
        result = job.result if row["fails"] else {**job.result, **work[job.kind](db, job)}
        db.execute(
            "update email_jobs set status = ?, payload = '{}', result = ? where id = ?",
            ("failed" if row["fails"] else "done", orjson.dumps(result).decode(), row["id"]),
        )


def find(db: sqlite3.Connection, tool: Platform, job_id: str) -> Job | None:
    """One job by id."""
    row = db.execute("select * from email_jobs where tool = ? and id = ?", (tool.value, job_id)).fetchone()
    return _job(row) if row else None


def listed(db: sqlite3.Connection, tool: Platform, kind: str) -> list[Job]:
    """Every job of a kind, oldest first."""
    rows = db.execute(
        "select * from email_jobs where tool = ? and kind = ? order by request, id", (tool.value, kind)
    )
    return [_job(row) for row in rows]


def _job(row: sqlite3.Row) -> Job:
    return Job(
        row["id"],
        row["kind"],
        row["status"],
        row["request"],
        orjson.loads(row["payload"]),
        orjson.loads(row["result"]),
    )
