"""Reading ``sources.toml``: strict, so that a slip is an error with its line, never a source left out."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from pipelines.sources import arriving
from pipelines.sources.contract import Contract
from pipelines.sources.contracts import CONTRACTS
from pipelines.sources.contracts_of_service import TRAITS
from pipelines.sources.custom import CUSTOM, Slip, custom_contract
from pipelines.sources.demo import demo_sources
from pipelines.sources.errors import SourceError, did_you_mean
from pipelines.sources.model import (
    FIRST_PARTY,
    THIRD_PARTY,
    DatabaseFile,
    Files,
    Location,
    Postgres,
    Provenance,
    Source,
)

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
TOP_LEVEL = ("root", "source", "third_party")
PLACES = ("csv", "parquet", "duckdb", "sqlite", "postgres")
CONTINUOUSLY = "continuously"
ARRIVES = ("nightly", CONTINUOUSLY)
"""When rows of a source come."""
LONGEST_NAME = 255
"""Bytes of one part of a path, on every file system in use."""
TAKEN = frozenset({"loads"})
"""Names that Turnout's own tables beside the delivered ones have."""


class _Entry(BaseModel, extra="forbid", frozen=True, strict=True):
    """One ``[source.<name>]`` table as written."""

    contract: str
    csv: str | None = None
    parquet: str | None = None
    duckdb: str | None = None
    sqlite: str | None = None
    postgres: str | None = None
    table: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    max_age_days: int | None = None
    arrives: str | None = None
    columns: dict[str, str] = {}
    granted_words: list[str] = []
    fixed: dict[str, str] = {}
    key: list[str] | None = None
    time: str | None = None
    person: str | None = None
    provenance: str | None = None


