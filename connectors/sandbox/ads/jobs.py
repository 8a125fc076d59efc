"""Requests that are taken now and applied later, by the sandbox's clock."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import orjson

from connectors.sandbox import clock
from connectors.sandbox.ads import holdings
from connectors.sandbox.ads.holdings import AdAudience, Member
from connectors.sandbox.wire import Call, Json, Platform

JobOp = Literal["add", "remove", "clear"]


@dataclass(frozen=True, slots=True)
class Job:
    """One request under way or done. ``status`` is queued, done or failed."""

    id: str
    audience: str
    op: str
    status: str
    verdict: dict[str, Json]


def queue(
    db: sqlite3.Connection,
    audience: AdAudience,
    op: JobOp,
    members: Sequence[Member],
    verdict: dict[str, Json],
    call: Call,
    *,
    wait_seconds: float,
    lifetime: float | None = None,
    added_before: float | None = None,
) -> str:
    """Take a job whose members are applied when its time has come; returns its id.

    ``added_before`` keeps those whom a clearing shall not touch.
    """
    job_id = secrets.token_hex(12)
    fate = call.fate
    runs_at = None if fate.never_ends else clock.now(db) + wait_seconds + fate.seconds_later
    db.execute(
        "insert into ad_jobs values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued')",
        (
            job_id,
            audience.platform.value,
            audience.id,
            op,
            call.number,
            orjson.dumps(members).decode(),
            lifetime,
            added_before,
            orjson.dumps(verdict).decode(),
            runs_at,
            fate.fails,
        ),
    )
    return job_id


def run_due(db: sqlite3.Connection, platform: Platform) -> None:
    """Run the jobs whose time has come, in the order of their times: the order they came in means nothing."""
    due = db.execute(
        """
        select *
        from ad_jobs
        where platform = ? and status = 'queued' and runs_at <= ?
        order by runs_at, request
        """,
        (platform.value, clock.now(db)),
    ).fetchall()
    for job in due:
        audience = holdings.find(db, platform, job["audience"])
        if audience is not None and not job["fails"]:
            _carry_out(db, audience, job)
        db.execute(
            "update ad_jobs set status = ?, members = '[]' where id = ?",
            ("failed" if job["fails"] else "done", job["id"]),
        )


def find(db: sqlite3.Connection, platform: Platform, job_id: str) -> Job | None:
    """One job by id; None also after its audience was deleted."""
    row = db.execute(
        "select * from ad_jobs where platform = ? and id = ?", (platform.value, job_id)
    ).fetchone()
    if row is None:
        return None
    return Job(row["id"], row["audience"], row["op"], row["status"], orjson.loads(row["verdict"]))


def _carry_out(db: sqlite3.Connection, audience: AdAudience, job: sqlite3.Row) -> None:
    if job["op"] == "clear":
        holdings.clear(db, audience, job["request"], job["added_before"])
        return
    members = [tuple((kind, value) for kind, value in m) for m in orjson.loads(job["members"])]
    holdings.apply(db, audience, job["op"], members, job["request"], job["lifetime"], job["runs_at"])
