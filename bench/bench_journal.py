"""What the journal costs: ``python -m bench.bench_journal [--members N] [--latency S] [--rounds N]``.

The same first push in batches of 500, its journal durable as shipped, in a file that no commit waits for, and in
memory. Rounds take turns; medians. "With it / without it" is within one run: its wall time by what is left of it
without the journal's commits. Threads send on while a commit waits for the disk, so the whole push gains less.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from math import ceil
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
                compare(store, Path(folder) / "state", given.members, latency, given.rounds)


def compare(store: Path, state: Path, members: int, latency: float, rounds: int) -> None:
    """The three journals before one platform."""
    found: dict[str, list[Figures]] = {kind: [] for kind in journals.KINDS}
    for _ in range(rounds):
        for kind, figures in found.items():
            shutil.rmtree(state, ignore_errors=True)
            figures.append(alone("bench.calls", "small_batches", store, state, kind))
    batches = ceil(members / journals.BATCH_ROWS)
    print(f"     {batches:,} batches, a platform that answers after {latency * 1000:g} ms:")
    wall = {kind: statistics.median(one.wall for one in figures) for kind, figures in found.items()}
    for kind, figures in found.items():
        cpu = statistics.median(one.cpu for one in figures)
        share = statistics.median(one.result / (one.wall - one.result) for one in figures)
        each = statistics.median(one.result for one in figures) / batches * 1000
        print(
            f"     journal {kind.replace('_', ' ')}: {wall[kind]:.2f} s wall, {cpu:.2f} s CPU; its commits "
            f"{each:.1f} ms a batch, with it / without it {1 + share:.2f}x"
        )
    print(f"     wall, durable / in memory: {wall['durable'] / wall['in_memory']:.2f}x", flush=True)


if __name__ == "__main__":
    main()
