"""The log of every request: what was asked and what came of it, never whom it was about."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from connectors.sandbox import clock
from connectors.sandbox.wire import Platform, Reply, loggable_path

KEPT_REQUESTS = 50_000
"""Newest lines that are kept; older ones go, a portion at a time."""
PRUNED_EVERY = 500


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    """One line of the log. ``status`` is None when no answer was sent."""

    id: int
    at: str
    platform: str
    method: str
    path: str
    audience: str | None
    rows: int | None
    status: int | None
    outcome: str | None
    fault: str | None
    milliseconds: float | None


def open_entry(db: sqlite3.Connection, platform: Platform, method: str, path: str) -> int:
    """Note a request on arrival and return its number, so that even one that kills the server is seen."""
    cursor = db.execute(
        "insert into requests (at, platform, method, path) values (?, ?, ?, ?)",
        (clock.text(clock.now(db)), platform.value, method, loggable_path(path)),
    )
    number = int(cursor.lastrowid or 0)
    if number % PRUNED_EVERY == 0:
        db.execute("delete from requests where id <= ?", (number - KEPT_REQUESTS,))
    return number


def close_entry(
    db: sqlite3.Connection,
    number: int,
    reply: Reply,
    status: int | None,
    fault: str | None,
    milliseconds: float,
) -> None:
    """Complete the line; ``status`` is None when the caller was left without an answer."""
    db.execute(
        """
        update requests
        set audience = ?, rows = ?, status = ?, outcome = ?, fault = ?, milliseconds = ?
        where id = ?
        """,
        (
            reply.audience,
            reply.rows,
            status,
            reply.outcome,
            fault,
            round(milliseconds, 2),
            number,
        ),
    )


def read_log(
    db: sqlite3.Connection,
    *,
    platform: str | None = None,
    method: str | None = None,
    audience: str | None = None,
    only_failed: bool = False,
    before: int | None = None,
    limit: int | None = None,
) -> list[LoggedRequest]:
    """The log, newest first, narrowed by every filter that is given. ``before`` pages backwards by id."""
    rows = db.execute(
        """
        select *
        from requests
        where (:platform is null or platform = :platform)
          and (:method is null or method = :method)
          and (:audience is null or audience = :audience)
          and (not :only_failed or status is null or status >= 400 or fault is not null)
          and (:before is null or id < :before)
        order by id desc
        limit coalesce(:limit, -1)
        """,
        {
            "platform": platform,
            "method": method,
            "audience": audience,
            "only_failed": only_failed,
            "before": before,
            "limit": limit,
        },
    )
    return [LoggedRequest(**dict(row)) for row in rows]
