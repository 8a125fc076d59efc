"""A micro-batch beside computing everybody: ``python -m bench.bench_react [--people N] [--touched N] [--rounds N]``.

A shop with three orders and five views a person, and a dynamic segment that holds about a third of them in a folder.
Prints the seconds of each part, and the micro-batch as a share of the day's first one, which computes everybody.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb

from bench.measure import goal
from pipelines import dynamic
from pipelines.project import Project
from pipelines.reactions import Reaction
from pipelines.settings import Settings

TODAY = date(2026, 3, 31)
MOST_SHARE = 0.25
"""The goal: a micro-batch of a few people takes at most a quarter of computing and comparing everybody."""

SOURCES = """
[source.customers]
contract = "customers"
csv = "customers.csv"

[source.orders]
contract = "orders"
csv = "orders.csv"
arrives = "continuously"

[source.web_events]
contract = "web_events"
csv = "web_events.csv"
arrives = "continuously"

[source.consents]
contract = "consents"
csv = "consents.csv"
"""

SEGMENT = """/*
title = "Keen"
description = "Looked at three things in a fortnight."
types = ["intent"]
owner = "team:crm"
treatment = "A reminder."
universe = "customers"
mode = "dynamic"

[goal]
metric = "orders_per_month"
direction = "up"
target = "+5 %"
by = 2026-12-31

[sync.file]
audience = "Keen"
*/
select person_no
from features
where product_views_14d >= 3
"""

TABLES: Mapping[str, str] = {
    "customers": "select 'c' || n as customer_id, 'c' || n || '@example.com' as email from range({people}) as t(n)",
    "orders": """
        select 'o' || n as order_id, 'c' || (n % {people}) as customer_id,
          timestamp '2026-03-30' - to_days((n * 7919 % 300)::integer) as ordered_at, 10 + n % 90 as total
        from range(3 * {people}) as t(n)""",
    "web_events": """
        select 'w' || n as event_id, 'c' || (n * 7 // 10 % {people}) as customer_id, 'product_view' as event,
          timestamp '2026-03-30' - to_days((n * 104729 % 30)::integer) as occurred_at
        from range(5 * {people}) as t(n)""",
    "consents": """
        select 'c' || n as customer_id, 'profiling' as purpose, 'yes' as granted, timestamp '2025-01-01' as changed_at
        from range({people}) as t(n)""",
}


def main() -> None:
    """Measure one size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--touched", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), given.people, given.touched, given.rounds)


def measure(folder: Path, people: int, touched: int, rounds: int) -> None:
    """Everybody once, then micro-batches of a few."""
    project = opened(folder, people)
    project.load()
    project.compute()
    first = dynamic.react(project).reaction  # also the audience's first push
    project.load_sources([])  # people alone: the day's features stay
    project.load_sources(["consents"])  # a load came between: everybody is computed, few are pushed
    everybody = timed(project)
    few = []
    for number in range(rounds):
        arrive(folder, number, people, touched)
        few.append(timed(project))
    print(f"{people:,} people, {first.changes[0].size:,} of them in the segment, {touched} touched")
    told("everybody, nothing to push", [everybody])
    told(f"{touched} people, receipts included", few)
    share = statistics.median(seconds for seconds, _ in few) / everybody[0]
    goal("a micro-batch as a share of computing everybody", share, MOST_SHARE)


def timed(project: Project) -> tuple[float, Reaction]:
    """One micro-batch, with all the seconds that it took."""
    begun = time.perf_counter()
    reaction = dynamic.react(project).reaction
    return time.perf_counter() - begun, reaction


def told(what: str, batches: list[tuple[float, Reaction]]) -> None:
    """The parts of micro-batches in seconds, medians."""
    reactions = [reaction for _, reaction in batches]
    whole = statistics.median(seconds for seconds, _ in batches)
    load = statistics.median((one.loaded_at - one.began_at).total_seconds() for one in reactions)
    compute = statistics.median((one.computed_at - one.loaded_at).total_seconds() for one in reactions)
    push = whole - load - compute
    print(f"  {what}: load and features {load:.2f} s, segment {compute:.2f} s, compare and push {push:.2f} s")


def arrive(folder: Path, number: int, people: int, touched: int) -> None:
    """Some people look at four things."""
    with (folder / "web_events.csv").open("a") as file:
        for person in range(touched):
            name = f"c{(number * 7919 + person * 31) % people}"
            for view in range(4):
                file.write(f"n{number}-{person}-{view},{name},product_view,{TODAY} 0{view}:00:00\n")


def opened(folder: Path, people: int) -> Project:
    """The shop's files, and the project over them."""
    with duckdb.connect() as con:
        for name, query in TABLES.items():
            con.execute(f"copy ({query.format(people=people)}) to '{folder / name}.csv' (header)")
    (folder / "sources.toml").write_text(SOURCES)
    (folder / "segment_defs").mkdir()
    (folder / "segment_defs" / "keen.sql").write_text(SEGMENT)
    os.environ["TURNOUT_FILE_FOLDER"] = str(folder / "out")
    return Project(
        Settings(
            _env_file=None,  # type: ignore[call-arg]
            home=folder / "home",
            sources=folder / "sources.toml",
            segment_defs=folder / "segment_defs",
            destinations={"file": "file"},
            today=TODAY,
        )
    )


if __name__ == "__main__":
    main()
