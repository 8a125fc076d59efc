"""What an account's budget costs a request: ``python -m bench.bench_budget [--requests N] [--rounds N]``.

A turn taken and its answer noted, in memory and in a file that four processes may share, beside the same number of
requests to a platform on loopback that answers at once, over one open connection and without a budget. Rounds take
turns; medians. Then several processes at once on one file.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from bench.measure import goal
from bench.platform import PORT, sink
from connectors.base import Window
from connectors.budget import Budget, Turn
from connectors.clock import Clock
from connectors.wire import Wire

WINDOWS = {
    "no window": (),
    "one window, a day": (Window(10**9, timedelta(days=1)),),
    "two windows, a second and an hour": (
        Window(10**9, timedelta(seconds=1)),
        Window(10**9, timedelta(hours=1)),
    ),
}
MOST_SHARE = 0.25
"""The goal: at most a quarter of a request that goes nowhere. A real platform's answer takes a hundred times longer."""
PROCESSES = 4


def main() -> None:
    """Measure and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sink(0.0):
        compare(Path(folder), given.requests, given.rounds)
        together(Path(folder), given.requests)


def compare(folder: Path, requests: int, rounds: int) -> None:
    """Each kind of budget beside requests, in turns."""
    kinds: dict[str, Callable[[], None]] = {"a request on loopback, without a budget": _requests(requests)}
    for name, windows in WINDOWS.items():
        for place, path in (("in memory", None), ("in a file", folder / f"{len(kinds)}.sqlite")):
            kinds[f"{name}, {place}"] = _turns(Budget(windows, path), requests)
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind, call in kinds.items():
            begun = time.perf_counter()
            call()
            seconds[kind].append((time.perf_counter() - begun) / requests)
    each = {kind: statistics.median(found) for kind, found in seconds.items()}
    request = next(iter(each.values()))
    for kind, cost in each.items():
        print(f"     {kind}: {cost * 1e6:.0f} microseconds")
    for kind, cost in each.items():
        if kind.endswith("in a file"):
            goal(f"{kind} / a request on loopback", cost / request, MOST_SHARE, "x")


def together(folder: Path, requests: int) -> None:
    """Several processes take turns from one file as fast as they can."""
    path = folder / "shared.sqlite"
    spawned = multiprocessing.get_context("spawn")
    start = spawned.Barrier(PROCESSES + 1)
    workers = [spawned.Process(target=_worker, args=(path, requests, start)) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    start.wait()
    begun = time.perf_counter()
    for worker in workers:
        worker.join()
    each = (time.perf_counter() - begun) / (PROCESSES * requests)
    print(f"     {PROCESSES} processes at once, one window in a file: {each * 1e6:.0f} microseconds a turn")


def _worker(path: Path, requests: int, start: object) -> None:
    call = _turns(Budget(WINDOWS["one window, a day"], path), requests)
    start.wait()  # type: ignore[attr-defined]
    call()


def _turns(budget: Budget, requests: int) -> Callable[[], None]:
    def call() -> None:
        for _ in range(requests):
            turn = budget.take()
            assert isinstance(turn, Turn)
            budget.answered(turn, 0.1)

    return call


def _requests(requests: int) -> Callable[[], None]:
    wire = Wire(f"http://127.0.0.1:{PORT}", lambda request: request, 1, "Sink", 10, 10, 10)
    clock = Clock()

    def call() -> None:
        for _ in range(requests):
            wire.exchange("POST", "/add", None, b'{"data":[]}', clock)

    return call


if __name__ == "__main__":
    main()
