"""How long the code location loads: ``python -m bench.bench_definitions [--keys N ...]``.

A folder of segment files, each synced to two destinations, as many as make the asset keys asked for. Each load
runs in a process of its own; imports are not counted.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from pathlib import Path

from bench.measure import alone, goal, report

KEYS_PER_SEGMENT = 5
"""The segment, and for each of two destinations its changes and its audience."""
SECONDS_PER_KEY, START_SECONDS = 0.001, 0.5
"""The goal: 0.3 ms a key was measured for definitions made by few steps, and reading, parsing and checking a
segment file is allowed 3.5 ms."""

SEGMENT = """/*
title = "Segment {n}"
description = "People whose last order lies {n} days back, or more."
types = ["lifecycle"]
owner = "team:crm"
treatment = "A letter."
universe = "customers"

[goal]
metric = "repeat_purchase_rate_30d"
direction = "up"
target = "+1 point"
by = 2018-06-30

[sync.meta]
audience = "Segment {n}"

[sync.mailchimp]
audience = "Segment {n}"
*/
select person_no
from features
where days_since_last_order >= {n}
"""


def main() -> None:
    """Measure each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, nargs="+", default=[100, 1000, 5000])
    parser.add_argument("--load", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.load:
        load(arguments.load)
        return
    for keys in arguments.keys:
        with tempfile.TemporaryDirectory() as folder:
            write_segments(Path(folder), keys // KEYS_PER_SEGMENT)
            figures = alone("bench.bench_definitions", "--load", folder)
        made = int(figures.result)
        print(
            f"     {made:,} keys: {figures.cpu:.2f} s CPU, {figures.wall:.2f} s wall, {figures.peak_mb:.0f} MB peak"
        )
        goal(f"load of {made:,} keys, CPU", figures.cpu, START_SECONDS + SECONDS_PER_KEY * made, " s")


def write_segments(folder: Path, count: int) -> None:
    """That many segment files."""
    defs = folder / "segment_defs"
    defs.mkdir()
    for n in range(count):
        (defs / f"segment_{n}.sql").write_text(SEGMENT.format(n=n))


def load(folder: Path) -> None:
    """Measure building the definitions and resolving their graph, here; the result is the number of keys."""
    from pipelines.assets.graph import build_definitions
    from pipelines.settings import Settings

    warnings.simplefilter("ignore")  # Dagster's word on what it calls beta
    settings = Settings(
        home=folder / "home",
        segment_defs=folder / "segment_defs",
        destinations={"meta": "meta", "mailchimp": "mailchimp"},
    )
    report(lambda: float(len(build_definitions(settings).resolve_asset_graph().get_all_asset_keys())))


if __name__ == "__main__":
    main()
