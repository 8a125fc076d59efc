"""Jobs: requests that are taken now and applied later, by the sandbox's clock."""

from __future__ import annotations

import secrets
import sqlite3

import orjson
from pydantic import TypeAdapter

from connectors.sandbox import clock
from connectors.sandbox.practice import audiences, rows
from connectors.sandbox.practice.audiences import PracticeAudience
from connectors.sandbox.practice.errors import NO_JOB, PracticeRefusal
from connectors.sandbox.practice.requests import Op, Row
from connectors.sandbox.practice.rows import Judged
from connectors.sandbox.wire import JobFate, Json

FAILED: dict[str, Json] = {"code": "job_failed", "message": "The job failed; nothing was applied."}

_ROWS = TypeAdapter(list[Row])


def queue(
    db: sqlite3.Connection,
    audience: PracticeAudience,
    op: Op,
    judged: Judged,
    verdict: dict[str, Json],
    request: int,
    *,
    wait_seconds: float,
    fate: JobFate,
) -> str:
    """Take a job; returns its id."""
    job_id = secrets.token_hex(8)
    runs_at = None if fate.never_ends else clock.now(db) + wait_seconds + fate.seconds_later
    db.execute(
        "insert into practice_jobs values (?, ?, ?, ?, ?, ?, ?, ?, 'queued')",
        (
            job_id,
            audience.id,
            op,
            request,
            _ROWS.dump_json(judged.good).decode(),
            orjson.dumps(verdict).decode(),
            runs_at,
            fate.fails,
        ),
    )
    return job_id


def run_due(db: sqlite3.Connection) -> None:
    """Run the jobs whose time has come, in the order of their times: the order they came in means nothing."""
    due = db.execute(
        "select * from practice_jobs where status = 'queued' and runs_at <= ? order by runs_at, request",
        (clock.now(db),),
    ).fetchall()
    for job in due:
        audience = audiences.require(db, str(job["audience"]))
        if not job["fails"]:
            rows.apply(db, audience, job["op"], Judged(_ROWS.validate_json(job["rows"]), {}), job["request"])
        db.execute(
            "update practice_jobs set status = ?, rows = '[]' where id = ?",
            ("failed" if job["fails"] else "done", job["id"]),
        )


def read(db: sqlite3.Connection, audience: PracticeAudience, job_id: str) -> dict[str, Json]:
    """A job as answers show it. Raises PracticeRefusal (404)."""
    job = db.execute(
        "select * from practice_jobs where id = ? and audience = ?", (job_id, audience.id)
    ).fetchone()
    if job is None:
        raise PracticeRefusal(NO_JOB)
    document: dict[str, Json] = {"job": job["id"], "status": job["status"]}
    if job["status"] == "done":
        document |= orjson.loads(job["verdict"])
    if job["status"] == "failed":
        document["error"] = FAILED
    return document
