"""What is new in a source to which rows are added all day, found without reading it from its beginning.

Of a CSV file only the lines after those that were read are read; any other place is read whole once it has changed.
A row that was there before is known by its key when it is put into the table (``appending``), so that reading too much
does no harm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from adbc_driver_manager.dbapi import Error as DriverError

from pipelines.duck import quote
from pipelines.sources import reading
from pipelines.sources.contract import Contract
from pipelines.sources.errors import SourceError
from pipelines.sources.growing import START, Position, copy_new_lines, grows_by_lines
from pipelines.sources.model import DatabaseFile, Demo, Files, Postgres, Source

WRITTEN_LAST = ("", "-wal", ".wal")
"""Endings of the files in which SQLite and DuckDB keep a database and what was written last."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a part of a source stands, and how far it was read."""

    part: str
    """A file's name, or the table."""
    version: str
    """Another one whenever something is written."""
    written_at: datetime | None = None
    """When it was last written, as far as that is known."""
    position: Position = START
    """How far a CSV file was read."""


@dataclass(frozen=True, slots=True)
class News:
    """A part of a source that has changed: itself a source, to be read like any other, or nothing whole yet."""

    source: Source | None
    mark: Mark
    """How far the part is read once its rows are in the table."""


def refusal(contract: Contract) -> str | None:
    """Why rows of a contract can't be taken one by one; None: they can."""
    if contract.opt_out:
        return f"{contract.name} are always read whole, so that nobody's opt-out is missed"
    has = {"person": contract.person, "time": contract.time, "key": contract.key}
    missing = [what for what, there in has.items() if not there]
    if missing:
        return f"{contract.name} has no {' and no '.join(missing)}, so what a new row changes can't be told"
    return None


def marks(source: Source) -> tuple[Mark, ...]:
    """Where each part of a source stands now; reads no rows. Raises SourceError when it can't be reached."""
    match source.location:
        case Files() as files:
            return tuple(_of_file(path) for path in reading.paths(files))
        case DatabaseFile() as file:
            return (_of_database(file),)
        case Postgres() as place:
            return (Mark(".".join(place.table), _counted(source, place)),)
        case Demo():
            return ()


def fingerprint(standing: Mapping[str, tuple[Mark, ...]]) -> str:
    """One word for where all these sources stand; another one as soon as anything is written to any of them."""
    text = "\n".join(
        f"{name} {mark.part} {mark.version}" for name, found in sorted(standing.items()) for mark in found
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def news(source: Source, read: Mapping[str, Mark], folder: Path) -> Iterator[News]:
    """The parts of a source that have changed since they were ``read``, by name of part.

    ``folder`` takes the new lines of files and belongs to the caller. Raises SourceError.
    """
    for mark in marks(source):
        before = read.get(mark.part)
        if before is not None and before.version == mark.version:
            continue
        if isinstance(source.location, Files):
            yield _new_lines(source, source.location, mark, before.position if before else START, folder)
        else:
            yield News(source, mark)


def _of_file(path: Path) -> Mark:
    found = path.stat()
    written = datetime.fromtimestamp(found.st_mtime, UTC)
    return Mark(path.name, f"{found.st_size}:{found.st_mtime_ns}", written)


def _of_database(file: DatabaseFile) -> Mark:
    beside = [file.path.with_name(file.path.name + ending) for ending in WRITTEN_LAST]
    found = [path.stat() for path in beside if path.is_file()]
    if not found:
        raise SourceError(file.path.name, "there is no such file", "check the path in sources.toml")
    version = " ".join(f"{one.st_size}:{one.st_mtime_ns}" for one in found)
    written = datetime.fromtimestamp(max(one.st_mtime for one in found), UTC)
    return Mark(".".join(file.table), version, written)


def _counted(source: Source, place: Postgres) -> str:
    """How many rows a table of PostgreSQL has, and its newest time."""
    time = quote(source.column_of(str(source.contract.time)))
    table = ".".join(quote(name) for name in place.table)
    label = f"${place.variable}, table {'.'.join(place.table)}"
    with closing(reading.connection(place, label)) as connection, closing(connection.cursor()) as cursor:
        try:
            cursor.execute(f"select count(*), cast(max({time}) as text) from {table}")
            return " ".join(map(str, cursor.fetchone()))
        except DriverError as error:
            raise SourceError(
                label,
                f"cannot be read ({type(error).__name__})",
                "check the table's name and your rights to it",
            ) from None


def _new_lines(source: Source, files: Files, mark: Mark, since: Position, folder: Path) -> News:
    path = files.path / mark.part if files.path.is_dir() else files.path
    if not grows_by_lines(files, path):
        return News(replace(source, location=replace(files, path=path)), mark)
    piece = folder / (f"new rows of {mark.part}" if since.bytes else mark.part)
    end = copy_new_lines(path, piece, since)
    if end == since:
        return News(None, replace(mark, position=since))
    location = replace(files, path=piece, root=folder.resolve())
    return News(replace(source, location=location), replace(mark, position=end))
