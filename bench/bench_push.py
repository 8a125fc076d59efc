"""First push, unchanged run and daily sync: ``python -m bench.bench_push [--members N] [--latency S]``.

Prints ratios within one run beside their goals. Every measured call runs in a process of its own.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from bench import warehouse
from bench.measure import Figures, alone, goal
from bench.platform import sink

CONCURRENCY = 16


def main() -> None:
    """Measure one size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds the platform takes to answer")
    parser.add_argument("--churn", type=float, default=0.01)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sink(arguments.latency):
        measure(Path(folder), arguments.members, arguments.latency, arguments.churn)


def measure(folder: Path, members: int, latency: float, churn: float) -> None:
    """Print the figures of one audience of ``members`` people."""
    store, state = folder / "warehouse.duckdb", folder / "state"
    warehouse.make(store, members, churn)
    bodies = alone("bench.calls", "bodies", store, state)
    first = alone("bench.calls", "push", store, state)
    _print(f"first push of {members:,}", first)
    network = first.result * latency / CONCURRENCY
    goal("first push, wall / larger of bodies and network", first.wall / max(bodies.wall, network), 2.0, "x")
    goal("first push, peak", first.peak_mb, 500 if members <= 1_000_000 else 1000, " MB")
    goal(
        "first push, state written / delta's bytes", first.written_mb / (members * DELTA_BYTES / 1e6), 5, "x"
    )
    unchanged = alone("bench.calls", "push", store, state)
    _print("unchanged run", unchanged)
    if members <= 1_000_000:
        goal("unchanged run, wall", unchanged.wall, 1.0, " s")
    warehouse.add_second_day(store, members, churn)
    held = shutil.copytree(state, folder / "held")
    bare = alone("bench.calls", "join", store, held)
    bare_members = alone("bench.calls", "join_members", store, held)
    daily = alone("bench.calls", "push", store, state)
    _print(f"daily sync, {churn:.0%} churn", daily)
    _print("bare full outer join, numbers", bare)
    _print("bare full outer join, member keys", bare_members)
    goal("daily sync, CPU / bare join of both sides' keys", daily.cpu / bare_members.cpu, 1.3, "x")
    print(f"     daily sync, CPU / bare join of both sides' numbers: {daily.cpu / bare.cpu:.2f}x")
    goal("daily sync, peak", daily.peak_mb, 1000, " MB")
    goal(
        "daily sync, state written / delta's bytes",
        daily.written_mb / (members * churn * DELTA_BYTES / 1e6),
        5,
        "x",
    )


DELTA_BYTES = 16 + 64 + 4 + 4
"""A member's own bytes: key, digest as text, person and batch number."""


def _print(what: str, figures: Figures) -> None:
    print(
        f"     {what}: {figures.wall:.2f} s wall, {figures.cpu:.2f} s CPU, {figures.peak_mb:.0f} MB peak, "
        f"{figures.written_mb:.1f} MB written"
    )


if __name__ == "__main__":
    main()
