"""The journal's file: SQLite, durable at every commit, readable by anybody at any time."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

from pipelines.delivery.boundaries import reached, step

SCHEMA_VERSION = 3
MIGRATIONS = (
    "alter table audiences rename to audiences_before",
    """
    create table audiences (
      destination text not null,
      segment text not null,
      external_id text not null,
      name text not null,
      url text,
      marker text not null,
      opened_at text not null,
      primary key (destination, segment)
    ) strict
    """,
    """
    insert into audiences
    select destination, segment, external_id, name, url, 'turnout:' || segment, opened_at
    from audiences_before
    """,
    "drop table audiences_before",
)
"""What changes existing tables from schema 1 to 2; new tables, as those of schema 3, are made by ``schema.sql``."""

Clock = Callable[[], datetime]
"""The time now, with a time zone."""


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


class JournalError(Exception):
    """The journal cannot be used; the sentence says what to do."""


def moment(text: str) -> datetime:
    """The time of an entry. Raises JournalError for what this program never writes: the file is damaged."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise JournalError(
            "the journal is damaged: it holds a time that is none; restore it from a backup and run with --resync, "
            "see docs/recovery.md"
        ) from None


class JournalFile:
    """An open journal file. Not shared between threads."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock

    def now(self) -> str:
        """The time of an entry, in ISO form and UTC."""
        return self.clock().astimezone(UTC).isoformat()

    @contextmanager
    def commit(self, name: str) -> Iterator[sqlite3.Connection]:
        """What the block writes becomes durable together, or not at all."""
        with step("journal", name):
            self.connection.execute("begin immediate")
            try:
                yield self.connection
                reached(f"journal.{name}.open")
                self.connection.execute("commit")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("rollback")
                raise


@contextmanager
def open_journal_file(path: Path, clock: Clock = utc_now) -> Iterator[JournalFile]:
    """Open the file, creating it when missing.

    Raises JournalError when the file is damaged, or written by a newer Turnout.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        connection = sqlite3.connect(path, timeout=30, isolation_level=None)
    except sqlite3.OperationalError as error:
        raise JournalError(f"{path}: cannot open the journal ({error}); is the folder writable?") from error
    try:
        _prepare(connection, path)
        path.chmod(0o600)
        yield JournalFile(connection, clock)
    finally:
        connection.close()


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    try:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = full")
        version = connection.execute("pragma user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise JournalError(
                f"{path}: written by a newer Turnout (schema {version}, not {SCHEMA_VERSION}); upgrade Turnout"
            )
        if version < SCHEMA_VERSION:
            if version == 1:
                _migrate(connection)
            connection.executescript(files("pipelines.delivery").joinpath("schema.sql").read_text())
            connection.execute(f"pragma user_version = {SCHEMA_VERSION}")
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise JournalError(
            f"{path}: the journal cannot be read ({error}); restore it from a backup and run with --resync, "
            "see docs/recovery.md"
        ) from error


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables of schema 1 to schema 2, all or nothing; repeated after a crash, it finds the same rows."""
    connection.execute("begin immediate")
    for statement in MIGRATIONS:
        connection.execute(statement)
    connection.execute("commit")
