"""A declared source and the report of its load, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from pipelines.sources.contract import Contract

FIRST_PARTY: Final = "first_party"
THIRD_PARTY: Final = "third_party"
Provenance = Literal["first_party", "third_party"]
"""Whose data: told or done by people to you, or bought from somebody else."""


@dataclass(frozen=True, slots=True)
class Files:
    """CSV or Parquet: one file, or a folder of parts that are read in order of their names."""

    path: Path
    format: Literal["csv", "parquet"]
    root: Path
    """Nothing outside this folder is read, links resolved."""
    delimiter: str = ","
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class DatabaseFile:
    """A table in a DuckDB or SQLite file."""

    path: Path
    kind: Literal["duckdb", "sqlite"]
    table: tuple[str, ...]
    root: Path


@dataclass(frozen=True, slots=True)
class Postgres:
    """A table in a PostgreSQL database; the address is a secret and stays in the environment."""

    variable: str
    """Name of the environment variable that holds the connection address."""
    table: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Demo:
    """A table of the demo data, attached to the installed package deterministically."""


Location = Files | DatabaseFile | Postgres | Demo


@dataclass(frozen=True, slots=True)
class Source:
    """One table that somebody delivers."""

    name: str
    contract: Contract
    location: Location
    mapping: Mapping[str, str] = field(default_factory=dict)
    """Contract's column to the source's own name for it, where they differ."""
    max_age_days: int | None = None
    """Older than this and the load stops; None: not checked."""
    granted_words: tuple[str, ...] = ()
    """Further words that mean yes in this source (consents only)."""
    provenance: Provenance = FIRST_PARTY
    continuous: bool = False
    """Rows are added all day, and are read as soon as they are there."""
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Contract's column to the value that every row has, where the source has no such column."""
    read_elsewhere: frozenset[str] = frozenset()
    """Columns of the same file that other sources read, in lower case: nobody needs to be told that they are there."""

    @property
    def reads(self) -> frozenset[str]:
        """The names, in lower case, of the columns that it takes where they are there."""
        return frozenset(
            self.column_of(f.name).lower() for f in self.contract.fields if f.name not in self.fixed
        )

    def column_of(self, name: str) -> str:
        """What the source calls the contract's column."""
        return self.mapping.get(name, name)


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What became of one source in one load. ``error`` set: yesterday's table is still in force."""

    source: str
    contract: str
    rows: int
    seconds: float
    newest: datetime | None = None
    warnings: tuple[str, ...] = ()
    error: str | None = None
    stops_delivery: bool = False
    """The error concerns opt-outs: nothing may be added anywhere until it is repaired."""
