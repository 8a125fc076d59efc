"""A shop's whole day: ``python -m bench.bench_catalogue [--copies 40] [--rounds 3]``.

The demo's year, every household copied with other baskets (nine of ten kept, moved up to two days, at 0.8 to 1.2 of
their amounts), is loaded from Parquet as anybody's own data would be. Then every segment of a folder, by default the
shipped ones, that reads no model's scores is computed for the newest day and held against one bare scan of the feature
table within the same run, and its quality is looked at as every night. Pushing is measured by ``bench_push``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import duckdb

from bench.measure import goal
from connectors.registry import available
from pipelines.duck import quote
from pipelines.project import Project
from pipelines.quality.night import criteria, look
from pipelines.segments.predictions import models_read
from pipelines.segments.run import Failed
from pipelines.settings import Settings
from pipelines.sources.contracts import CONTRACTS

TODAY = date(2018, 1, 1)
DAY_SECONDS = 60
"""The goal for 100,000 people on two cores, loading included."""
SCANS = 15
"""The goal for the whole catalogue, in bare scans of the feature table: a third of the segments that it has."""

DECLARED = """[source.{name}]
contract = "{name}"
parquet = "{name}.parquet"
provenance = "first_party"
"""
KEYS = ("customer_id", "order_id", "event_id", "ticket_id", "household_id", "external_id")
"""Columns that tell one copy of a household from the next."""
KEPT = "hash(order_id, copy) % 100 < 92"
AMOUNT = "cast({} * (0.8 + hash(order_id, copy, 'amount') % 400 / 1000.0) as decimal(18, 2))"
OTHERWISE: Mapping[str, str] = {
    "email": "replace(email, '@', '.' || copy || '@')",
    "ordered_at": "ordered_at - to_days(cast(hash(order_id, copy, 'day') % 3 as integer))",
    "total": AMOUNT.format("total"),
    "amount": AMOUNT.format("amount"),
}
"""Columns that a copy has otherwise."""


def main() -> None:
    """Make the shop, then measure its day."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--copies", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--segments", type=Path, help="a folder of segment files")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        make_sources(folder, arguments.copies)
        settings = Settings(
            home=folder / "home",
            sources=folder / "sources.toml",
            segment_defs=arguments.segments,
            destinations={name: name for name in available()},
            today=TODAY,
        )
        measure(Project(settings), arguments.rounds)


def make_sources(folder: Path, copies: int) -> None:
    """A Parquet file for every table of the demo, and the declaration that names them."""
    demo = Project(Settings(home=folder / "demo", today=TODAY))
    demo.load_sources()
    declared = []
    with demo.warehouse(read_only=True) as con:
        con.execute(f"create temp table copies as select n as copy from range({copies}) as numbers(n)")
        for name in _delivered(con):
            con.execute(f"copy ({_copied(con, name)}) to '{folder / name}.parquet' (format parquet)")
            declared.append(DECLARED.format(name=name))
    (folder / "sources.toml").write_text("\n".join(declared))


def _delivered(con: duckdb.DuckDBPyConnection) -> list[str]:
    found = con.execute("select table_name from duckdb_tables() where schema_name = 'source'").fetchall()
    return sorted({name for (name,) in found} & CONTRACTS.keys())


def _copied(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """Every row once a copy, under the copy's keys; a table that is about nobody in particular as it is."""
    described = con.execute(f"describe source.{quote(table)}").fetchall()
    columns = [str(column) for column, *_ in described]
    if not set(KEYS) & set(columns):
        return f"select * from source.{quote(table)}"
    made = {column: f"{quote(column)} || '-' || copy" for column in KEYS} | OTHERWISE
    replaced = ", ".join(f"{made[column]} as {quote(column)}" for column in columns if column in made)
    kept = f"where {KEPT}" if "order_id" in columns else ""
    return f"select * exclude (copy) replace ({replaced}) from source.{quote(table)}, copies {kept}"


def measure(project: Project, rounds: int) -> None:
    """Each step's wall seconds, the sum, and the catalogue against the bare scan."""
    steps: dict[str, float] = {}
    steps["load the sources and the people in them"] = _seconds(lambda: project.load_sources())
    steps["features of the day"] = _seconds(lambda: project.build_features(project.newest_as_of))
    names = [segment.name for segment in project.segments if not models_read(segment)]
    computing, scanning = [], []
    for _ in range(rounds):
        computing.append(_seconds(lambda: _compute(project, names)))
        scanning.append(_seconds(lambda: _scan(project)))
    steps[f"{len(names)} segments"] = statistics.median(computing)
    steps["the checks of their quality"] = _seconds(
        lambda: [criteria(found) for found in look(project, names, project.newest_as_of)]
    )
    people = _people(project)
    for step, seconds in steps.items():
        print(f"     {step}: {seconds:.1f} s")
    print(f"     one bare scan of every feature of {people:,} people: {statistics.median(scanning):.2f} s")
    goal(
        "the whole catalogue / one bare scan",
        steps[f"{len(names)} segments"] / statistics.median(scanning),
        SCANS,
    )
    goal(f"the whole day of {people:,} people", sum(steps.values()), DAY_SECONDS, " s")


def _seconds(call: Callable[[], object]) -> float:
    begun = time.monotonic()
    call()
    return time.monotonic() - begun


def _compute(project: Project, names: list[str]) -> None:
    outcomes = project.compute(project.newest_as_of, names)
    failed = [one.error for one in outcomes if isinstance(one, Failed)]
    if failed:
        raise SystemExit(f"{len(failed)} segments could not be computed: {failed[0]}")


def _scan(project: Project) -> None:
    """Read every value of the day's features once, and keep nothing."""
    with project.warehouse(read_only=True) as con:
        con.execute(
            "select bit_xor(hash(columns(*))) from features where as_of = $day", {"day": project.newest_as_of}
        ).fetchall()


def _people(project: Project) -> int:
    with project.warehouse(read_only=True) as con:
        return int(con.execute("select count(distinct person_no) from features").fetchall()[0][0])


if __name__ == "__main__":
    main()
