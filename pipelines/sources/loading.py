"""One source becomes one checked table; whatever is wrong with it, yesterday's table stays as it was."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date, datetime

import duckdb

from pipelines.duck import literal, quote
from pipelines.sources import demo, inspection, reading
from pipelines.sources.contract import Contract, Field
from pipelines.sources.conversion import Conversion, constant, conversion
from pipelines.sources.errors import SourceError, did_you_mean, row_list
from pipelines.sources.model import Demo, LoadReport, Source
from pipelines.sources.reading import Part

SCHEMA = "source"
SHOWN_ROWS = 3


@dataclass(frozen=True, slots=True)
class LoadedPart:
    """Where a part's rows begin in the staged table, so that a row can be found in its file again."""

    label: str
    first_row: int


def table_of(source: str) -> str:
    """Quoted name of the table that holds a source as delivered."""
    return f"{SCHEMA}.{quote(source)}"


def load_source(con: duckdb.DuckDBPyConnection, source: Source, today: date) -> LoadReport:
    """Read a source, check it against its contract, and put it in force in one step.

    ``con`` is a writable warehouse whose configuration is open. Set-based and in bounded memory. Raises
    SourceError naming file, column, the first offending rows by number and what to do.
    """
    started = time.monotonic()
    con.execute("set preserve_insertion_order = true")  # rows keep their numbers
    con.execute(f"create schema if not exists {SCHEMA}")
    staged = table_of(f"{source.name}__new")
    con.execute(f"drop table if exists {staged}")
    try:
        parts, warnings, modified = stage(con, source, staged, today)
        inspected = inspection.inspect(con, source, staged, parts, modified, today)
        before = _rows_before(con, source)
        _put_in_force(con, source, staged)
    finally:
        con.execute(f"drop table if exists {staged}")
    if before and inspected.rows * 2 < before:
        warnings = (*warnings, f"rows fell from {before:,} to {inspected.rows:,}")
    return LoadReport(
        source.name,
        source.contract.name,
        inspected.rows,
        time.monotonic() - started,
        newest=inspected.newest,
        warnings=(*warnings, *inspected.warnings),
    )


def stage(
    con: duckdb.DuckDBPyConnection, source: Source, staged: str, today: date
) -> tuple[list[LoadedPart], tuple[str, ...], datetime | None]:
    """Fill the staged table from every part; also gives warnings and the oldest part's last change."""
    columns = ", ".join(f"{quote(field.name)} {field.type}" for field in source.contract.fields)
    con.execute(f"create table {staged} ({columns})")
    parts: list[LoadedPart] = []
    warnings: dict[str, None] = {}
    modified: datetime | None = None
    rows = 0
    with reading.opened(con, source, today) as found:
        for part in found:
            conversions = _conversions(source, part)
            warnings |= dict.fromkeys(_unused_columns(source, part))
            warnings |= dict.fromkeys(_failures(con, source, part, conversions))
            parts.append(LoadedPart(part.label, rows))
            arrived = _insert(con, source.contract, part, conversions, staged)
            if part.rows is not None and arrived != part.rows:
                raise SourceError(
                    part.label,
                    f"{arrived:,} rows arrived where the file holds {part.rows:,}",
                    "check its quotes, delimiter and line ends",
                )
            rows += arrived
            if part.modified is not None:
                modified = min(modified or part.modified, part.modified)
    return parts, tuple(warnings), modified


def _conversions(source: Source, part: Part) -> list[Conversion]:
    by_lower = {name.lower(): name for name in part.columns}
    conversions: list[Conversion] = []
    for field in source.contract.fields:
        if field.name in source.fixed:
            conversions.append(constant(field, source.fixed[field.name], source.granted_words))
            continue
        wanted = source.column_of(field.name)
        column = by_lower.get(wanted.lower())
        if column is None:
            if field.required or field.name in source.mapping:
                raise _missing(source, part, field, wanted)
            continue
        found = conversion(field, column, part.columns[column], source.granted_words)
        if found is None:
            raise SourceError(
                part.label,
                f"column {column!r} is {part.columns[column]}, but {field.name} must be {field.type}",
                "convert it where the source is made, or read a view that does",
            )
        conversions.append(found)
    return conversions


def _missing(source: Source, part: Part, field: Field, wanted: str) -> SourceError:
    hint = did_you_mean(wanted, part.columns)
    fix = f'map it: columns = {{ {field.name} = "…" }}'
    return SourceError(
        part.label, f"column {wanted!r} is missing", f"{hint} {fix}" if hint else f"deliver it, or {fix}"
    )


def _unused_columns(source: Source, part: Part) -> list[str]:
    used = source.reads | source.read_elsewhere
    extra = [name for name in part.columns if name.lower() not in used]
    if not extra:
        return []
    return [f"{part.label}: {len(extra)} columns beyond the contract were not read: {', '.join(extra[:5])}"]


