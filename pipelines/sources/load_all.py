"""Loading everything that is declared: a broken source stops itself, never its neighbours."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.duck import open_duckdb
from pipelines.sources import demo
from pipelines.sources.errors import SourceError
from pipelines.sources.loading import SCHEMA, load_source
from pipelines.sources.model import Demo, LoadReport, Source
from pipelines.sources.people import PeopleReport, build_people
from pipelines.sources.tombstones import Tombstones

LOG = f"{SCHEMA}.loads"
CREATE_LOG = f"""
create schema if not exists {SCHEMA};

create table if not exists {LOG} (
  source varchar not null,
  contract varchar not null,
  loaded_at timestamptz not null,
  rows bigint not null,
  newest timestamp,
  error varchar,
  stops_delivery boolean not null
);
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """One step of a load: ``report`` is None while it is under way."""

    step: str
    """The source's name, or ``people``."""
    number: int
    """1-based."""
    of: int
    report: LoadReport | PeopleReport | None = None


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Loaded:
    """Everything one load did."""

    reports: tuple[LoadReport, ...]
    people: PeopleReport

    @property
    def failed(self) -> tuple[LoadReport, ...]:
        """Sources that kept yesterday's table."""
        return tuple(report for report in self.reports if report.error is not None)

    @property
    def stops_delivery(self) -> bool:
        """Opt-outs could not be read: nothing may be added anywhere until they can."""
        return any(report.stops_delivery for report in self.reports)


@contextmanager
def open_warehouse(
    path: Path, *, memory_limit: str = "2GB", threads: int | None = None, wait_seconds: float = 60
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse open for loading: it may read files, and fetches nothing from the network by itself.

    Raises StoreBusy when another process holds it, StoreDamaged when it cannot be read.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    config = {
        "memory_limit": memory_limit,
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
    }
    if threads is not None:
        config["threads"] = str(threads)
    con = open_duckdb(path, wait_seconds=wait_seconds, config=config)
    try:
        con.execute("set TimeZone = 'UTC'")
        yield con
    finally:
        con.close()


def load_all(
    con: duckdb.DuckDBPyConnection,
    sources: Sequence[Source],
    today: date,
    progress: OnProgress | None = None,
    *,
    only: Collection[str] | None = None,
    tombstones: Tombstones | None = None,
    pulled: pa.Table | None = None,
) -> Loaded:
    """Load every source, or ``only`` some by name, then rebuild people from what is in force of all.

    A report carries the error of a source that failed. Raises SourceError only when the demo's package is missing,
    for then there is nothing to load at all.
    """
    told = progress or _silently
    chosen = [source for source in sources if only is None or source.name in only]
    total = len(chosen) + 1
    con.execute(CREATE_LOG)
    is_demo = any(isinstance(source.location, Demo) for source in chosen)
    reports: list[LoadReport] = []
    with demo.prepared(con) if is_demo else nullcontext():
        for number, source in enumerate(chosen, start=1):
            told(Progress(source.name, number, total))
            report = load_or_report(con, source, today)
            reports.append(report)
            told(Progress(source.name, number, total, report))
    told(Progress("people", total, total))
    people = build_people(con, sources, today, tombstones, pulled)
    told(Progress("people", total, total, people))
    return Loaded(tuple(reports), people)


def load_demo(con: duckdb.DuckDBPyConnection, today: date, progress: OnProgress | None = None) -> Loaded:
    """The demo data as they stood on the evening of ``today``: nothing that happened later is visible."""
    return load_all(con, demo.demo_sources(), today, progress)


def load_or_report(con: duckdb.DuckDBPyConnection, source: Source, today: date) -> LoadReport:
    """Load one source; its error becomes part of the report. Either way the load is written down."""
    started = time.monotonic()
    con.execute(CREATE_LOG)
    try:
        report = load_source(con, source, today)
    except SourceError as error:
        report = LoadReport(
            source.name,
            source.contract.name,
            0,
            time.monotonic() - started,
            error=str(error),
            stops_delivery=source.contract.opt_out,
        )
    con.execute(
        f"insert into {LOG} values (?, ?, now(), ?, ?, ?, ?)",
        [report.source, report.contract, report.rows, report.newest, report.error, report.stops_delivery],
    )
    return report


def _silently(progress: Progress) -> None:
    """Nobody asked."""
