"""The sandbox's memory: one SQLite file in a folder, shared by all threads, whole after any crash."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from connectors.sandbox import clock
from connectors.sandbox.wire import Platform

FILE_NAME = "sandbox.sqlite"
BUSY_SECONDS = 30
SCHEMAS = ("schema.sql", "practice/schema.sql", "ads/schema.sql", "email/schema.sql")


class Store:
    """Connections to one ``sandbox.sqlite``: each thread has its own, and writers take turns."""

    def __init__(self, folder: Path) -> None:
        """Open or create the file in ``folder``. Raises ValueError when a file is in the folder's place."""
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"{folder} is a file; the sandbox needs a folder of its own")
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / FILE_NAME
        self._threads = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._turn = threading.Lock()
        for schema in SCHEMAS:
            self._connection().executescript(files("connectors.sandbox").joinpath(schema).read_text("utf-8"))

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        if connection is None:
            connection = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            connection.row_factory = sqlite3.Row
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
            connection.execute("pragma temp_store = memory")
            connection.execute("pragma cache_size = -16000")
            self._threads.connection = connection
            with self._guard:
                self._open.append(connection)
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One consistent view for the length of the block."""
        connection = self._connection()
        connection.execute("begin")
        try:
            yield connection
        finally:
            connection.execute("rollback")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: kept when the block ends, undone when it raises or is only rehearsed."""
        with self._turn:
            connection = self._connection()
            connection.execute("begin immediate")
            try:
                yield connection
            except BaseException:
                connection.execute("rollback")
                raise
            connection.execute("rollback" if self._rehearsing else "commit")

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Inside the block, nothing that this thread writes is kept."""
        self._threads.rehearsing = True
        try:
            yield
        finally:
            self._threads.rehearsing = False

    @property
    def _rehearsing(self) -> bool:
        return getattr(self._threads, "rehearsing", False)

    def close(self) -> None:
        """Close every thread's connection."""
        with self._guard:
            for connection in self._open:
                connection.close()
            self._open.clear()


def record_change(
    db: sqlite3.Connection,
    platform: Platform,
    audience: str,
    request: int,
    *,
    added: int,
    removed: int,
    size: int,
) -> None:
    """Note what one request did to an audience, for the size over time."""
    db.execute(
        "insert into changes (at, platform, audience, request, added, removed, size) values (?, ?, ?, ?, ?, ?, ?)",
        (clock.text(clock.now(db)), platform.value, audience, request, added, removed, size),
    )
