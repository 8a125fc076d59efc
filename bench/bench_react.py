"""A micro-batch beside a night: ``python -m bench.bench_react [--people N] [--touched N] [--rounds N]``.

A shop with three orders and five views a person, and a dynamic segment that holds about a third of them in a folder.
Prints how long each takes, and the work of a micro-batch as a share of a night's.
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
"""The goal: a micro-batch of a few people takes at most a quarter of the work of a night."""

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
    """A night, then micro-batches of a few."""
    project = opened(folder, people)
    night(project)
    dynamic.react(project)
    arrive(folder, 0, people, touched)
    whole = night(project)
    few = []
    for number in range(1, rounds + 1):
        arrive(folder, number, people, touched)
        few.append(timed(project))
    print(f"{people:,} people, {few[0][1].changes[0].size:,} of them in the segment, {touched} touched")
    print(f"  load, features, segments and push of a night: {whole:.2f} s of work")
    told(f"{touched} people", few)
    share = statistics.median(seconds for seconds, _ in few) / whole
    goal("a micro-batch as a share of a night", share, MOST_SHARE)


def night(project: Project) -> float:
    """Everything loaded, computed and pushed; the processor's seconds."""
    begun = time.process_time()
    project.load()
    project.compute()
    project.deliveries.sync("file", ["keen"], project.deliveries.new_run())
    return time.process_time() - begun


def timed(project: Project) -> tuple[float, Reaction]:
    """One micro-batch, with the processor's seconds that it took: waiting for others is no work of its own."""
    begun = time.process_time()
    reaction = dynamic.react(project).reaction
    return time.process_time() - begun, reaction


def told(what: str, batches: list[tuple[float, Reaction]]) -> None:
    """Micro-batches by the clock and by the processor, medians."""
    clock = statistics.median(reaction.seconds for _, reaction in batches)
    work = statistics.median(seconds for seconds, _ in batches)
    print(f"  {what}: {clock:.2f} s to the last receipt, {work:.2f} s of work")


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
            _env_file=None,
            home=folder / "home",
            sources=folder / "sources.toml",
            segment_defs=folder / "segment_defs",
            destinations={"file": "file"},
            today=TODAY,
        )
    )


if __name__ == "__main__":
    main()
