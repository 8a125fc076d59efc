"""What the journal costs: ``python -m bench.bench_journal [--members N] [--latency S] [--rounds N]``.

The same first push in batches of 500, its journal durable as shipped, in a file that no commit waits for, and in
memory. Rounds take turns, so that what else the machine does meets all three alike; medians.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from pathlib import Path

from bench import journals, warehouse
from bench.measure import Figures, alone
from bench.platform import sink


def main() -> None:
    """Measure one size, before a platform that answers at once and one that takes its time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=500_000)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds that the slower platform takes")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "warehouse.duckdb"
        warehouse.make(store, given.members)
        for latency in (0.0, given.latency):
            with sink(latency):
                compare(store, Path(folder) / "state", latency, given.rounds)


def compare(store: Path, state: Path, latency: float, rounds: int) -> None:
    """The three journals before one platform."""
    figures: dict[str, list[Figures]] = {kind: [] for kind in journals.KINDS}
    for _ in range(rounds):
        for kind, found in figures.items():
            shutil.rmtree(state, ignore_errors=True)
            found.append(alone("bench.calls", "small_batches", store, state, kind))
    wall = {kind: statistics.median(one.wall for one in found) for kind, found in figures.items()}
    cpu = {kind: statistics.median(one.cpu for one in found) for kind, found in figures.items()}
    batches = figures["durable"][0].result
    print(f"     {batches:,.0f} batches, a platform that answers after {latency * 1000:g} ms:")
    for kind in journals.KINDS:
        print(f"     journal {kind.replace('_', ' ')}: {wall[kind]:.2f} s wall, {cpu[kind]:.2f} s CPU")
    each = (wall["durable"] - wall["in_memory"]) / batches * 1000
    print(f"     durable against in memory: {each:.2f} ms a batch")
    print(f"     wall, durable / in memory: {wall['durable'] / wall['in_memory']:.2f}x")
    print(f"     wall, durable / unsynced: {wall['durable'] / wall['unsynced']:.2f}x", flush=True)


if __name__ == "__main__":
    main()