def _failures(
    con: duckdb.DuckDBPyConnection, source: Source, part: Part, conversions: list[Conversion]
) -> list[str]:
    """Raise for values that have not the contract's type; unknown words in a consent are only warned of."""
    fallible = [found for found in conversions if found.present is not None]
    if not fallible:
        return []
    counts = ", ".join(f"count(*) filter ({_failed(found)})" for found in fallible)
    failed = _query(con, part, f"select {counts} from {part.relation}")[0]
    warnings: list[str] = []
    for found, count in zip(fallible, failed, strict=True):
        if not count:
            continue
        if source.contract.opt_out and found.field.type == "BOOLEAN":
            warnings.append(
                f"{part.label}: {count:,} rows with an unknown word in {found.column!r}: not granted"
            )
            continue
        numbered = f"select row_number() over () as number, {_failed(found)} as failed from {part.relation}"
        rows = _query(
            con, part, f"select number from ({numbered}) where failed order by number limit {SHOWN_ROWS}"
        )
        raise SourceError(
            part.label,
            f"column {found.column!r}: {count:,} values are no {found.field.type},"
            f" first in {row_list(str(number) for (number,) in rows)}",
            _fix_of(found.field),
        )
    return warnings


def _failed(found: Conversion) -> str:
    return f"({found.present}) and ({found.value}) is null"


def _fix_of(field: Field) -> str:
    return {
        "TIMESTAMP": "write times as 2026-01-31 09:15:00, with a zone if they have one",
        "DATE": "write dates as 2026-01-31",
        "BOOLEAN": "write yes or no",
        "VARCHAR": "deliver ids as text, not as floating-point numbers",
    }.get(field.type, "write numbers with a point and without thousands separators, within the type's range")


def _insert(
    con: duckdb.DuckDBPyConnection, contract: Contract, part: Part, conversions: list[Conversion], staged: str
) -> int:
    given = {found.field.name: found.value for found in conversions}
    if contract.opt_out and "granted" in given:
        given["granted"] = f"coalesce({given['granted']}, false)"
    values = ", ".join(given.get(field.name, "null") for field in contract.fields)
    return int(_query(con, part, f"insert into {staged} select {values} from {part.relation}")[0][0])


def _query(con: duckdb.DuckDBPyConnection, part: Part, query: str) -> list[tuple[int, ...]]:
    """Run a query over a part; DuckDB's complaint about the file is told without its text, which holds values."""
    try:
        return con.execute(query).fetchall()
    except duckdb.InvalidInputException as error:
        raise SourceError(part.label, *_reader_says(str(error))) from None
    except (duckdb.IOException, duckdb.ConversionException, duckdb.SerializationException) as error:
        raise SourceError(
            part.label, f"cannot be read to its end ({type(error).__name__})", "deliver it again, whole"
        ) from None


def _reader_says(message: str) -> tuple[str, str]:
    """The CSV reader's message cut down to its line and its kind."""
    lines = message.splitlines()
    at = lines[0].partition("Line: ")[2].strip()
    place = f"line {at}: " if at.isdigit() else ""
    columns = next((line for line in lines if line.startswith("Expected Number of Columns")), None)
    if columns is not None:
        words = columns.replace("Expected Number of Columns:", "").split()
        return f"{place}{words[-1]} columns where the header has {words[0]}", "repair that line"
    kinds = (
        ("unterminated quote", "a quote is not closed", "repair that line"),
        ("Maximum line size", "a line is longer than 10 MB", "look for a quote that is never closed"),
        ("invalid state", "its lines end in two ways, or a quote is out of place", "end all lines alike"),
    )
    for word, found, fix in kinds:
        if any(word in line for line in lines if not line.startswith("Original Line")):
            return place + found, fix
    return f"{place}is not a row of this file", "check its delimiter, its quotes and its encoding"


def _rows_before(con: duckdb.DuckDBPyConnection, source: Source) -> int:
    query = "select estimated_size from duckdb_tables() where schema_name = ? and table_name = ?"
    found = con.execute(query, [SCHEMA, source.name]).fetchall()
    return int(found[0][0]) if found else 0


def _put_in_force(con: duckdb.DuckDBPyConnection, source: Source, staged: str) -> None:
    table = table_of(source.name)
    for field in source.contract.fields:
        told = field.description
        if isinstance(source.location, Demo) and demo.is_synthetic(source.name, field.name):
            told = f"{told} Provenance: synthetic."
        con.execute(f"comment on column {staged}.{quote(field.name)} is {literal(told)}")
    con.execute("begin")
    try:
        con.execute(f"drop table if exists {table}")
        con.execute(f"alter table {staged} rename to {quote(source.name)}")
        con.execute("commit")
    except BaseException:
        con.execute("rollback")
        raise
