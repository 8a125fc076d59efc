"""Writing a DuckDB file anew with its live rows alone.

A deleted row's bytes stay in its file: in column segments that are not rewritten, and in freed blocks that nothing
has used since. A copy made table by table holds none of them.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.duck import StoreBusy, literal, open_duckdb, quote


@dataclass(frozen=True, slots=True)
class _State:
    """What tells whether anybody wrote to a file."""

    inode: int
    size: int
    changed_ns: int
    has_log: bool


COPY_SUFFIX = ".rewritten"
"""Of a file under way; one that is left over after a crash means nothing and is overwritten."""


def copy_rows(connection: duckdb.DuckDBPyConnection, target: Path) -> None:
    """Write everything in the open database to a new file: tables, views, macros and comments, no deleted row.

    One transaction reads it all: threads that write meanwhile are not waited for, and the caller's connection keeps
    other processes out. Raises duckdb.Error, among others when the disk is full.
    """
    name = connection.execute("select current_database()").fetchall()[0][0]
    connection.execute(f"attach {literal(str(target))} as copied")
    try:
        connection.execute(f"copy from database {quote(name)} to copied")
    finally:
        connection.execute("detach copied")
    target.chmod(0o600)
    sync_file(target)


def rewrite(path: Path, *, wait_seconds: float, config: Mapping[str, str] | None = None) -> None:
    """Put a copy that holds live rows alone in the place of a DuckDB file.

    Between the copy and its renaming the file is locked again and looked at: whoever used it meanwhile keeps what
    they wrote. Raises StoreBusy then, and when another process holds the file longer than ``wait_seconds``;
    StoreDamaged as ``open_duckdb`` does.
    """
    copied = path.with_name(path.name + COPY_SUFFIX)
    copied.unlink(missing_ok=True)
    try:
        connection = open_duckdb(path, wait_seconds=wait_seconds, config=dict(config or {}))
        try:
            _settle(connection, path)
            copy_rows(connection, copied)
            as_copied = _state(path)
        finally:
            connection.close()
        _replace(path, copied, as_copied)
    finally:
        copied.unlink(missing_ok=True)


def _settle(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Bring the write-ahead log into the file, so that the file alone is what is copied and then replaced."""
    try:
        connection.execute("checkpoint")
    except duckdb.TransactionException:
        raise StoreBusy(f"{path} is being written by another thread; try again when it has ended") from None


def _replace(path: Path, copied: Path, as_copied: _State) -> None:
    """Rename under the same lock that DuckDB takes; a process that waits for it finds the new file by its name."""
    with path.open("r+b") as old:
        try:
            fcntl.lockf(old, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreBusy(f"{path} was opened by another process; try again when it has ended") from None
        if _state(path) != as_copied:
            raise StoreBusy(f"{path} was changed by another process; try again")
        os.replace(copied, path)
        sync_file(path.parent)


def _state(path: Path) -> _State:
    found = path.stat()
    log = path.with_name(f"{path.name}.wal")
    return _State(found.st_ino, found.st_size, found.st_mtime_ns, log.exists())


def sync_file(path: Path) -> None:
    """Let a file, or the names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
