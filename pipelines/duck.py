"""Opening DuckDB files that only one process may write: wait a bounded time, then say who has it."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path

import duckdb

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0

CONFINED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}
"""Settings under which SQL reaches nothing but its own database; ``lock_configuration`` then keeps them so."""


class StoreBusy(Exception):
    """Another process holds the file; the sentence names it."""


class StoreDamaged(Exception):
    """The file cannot be read; the sentence says how to go on."""


def quote(name: str) -> str:
    """A name as a quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as a quoted SQL literal, for statements that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def open_duckdb(
    path: Path, *, read_only: bool = False, wait_seconds: float = 0, config: dict[str, str] | None = None
) -> duckdb.DuckDBPyConnection:
    """Open a DuckDB file, waiting while another process holds it.

    Pauses grow and are jittered, so that several waiting processes do not starve one another. A file that was put
    in the place of another between opening and locking is opened again: nobody works on one that has no name.
    Raises StoreBusy after ``wait_seconds``, StoreDamaged when the file is not readable as a database.
    """
    deadline = time.monotonic() + wait_seconds
    pause = FIRST_PAUSE_SECONDS
    while True:
        before = _inode(path)
        try:
            connection = duckdb.connect(path, read_only=read_only, config=dict(config or {}))
            if before in (None, _inode(path)):
                return connection
            connection.close()
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise StoreDamaged(
                    f"{path}: cannot be opened: {_first_line(error)}; see docs/recovery.md"
                ) from error
            if time.monotonic() >= deadline:
                raise StoreBusy(
                    f"{path} is in use by {_holder(error)}; try again when it has ended"
                ) from error
        except (duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException) as error:
            raise StoreDamaged(f"{path}: damaged: {_first_line(error)}; see docs/recovery.md") from error
        except duckdb.Error as error:
            if says_damaged(error):
                raise StoreDamaged(f"{path}: damaged: {_first_line(error)}; see docs/recovery.md") from error
            raise
        time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _inode(path: Path) -> int | None:
    return path.stat().st_ino if path.exists() else None


def says_damaged(error: Exception) -> bool:
    """Whether a store's own complaint (DuckDB's or SQLite's) is that its file is damaged, not that it is full."""
    return re.search(r"corrupt|checksum|malformed|not a database", str(error), re.IGNORECASE) is not None


def _holder(error: Exception) -> str:
    found = re.search(r"held in (.+?) \(PID (\d+)\)", str(error))
    return f"process {found[2]} ({Path(found[1]).name})" if found else "another process"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