def read_sources(path: Path | None) -> tuple[Source, ...]:
    """The declared sources in the file's order; the demo's when ``path`` is None.

    Raises SourceError naming the file, the line, what was found and the nearest valid name.
    """
    if path is None:
        return demo_sources()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SourceError(
            path.name, "there is no such file", "create it, or unset TURNOUT_SOURCES for the demo data"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(path.name, f"cannot be read as UTF-8 text: {type(error).__name__}") from error
    return _Reader(path, text).sources()


class _Reader:
    """One file on its way to sources; knows the lines for its errors."""

    def __init__(self, path: Path, text: str) -> None:
        self._path = path
        self._lines = text.splitlines()
        try:
            self._document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise SourceError(path.name, f"is not valid TOML: {error}") from error

    def sources(self) -> tuple[Source, ...]:
        for key in self._document:
            if key not in TOP_LEVEL:
                raise self._error(None, key, f"unknown key {key!r}", did_you_mean(key, TOP_LEVEL))
        entries = self._document.get("source", {})
        if not isinstance(entries, dict) or not entries:
            raise SourceError(
                self._path.name, "declares no source", "add a table [source.customers]; see docs/sources.md"
            )
        found = tuple(self._source(name, entry) for name, entry in entries.items())
        if not any(source.contract.name == "customers" for source in found):
            raise SourceError(
                self._path.name,
                "no source has the contract 'customers'",
                "declare one: it says who the people are",
            )
        self._refuse_doubles(found)
        return tuple(_beside(source, found) for source in found)

    def _refuse_doubles(self, sources: tuple[Source, ...]) -> None:
        """Happenings may come from several systems; a table of things has one owner."""
        first: dict[str, str] = {}
        for source in sources:
            contract = source.contract
            if contract.time is None and contract.name in first:
                raise self._error(
                    source.name,
                    "contract",
                    f"{first[contract.name]!r} has the contract {contract.name!r} already",
                    "only contracts with a time may have several sources: join them where they are made",
                )
            first.setdefault(contract.name, source.name)

    def _source(self, name: str, written: Any) -> Source:
        if not NAME.fullmatch(name) or name in TAKEN or name.endswith("__new"):
            raise self._error(
                name,
                None,
                f"the name {name!r} is not usable",
                "use a-z, 0-9 and _, a letter first; not loads, not …__new",
            )
        if not isinstance(written, dict):
            raise self._error(name, None, "is not a table", f"write [source.{name}]")
        entry = self._entry(name, written)
        contract = self._contract(name, entry)
        if entry.max_age_days is not None and entry.max_age_days < 0:
            raise self._error(name, "max_age_days", "max_age_days is below 0", "give a number of days")
        if entry.max_age_days is not None and contract.time is None and not (entry.csv or entry.parquet):
            raise self._error(
                name,
                "max_age_days",
                f"{contract.name} has no time by which its age could be told",
                "remove it",
            )
        if entry.granted_words and contract.name != "consents":
            raise self._error(name, "granted_words", "granted_words is for consents only", "remove it")
        return Source(
            name,
            contract,
            self._location(name, entry),
            mapping={} if entry.contract == CUSTOM else self._mapping(name, entry, contract),
            max_age_days=entry.max_age_days,
            granted_words=tuple(word.strip().lower() for word in entry.granted_words),
            provenance=self._provenance(name, entry, contract),
            continuous=self._continuous(name, entry, contract),
            fixed=self._fixed(name, entry, contract),
        )

    def _provenance(self, name: str, entry: _Entry, contract: Contract) -> Provenance:
        """Own data unless it is said otherwise; bought data only where the whole file says that it may be there."""
        allowed = self._document.get("third_party", False)
        if not isinstance(allowed, bool):
            raise self._error(None, "third_party", "third_party is neither true nor false")
        if entry.provenance is None and contract.name == TRAITS.name:
            raise self._error(
                name,
                None,
                "does not say whose data they are",
                f'provenance = "{FIRST_PARTY}" or "{THIRD_PARTY}"',
            )
        match entry.provenance:
            case None | "first_party":
                return FIRST_PARTY
            case "third_party" if allowed:
                return THIRD_PARTY
            case "third_party":
                raise self._error(
                    name,
                    "provenance",
                    "holds third-party data, and this project takes first-party data only",
                    "remove the source, or write third_party = true at the top of the file",
                )
        raise self._error(
            name,
            "provenance",
            f"unknown provenance {entry.provenance!r}",
            did_you_mean(entry.provenance, (FIRST_PARTY, THIRD_PARTY))
            or "expected first_party or third_party",
        )

    def _continuous(self, name: str, entry: _Entry, contract: Contract) -> bool:
        if entry.arrives not in (None, *ARRIVES):
            hint = did_you_mean(str(entry.arrives), ARRIVES) or f"expected {' or '.join(ARRIVES)}"
            raise self._error(name, "arrives", f"unknown word {entry.arrives!r}", hint)
        if entry.arrives != CONTINUOUSLY:
            return False
        if why := arriving.refusal(contract):
            raise self._error(name, "arrives", why, "remove it, and load the source as often as it changes")
        return True

    def _entry(self, name: str, written: dict[str, Any]) -> _Entry:
        for key in written:
            if key not in _Entry.model_fields:
                raise self._error(name, key, f"unknown key {key!r}", did_you_mean(key, _Entry.model_fields))
        try:
            return _Entry.model_validate(written)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            key = str(first["loc"][0])
            raise self._error(name, key, f"{key}: {first['msg'].lower()}") from None

    def _contract(self, name: str, entry: _Entry) -> Contract:
        if entry.contract == CUSTOM:
            try:
                return custom_contract(name, entry.columns, entry.key or [], entry.time, entry.person)
            except Slip as slip:
                raise self._error(name, slip.key, slip.found, slip.fix) from None
        for key in ("key", "time", "person"):
            if getattr(entry, key) is not None:
                raise self._error(name, key, f"{key} is set by the contract {entry.contract!r}", "remove it")
        contract = CONTRACTS.get(entry.contract)
        if contract is None:
            known = (*CONTRACTS, CUSTOM)
            raise self._error(
                name,
                "contract",
                f"unknown contract {entry.contract!r}",
                did_you_mean(entry.contract, known) or f"expected one of {', '.join(known)}",
            )
        return contract

    def _location(self, name: str, entry: _Entry) -> Location:
        places = [place for place in PLACES if getattr(entry, place) is not None]
        if len(places) != 1:
            found = " and ".join(places) or "no place"
            raise self._error(
                name, None, f"names {found}", f"say where it is by exactly one of {', '.join(PLACES)}"
            )
        place = places[0]
        if place != "csv" and (entry.delimiter or entry.encoding):
            raise self._error(name, None, "delimiter and encoding are for csv only", "remove them")
        if place in ("csv", "parquet"):
            if entry.table is not None:
                raise self._error(name, "table", "table is for databases only", "remove it")
            return self._files(name, entry)
        if not entry.table:
            raise self._error(name, None, f"a {place} source names its table", 'table = "schema.table"')
        table = tuple(entry.table.split("."))
        if place == "postgres":
            return Postgres(str(entry.postgres), table)
        kind: Literal["duckdb", "sqlite"] = "duckdb" if place == "duckdb" else "sqlite"
        return DatabaseFile(self._inside(name, kind, str(getattr(entry, place))), kind, table, self._root)

    def _files(self, name: str, entry: _Entry) -> Files:
        form: Literal["csv", "parquet"] = "csv" if entry.csv is not None else "parquet"
        delimiter = entry.delimiter or ","
        if len(delimiter) != 1:
            raise self._error(name, "delimiter", "delimiter is not a single character")
        encoding = (entry.encoding or "utf-8").lower()
        if encoding not in ("utf-8", "latin-1", "utf-16"):
            raise self._error(
                name, "encoding", f"unknown encoding {encoding!r}", "expected utf-8, latin-1 or utf-16"
            )
        path = self._inside(name, form, str(entry.csv if form == "csv" else entry.parquet))
        return Files(path, form, self._root, delimiter=delimiter, encoding=encoding)

    @property
    def _root(self) -> Path:
        root = self._document.get("root", ".")
        if not isinstance(root, str):
            raise self._error(None, "root", "root is not a text", 'root = "/data/exports"')
        return (self._path.parent / root).resolve()

    def _inside(self, name: str, key: str, written: str) -> Path:
        """The path below the root; links are resolved again when it is read."""
        if re.match(r"[a-z][a-z0-9+.-]+://", written, re.IGNORECASE):
            raise self._error(name, key, f"{key} is an address, not a file", "fetch the file first")
        if "\0" in written or any(len(part.encode()) > LONGEST_NAME for part in Path(written).parts):
            raise self._error(
                name, key, f"{key} is no path of a file", "write the path of the file or folder"
            )
        path = (self._root / written).resolve()
        if not path.is_relative_to(self._root):
            raise self._error(
                name,
                key,
                f"{key} leads outside the folder of the sources",
                'set root = "…" at the top of the file to the folder that holds them',
            )
        return path

    def _mapping(self, name: str, entry: _Entry, contract: Contract) -> Mapping[str, str]:
        for column in entry.columns:
            if column not in contract.columns:
                raise self._error(
                    name,
                    column,
                    f"the contract {contract.name!r} has no column {column!r}",
                    did_you_mean(column, contract.columns),
                )
        return entry.columns

    def _fixed(self, name: str, entry: _Entry, contract: Contract) -> Mapping[str, str]:
        """Values that every row has: of known columns, not of those that tell people or rows apart."""
        for column in entry.fixed:
            field = contract.columns.get(column)
            if field is None:
                raise self._error(
                    name,
                    column,
                    f"the contract {contract.name!r} has no column {column!r}",
                    did_you_mean(column, contract.columns),
                )
            if field.personal or column in (*contract.key, contract.person):
                raise self._error(
                    name, column, f"{column} cannot be the same for everybody", "map it to a column"
                )
            if entry.contract != CUSTOM and column in entry.columns:
                raise self._error(name, column, f"{column} is mapped and fixed", "keep one of the two")
        return entry.fixed

    def _error(self, source: str | None, key: str | None, found: str, fix: str | None = None) -> SourceError:
        where = f"{self._path.name}:{self._line_of(source, key)}"
        return SourceError(where, f"source {source}: {found}" if source else found, fix)

    def _line_of(self, source: str | None, key: str | None) -> int:
        """Line of the key, else of the source's heading, else 1: TOML's parser does not keep lines."""
        start = 0
        if source is not None:
            heading = re.compile(rf"\s*\[\s*source\s*\.\s*\"?{re.escape(source)}\"?\s*[\].]")
            start = next((n for n, line in enumerate(self._lines) if heading.match(line)), 0)
        if key is not None:
            assignment = re.compile(
                rf"(?:^|[{{,\s])\"?{re.escape(key)}\"?\s*=|^\s*\[.*\b{re.escape(key)}\s*\]"
            )
            for number in range(start, len(self._lines)):
                if assignment.search(self._lines[number]):
                    return number + 1
        return start + 1


def _beside(source: Source, all_of_them: tuple[Source, ...]) -> Source:
    """The source, knowing what others read of its file."""
    if not isinstance(source.location, Files):
        return source
    others = [
        other
        for other in all_of_them
        if other.name != source.name
        and isinstance(other.location, Files)
        and other.location.path == source.location.path
    ]
    return replace(source, read_elsewhere=frozenset().union(*(other.reads for other in others)))
