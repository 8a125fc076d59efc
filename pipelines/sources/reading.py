"""Reaching a source: each part of it becomes a relation that DuckDB can read, and read again."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from adbc_driver_manager.dbapi import Error as DriverError

from pipelines.duck import literal, quote
from pipelines.sources import demo, text_files
from pipelines.sources.errors import SourceError, did_you_mean
from pipelines.sources.growing import START, copy_new_lines, grows_by_lines
from pipelines.sources.model import DatabaseFile, Demo, Files, Postgres, Source

SUFFIXES: Mapping[str, tuple[str, ...]] = {"csv": (".csv", ".csv.gz"), "parquet": (".parquet",)}
RAW = 'temp."raw source"'
ATTACHED = "attached_source"


@dataclass(frozen=True, slots=True)
class Part:
    """One file, or one table, of a source."""

    label: str
    """What messages call it: a file's name or a table, never a whole path or an address."""
    relation: str
    """SQL that can stand after ``from``, as often as wanted."""
    columns: Mapping[str, str]
    """Its own column names with their DuckDB types."""
    rows: int | None = None
    """How many rows it must give, where that is known another way."""
    modified: datetime | None = None
    """When a file was last written."""


@contextmanager
def opened(con: duckdb.DuckDBPyConnection, source: Source, today: date) -> Iterator[Iterator[Part]]:
    """The source's parts, in order, while the block runs. Raises SourceError."""
    match source.location:
        case Files() as files if source.continuous:
            with whole_lines(files) as settled:
                yield (_file_part(con, of, path) for of, path in settled)
        case Files() as files:
            yield (_file_part(con, files, path) for path in paths(files))
        case DatabaseFile(kind="duckdb") as file:
            with _attached(con, file) as part:
                yield iter([part])
        case DatabaseFile() | Postgres() as place:
            with _streamed(con, place) as part:
                yield iter([part])
        case Demo():
            with demo.prepared(con):
                yield iter([_demo_part(con, source, today)])


def _demo_part(con: duckdb.DuckDBPyConnection, source: Source, today: date) -> Part:
    """The demo's table as it was known on the evening of ``today``: what came later has not happened yet."""
    time = "created_at" if source.contract.name == "customers" else source.contract.time
    query = demo.statement(source.name)
    if time is not None:
        day_after = (today + timedelta(days=1)).isoformat()
        query = f"select * from (\n{query}\n) where {quote(time)} < timestamp '{day_after}'"
    relation = f"(\n{query}\n)"
    return Part(f"demo table {source.name}", relation, _described(con, relation))


def _described(con: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    return {name: kind for name, kind, *_ in con.execute(f"describe from {relation}").fetchall()}


# Files


def paths(files: Files) -> list[Path]:
    """The file, or the folder's parts by name; raises SourceError for anything that is not a plain file."""
    if not files.path.exists():
        raise SourceError(files.path.name, "there is no such file", "check the path in sources.toml")
    if not files.path.is_dir():
        return [_plain(files, files.path)]
    suffixes = SUFFIXES[files.format]
    paths = sorted(path for path in files.path.iterdir() if path.name.endswith(suffixes))
    if not paths:
        raise SourceError(
            files.path.name,
            f"the folder holds no {' or '.join(suffixes)} file",
            "check the path in sources.toml",
        )
    return [_plain(files, path) for path in paths]


@contextmanager
def whole_lines(files: Files) -> Iterator[Iterator[tuple[Files, Path]]]:
    """Each file, or a copy of what of it is whole now, where lines are added while it is read."""
    with tempfile.TemporaryDirectory() as folder:
        copies = replace(files, root=Path(folder).resolve())

        def settled() -> Iterator[tuple[Files, Path]]:
            for path in paths(files):
                piece = Path(folder) / path.name
                if grows_by_lines(files, path) and copy_new_lines(path, piece) != START:
                    yield copies, piece.resolve()
                else:
                    yield files, path

        yield settled()


def _plain(files: Files, path: Path) -> Path:
    real = path.resolve()
    if not real.is_relative_to(files.root):
        raise SourceError(
            path.name, "is a link that leads outside the folder of the sources", "put the file itself there"
        )
    if not stat.S_ISREG(real.stat().st_mode):
        raise SourceError(path.name, "is not a plain file", "pipes and devices cannot be read twice")
    return real


def _file_part(con: duckdb.DuckDBPyConnection, files: Files, path: Path) -> Part:
    before = path.stat()
    if before.st_size == 0:
        raise SourceError(path.name, "the file is empty (0 bytes)", "deliver it again")
    part = _csv_part(files, path) if files.format == "csv" else _parquet_part(con, path)
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise SourceError(
            path.name, "changed while it was being read", "write it elsewhere, then move it here"
        )
    return part


def _csv_part(files: Files, path: Path) -> Part:
    found = text_files.outline(path, path.name, delimiter=files.delimiter, encoding=files.encoding)
    header = [name.strip() for name in found.header]
    for number, name in enumerate(header, start=1):
        if not name:
            raise SourceError(path.name, f"column {number} has no name in the header", "name it")
        if name.lower() in (other.lower() for other in header[: number - 1]):
            raise SourceError(
                path.name, f"two columns are called {name!r}", "rename one: which is meant cannot be told"
            )
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in header)
    relation = (
        f"read_csv({literal(str(path))}, auto_detect = false, header = true, columns = {{{columns}}},"
        f" delim = {literal(files.delimiter)}, quote = '\"', escape = '\"', encoding = {literal(files.encoding)},"
        " strict_mode = true, null_padding = false, ignore_errors = false, nullstr = '',"
        " max_line_size = 10000000)"
    )
    return Part(
        path.name, relation, dict.fromkeys(header, "VARCHAR"), rows=found.rows, modified=_modified(path)
    )


