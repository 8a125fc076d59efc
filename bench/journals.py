"""Journals that promise less, to be measured beside the real one: never to be used for a delivery that matters."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from pipelines.delivery import journal, journal_file
from pipelines.delivery.journal_file import Clock, JournalFile, utc_now

BATCH_ROWS = 500
"""Rows in a batch, few, so that the journal is asked often: what Mailchimp takes."""

KINDS = ("durable", "unsynced", "in_memory")

Opener = Callable[[Path, Clock], AbstractContextManager[JournalFile]]


@contextmanager
def kept(kind: str) -> Iterator[None]:
    """Deliveries within the block journal as asked.

    ``durable`` as shipped; ``unsynced`` in the same file, but no commit waits for the disk, so that a power cut may
    take any of them; ``in_memory`` in no file at all, so that the end of the process takes all.
    """
    shipped: Opener = journal.open_journal_file
    openers: dict[str, Opener] = {"durable": shipped, "unsynced": _unsynced, "in_memory": _in_memory}
    journal.open_journal_file = openers[kind]
    try:
        yield
    finally:
        journal.open_journal_file = shipped


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
