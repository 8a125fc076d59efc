"""The sandbox's clock: real time plus what somebody has moved it forward, so that hours can pass in a test.

Jobs, tokens, sessions, quotas, retention and delayed requests live by it. It is kept in the store, so that every
process that looks at the sandbox sees the same time.
"""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime


def now(db: sqlite3.Connection) -> float:
    """Seconds since 1970 by the sandbox's clock."""
    return time.time() + ahead(db)


def ahead(db: sqlite3.Connection) -> float:
    """How many seconds the sandbox's clock is ahead of the real one."""
    row = db.execute("select ahead from clock where id = 1").fetchone()
    return 0.0 if row is None else float(row["ahead"])


def advance(db: sqlite3.Connection, seconds: float) -> None:
    """Move the clock forward. Raises ValueError for a step back: nothing that has happened can be undone."""
    if not 0 <= seconds < float("inf"):
        raise ValueError("the clock moves forward only, by a number of seconds")
    db.execute(
        """
        insert into clock (id, ahead) values (1, ?)
        on conflict (id) do update set ahead = ahead + excluded.ahead
        """,
        (seconds,),
    )


def text(moment: float) -> str:
    """A moment as the platforms' documents write times: ISO 8601, UTC, to the second."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def seconds_until_tomorrow(moment: float) -> float:
    """Seconds from a moment to the next midnight UTC."""
    return 86_400 - moment % 86_400
