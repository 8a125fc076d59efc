"""First push, unchanged run and daily sync: ``python -m bench.bench_push [--members N] [--latency S] [--rounds N]``.

Prints ratios within one run beside their goals. Every measured call runs in a process of its own, against a
platform in another; the call that can be repeated on the same state is measured several times (medians).
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

from bench import warehouse
from bench.measure import Figures, alone, goal
from bench.platform import sink

CONCURRENCY = 16
BATCH_ROWS = 10_000
CHANGE_BYTES = 16 + 64 + 4 + 4
"""A change's own bytes in the ledger: member key, digest as sent, person and batch number."""
BIG = 1_000_000
"""The goals in seconds and megabytes of first push and unchanged run are for this many members."""


def main() -> None:
    """Measure one size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--latency", type=float, default=0.1, help="seconds the platform takes to answer")
    parser.add_argument("--churn", type=float, default=0.01, help="share of members that leave or join")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sink(given.latency):
        store, state = Path(folder) / "warehouse.duckdb", Path(folder) / "state"
        warehouse.make(store, given.members, given.churn)
        first_push(store, state, given.members, given.latency)
        unchanged_run(store, state, given.members, given.rounds)
        warehouse.add_second_day(store, given.members, given.churn)
        daily_sync(store, state, given.members, given.churn, given.rounds)


def first_push(store: Path, state: Path, members: int, latency: float) -> None:
    """Everybody is new."""
    bodies = shown("building the bodies alone", alone("bench.calls", "bodies", store, state))
    first = shown(f"first push of {members:,}", alone("bench.calls", "push", store, state))
    network = members / BATCH_ROWS * latency / CONCURRENCY
    goal("first push, wall / larger of bodies and network", first.wall / max(bodies.wall, network), 2.0, "x")
    print(f"     first push, CPU / building the bodies alone: {first.cpu / bodies.cpu:.2f}x")
    if members <= BIG:
        goal("first push, peak", first.peak_mb, 500, " MB")
    grown = sum(file.stat().st_size for file in state.iterdir())
    goal("first push, state grown / changes' own bytes", grown / (members * CHANGE_BYTES), 5, "x")


def unchanged_run(store: Path, state: Path, members: int, rounds: int) -> None:
    """Nobody moved: nothing is sent."""
    figures = shown("unchanged run", median(lambda: alone("bench.calls", "push", store, state), rounds))
    goal("unchanged run, wall a million members", figures.wall / max(members / BIG, 1), 1.0, " s")


def daily_sync(store: Path, state: Path, members: int, churn: float, rounds: int) -> None:
    """Some left, as many joined; each round starts from the same state."""
    before = state.with_name("before")
    state.rename(before)

    def sync() -> Figures:
        shutil.rmtree(state, ignore_errors=True)
        shutil.copytree(before, state)
        return alone("bench.calls", "push", store, state)

    numbers = median(lambda: alone("bench.calls", "join", store, before), rounds)
    keys = median(lambda: alone("bench.calls", "join_members", store, before), rounds)
    daily = median(sync, rounds)
    shown("bare full outer join, people's numbers", numbers)
    shown("bare full outer join, members' keys", keys)
    shown(f"daily sync, {churn:.0%} churn", daily)
    for what, bare in (("keys", keys), ("numbers", numbers)):
        ratio, name = daily.cpu / bare.cpu, f"daily sync, CPU / bare join of both sides' {what}"
        if members >= 10 * BIG:
            goal(name, ratio, 1.3, "x")
        else:
            print(f"     {name}: {ratio:.2f}x (the goal is for ten million: opening the stores costs 0.2 s)")
    goal("daily sync, peak", daily.peak_mb, 1000, " MB")
    own = members * churn * CHANGE_BYTES
    goal("daily sync, bytes written / changes' own bytes", daily.written_mb * 1e6 / own, 5, "x")


def median(measure: Callable[[], Figures], rounds: int) -> Figures:
    """Field by field over several rounds."""
    found = [measure() for _ in range(rounds)]
    return Figures(
        *(statistics.median(getattr(one, field.name) for one in found) for field in fields(Figures))
    )


def shown(what: str, figures: Figures) -> Figures:
    """Print the figures and hand them on."""
    print(
        f"     {what}: {figures.wall:.2f} s wall, {figures.cpu:.2f} s CPU, {figures.peak_mb:.0f} MB peak, "
        f"{figures.written_mb:.1f} MB written",
        flush=True,
    )
    return figures


if __name__ == "__main__":
    main()