def _parquet_part(con: duckdb.DuckDBPyConnection, path: Path) -> Part:
    relation = f"read_parquet({literal(str(path))})"
    try:
        columns = _described(con, relation)
        rows = con.execute(f"select num_rows from parquet_file_metadata({literal(str(path))})").fetchall()[0][
            0
        ]
    except duckdb.Error as error:
        raise SourceError(
            path.name, f"is not a readable Parquet file ({type(error).__name__})", "deliver it again, whole"
        ) from None
    return Part(path.name, relation, columns, rows=int(rows), modified=_modified(path))


def _modified(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime)


# Databases


@contextmanager
def _attached(con: duckdb.DuckDBPyConnection, file: DatabaseFile) -> Iterator[Part]:
    """A table of a DuckDB file, attached read-only."""
    path = _database_path(file)
    label = f"{path.name}, table {'.'.join(file.table)}"
    try:
        con.execute(f"attach {literal(str(path))} as {ATTACHED} (type duckdb, read_only)")
    except duckdb.Error as error:
        raise SourceError(
            path.name,
            f"cannot be opened as a DuckDB file ({type(error).__name__})",
            "check that it is one, and that no other process is writing to it",
        ) from None
    try:
        schema = file.table if len(file.table) > 1 else ("main", *file.table)
        relation = ".".join([ATTACHED, *(quote(name) for name in schema)])
        try:
            columns = _described(con, relation)
        except duckdb.Error:
            query = "select table_name from duckdb_tables() where database_name = ? union all"
            query += " select view_name from duckdb_views() where database_name = ? and not internal"
            known = [name for (name,) in con.execute(query, [ATTACHED, ATTACHED]).fetchall()]
            raise _no_table(path.name, file.table, known) from None
        yield Part(label, relation, columns, modified=_modified(path))
    finally:
        con.execute(f"detach {ATTACHED}")


@contextmanager
def _streamed(con: duckdb.DuckDBPyConnection, place: DatabaseFile | Postgres) -> Iterator[Part]:
    """A table of SQLite or PostgreSQL, copied once as a stream of Arrow batches."""
    place_name = _database_path(place).name if isinstance(place, DatabaseFile) else f"${place.variable}"
    label = f"{place_name}, table {'.'.join(place.table)}"
    table = ".".join(quote(name) for name in place.table)
    with closing(connection(place, place_name)) as opened_there, closing(opened_there.cursor()) as cursor:
        try:
            cursor.execute(f"select * from {table}")
            reader = cursor.fetch_record_batch()
        except DriverError as error:
            raise SourceError(
                label,
                f"cannot be read: {_driver_says(error)}",
                "check the table's name and your rights to it",
            ) from None
        names = list(reader.schema.names)
        con.register("arriving", reader)
        try:
            con.execute(f"create or replace temp table {RAW.removeprefix('temp.')} as from arriving")
        except (DriverError, duckdb.Error, pa.ArrowException, OSError) as error:
            raise SourceError(
                label,
                f"broke off while it was being read ({type(error).__name__})",
                "a column may change its type from row to row: cast it in a view and read the view",
            ) from None
        finally:
            con.unregister("arriving")
    try:
        columns = _described(con, RAW)
        if len(columns) != len(names):
            raise SourceError(
                label, "two columns have the same name", "rename one in a view and read the view"
            )
        yield Part(label, RAW, columns)
    finally:
        con.execute(f"drop table if exists {RAW}")


def _database_path(file: DatabaseFile) -> Path:
    if not file.path.is_file():
        raise SourceError(file.path.name, "there is no such file", "check the path in sources.toml")
    real = file.path.resolve()
    if not real.is_relative_to(file.root):
        raise SourceError(
            file.path.name,
            "is a link that leads outside the folder of the sources",
            "put the file itself there",
        )
    return real


def connection(place: DatabaseFile | Postgres, name: str) -> Any:
    """An ADBC connection that reads only. Imported here: the drivers are native libraries of some size."""
    try:
        if isinstance(place, DatabaseFile):
            import adbc_driver_sqlite.dbapi as sqlite

            return sqlite.connect(f"file:{_database_path(place)}?mode=ro")
        import adbc_driver_postgresql.dbapi as postgres

        address = os.environ.get(place.variable)
        if not address:
            raise SourceError(
                name,
                "the variable is not set",
                f"set {place.variable} to postgresql://user:password@host/database",
            )
        return postgres.connect(address)
    except DriverError as error:
        raise SourceError(
            name,
            f"cannot be reached: {type(error).__name__}",
            "check the address, the server and the password",
        ) from None


def _driver_says(error: Exception) -> str:
    """The first line of what the server said about a statement of ours: names of tables, never values."""
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


def _no_table(where: str, table: tuple[str, ...], known: list[str]) -> SourceError:
    return SourceError(where, f"there is no table {'.'.join(table)}", did_you_mean(table[-1], known))
