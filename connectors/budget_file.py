"""The file that holds an account's budget, and the budget's own time.

SQLite, because its transactions hold between processes and no daemon has to run. In memory for one process alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from connectors.base import ActionNeeded
from connectors.clock import Clock, Reading

_VERSION = 1
_BUSY_SECONDS = 30
"""A transaction takes microseconds; who waits longer than this has met a stuck process."""


class BudgetFile:
    """One connection; the caller sees to it that one thread uses it at a time."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        """Open or create. Raises ActionNeeded when that is impossible."""
        self.path = path
        self._clock = clock
        with self.usable():
            self._db = self._opened()

    def close(self) -> None:
        """Give back the file."""
        self._db.close()

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query answers."""
        return self._db.execute(query, values).fetchall()

    def change(self, statement: str, *values: object) -> int:
        """Rows that a statement changed."""
        return self._db.execute(statement, values).rowcount

    def now(self) -> int:
        """The budget's time in microseconds."""
        moment, read = self._anchor()
        reading = self._clock.read()
        if reading.continues(read):
            return moment + reading.since(read)
        # What passed until now has to be kept: after the next jump of the clock nobody could tell.
        with self.writing() as now:
            return now

    @contextmanager
    def writing(self) -> Iterator[int]:
        """One transaction that no other process cuts into; yields the budget's time."""
        self._db.execute("begin immediate")
        try:
            moment, read = self._anchor()
            reading = self._clock.read()
            now = moment + reading.since(read)
            self.change(
                "update account set moment = ?, wall = ?, ticks = ?, boot = ?",
                now, reading.wall, reading.ticks, reading.boot,
            )  # fmt: skip
            yield now
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    @contextmanager
    def usable(self) -> Iterator[None]:
        """Turns failures of the file into a sentence for the operator."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise ActionNeeded(
                f"{self.path}: the account's budget cannot be kept ({type(error).__name__}: {error}); nothing was "
                "sent. Is the disk full, the folder read-only? A damaged file can be deleted: it holds only counts"
            ) from error

    def _anchor(self) -> tuple[int, Reading]:
        """The budget's time and what the clock showed at the last write."""
        moment, wall, ticks, boot = self._db.execute(
            "select moment, wall, ticks, boot from account"
        ).fetchone()
        return moment, Reading(wall, ticks, boot)

    def _opened(self) -> sqlite3.Connection:
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.touch(mode=0o600)  # SQLite's own files beside it take after it
        db = sqlite3.connect(
            self.path or ":memory:", timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(db)
        except BaseException:
            db.close()
            raise
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        db.execute("pragma journal_mode = wal")
        # The last counts before a power cut may be lost, the file stays whole; what was used the platform tells.
        db.execute("pragma synchronous = normal")
        # Only moving the log into the file waits for the disk: that is done more seldom than by default.
        db.execute("pragma wal_autocheckpoint = 4000")
        version = db.execute("pragma user_version").fetchone()[0]
        if version > _VERSION:
            raise ActionNeeded(f"{self.path}: written by a newer Turnout; update this one")
        if version < _VERSION:
            self._create(db)

    def _create(self, db: sqlite3.Connection) -> None:
        schema = files("connectors").joinpath("budget.sql").read_text(encoding="utf-8")
        reading = self._clock.read()
        db.execute("begin immediate")
        for statement in filter(str.strip, schema.split(";\n")):
            db.execute(statement)
        db.execute(
            "insert or ignore into account values (1, 0, ?, ?, ?, 0, 0, '', null)",
            (reading.wall, reading.ticks, reading.boot),
        )
        db.execute(f"pragma user_version = {_VERSION}")
        db.execute("commit")
