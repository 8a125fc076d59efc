"""A consistent copy of the delivery state while runs go on, and the way back from one.

The journal is copied first, the ledgers after it, each while its account's lease is held. A member of such a pair
points at a batch that the copied journal knows, or at one that it does not: that member is doubted. The other order
would let an old ledger trust a newer journal. What a restore puts in force is doubted as a whole, because the
platforms have gone on since; the next push sends and removes whatever the doubt is about.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, StringConstraints, ValidationError

from pipelines.compact import COPY_SUFFIX, copy_rows, sync_file
from pipelines.duck import open_duckdb

JOURNAL = "journal.sqlite"
MANIFEST = "backup.json"
FORMAT = 1
PASSING = ("-wal", "-shm", ".wal", ".tmp", COPY_SUFFIX, ".budget.sqlite")
"""Ends of files that are never copied: parts of an open store, half-written ones, and what is soon out of date."""


class BackupError(Exception):
    """A backup cannot be made or used; the sentence says what to do."""


class Part(BaseModel, frozen=True):
    """One file of a backup."""

    name: Annotated[str, StringConstraints(pattern=r"^[\w-][\w.-]*(/[\w-][\w.-]*)*$")]
    """Path within the state folder."""
    size: int
    sha256: str


class Manifest(BaseModel, frozen=True):
    """What a backup holds; written last, so a backup without it was cut short."""

    format: int = FORMAT
    turnout: str
    taken_at: datetime
    parts: tuple[Part, ...]

    @property
    def ledgers(self) -> list[str]:
        """The destination accounts whose ledgers are in it."""
        return [part.name.removesuffix(".duckdb") for part in self.parts if part.name.endswith(".duckdb")]


def back_up(state: Path, folder: Path, *, wait_seconds: float) -> Manifest:
    """Copy the state folder's stores into a new or empty folder, each consistent in itself.

    A push that is under way goes on; an account's ledger is waited for up to ``wait_seconds``. Nothing is left
    behind when it fails. Raises BackupError, and StoreBusy naming the process that holds a ledger.
    """
    if not any(_in_order(state)):
        raise BackupError(f"there is nothing to back up in {state}: nothing was ever pushed or pulled")
    made = not folder.exists()
    if not made and (not folder.is_dir() or any(folder.iterdir())):
        raise BackupError(f"{folder} is not empty: name a folder of its own for every backup")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    try:
        for path in _in_order(state):
            _copy(path, folder / path.relative_to(state), wait_seconds)
        manifest = Manifest(
            turnout=version("turnout"), taken_at=datetime.now(UTC), parts=tuple(_parts(folder))
        )
        _write(folder / MANIFEST, manifest.model_dump_json(indent=2).encode())
        sync_file(folder)
    except BaseException:
        _empty(folder)
        if made:
            folder.rmdir()
        raise
    return manifest


def read_backup(folder: Path) -> Manifest:
    """What a backup holds, every file checked against what was written down.

    Raises BackupError for a folder that is no backup, a newer or an incomplete one, and for a changed file.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise BackupError(f"{folder} holds no {MANIFEST}: it is no backup, or one that was cut short")
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise BackupError(
            f"{path} cannot be read: {error.error_count()} mistakes; use another backup"
        ) from None
    if manifest.format > FORMAT:
        raise BackupError(f"{folder} was made by Turnout {manifest.turnout}, which is newer; upgrade Turnout")
    for part in manifest.parts:
        copied = folder / part.name
        if not copied.is_file():
            raise BackupError(f"{copied} is missing; use another backup")
        if copied.stat().st_size != part.size or _digest(copied) != part.sha256:
            raise BackupError(f"{copied} is not what was backed up: it has changed since; use another backup")
    return manifest


def _stores(state: Path) -> list[Path]:
    """The journal and the ledgers in a state folder."""
    journal = state / JOURNAL
    return [*([journal] if journal.exists() else []), *sorted(state.glob("*.duckdb"))]


def _in_order(state: Path) -> Iterator[Path]:
    """Journal, then ledgers, then the rest: what only grows comes last, so that a copy of it misses least."""
    stores = _stores(state)
    yield from stores
    for path in sorted(state.rglob("*")):
        if path.is_file() and path not in stores and not path.name.endswith(PASSING):
            yield path


def _copy(path: Path, to: Path, wait_seconds: float) -> None:
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.suffix == ".duckdb":
        with closing(open_duckdb(path, wait_seconds=wait_seconds)) as connection:
            copy_rows(connection, to)
    elif path.suffix == ".sqlite":
        copy_sqlite(path, to)
    else:
        shutil.copyfile(path, to)
        sync_file(to)
    to.chmod(0o600)


def copy_sqlite(path: Path, to: Path) -> None:
    """A consistent copy of an SQLite file that others go on writing to.

    ``to`` may be a database that others read: it becomes the copy in one transaction. Raises BackupError for a
    damaged one.
    """
    try:
        with (
            closing(sqlite3.connect(path, timeout=30)) as source,
            closing(sqlite3.connect(to, timeout=30)) as made,
        ):
            source.backup(made)
            if made.execute("pragma integrity_check").fetchone()[0] != "ok":
                raise BackupError(f"{path} is damaged; see docs/recovery.md")
    except sqlite3.DatabaseError as error:
        raise BackupError(f"{path} cannot be copied ({error}); see docs/recovery.md") from error
    sync_file(to)


def _parts(folder: Path) -> Iterator[Part]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.endswith(PASSING):
            yield Part(
                name=path.relative_to(folder).as_posix(), size=path.stat().st_size, sha256=_digest(path)
            )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
    sync_file(path)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
