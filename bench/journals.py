"""Journals that promise less, to be measured beside the real one: never to be used for a delivery that matters."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.delivery import journal, journal_file
from pipelines.delivery.journal_file import Clock, JournalFile, utc_now

BATCH_ROWS = 500
"""Rows in a batch, few, so that the journal is asked often: what Mailchimp takes."""

KINDS = ("durable", "unsynced", "in_memory")

Opener = Callable[[Path, Clock], AbstractContextManager[JournalFile]]


@dataclass
class Spent:
    """Wall seconds inside the journal's commits, waits for the disk included."""

    seconds: float = 0.0


@contextmanager
def kept(kind: str) -> Iterator[Spent]:
    """Deliveries within the block journal as asked.

    ``durable`` as shipped; ``unsynced`` in the same file, but no commit waits for the disk, so that a power cut may
    take any of them; ``in_memory`` in no file at all, so that the end of the process takes all. Yields the seconds
    that went into its commits.
    """
    shipped: Opener = journal.open_journal_file
    openers: dict[str, Opener] = {"durable": shipped, "unsynced": _unsynced, "in_memory": _in_memory}
    commit = JournalFile.commit
    spent = Spent()

    @contextmanager
    def timed(file: JournalFile, name: str) -> Iterator[sqlite3.Connection]:
        begun = time.perf_counter()
        with commit(file, name) as connection:
            yield connection
        spent.seconds += time.perf_counter() - begun

    journal.open_journal_file, JournalFile.commit = openers[kind], timed  # type: ignore[method-assign]
    try:
        yield spent
    finally:
        journal.open_journal_file, JournalFile.commit = shipped, commit  # type: ignore[method-assign]


@contextmanager
def _unsynced(path: Path, clock: Clock = utc_now) -> Iterator[JournalFile]:
    with journal_file.open_journal_file(path, clock) as file:
        file.connection.execute("pragma synchronous = off")
        yield file


@contextmanager
def _in_memory(path: Path, clock: Clock = utc_now) -> Iterator[JournalFile]:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        journal_file._prepare(connection, path)
        yield JournalFile(connection, clock)
    finally:
        connection.close()
