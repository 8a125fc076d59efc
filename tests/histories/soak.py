"""As many random histories as one likes, over all cores; a failing one is named by the seed that repeats it.

make soak HISTORIES=1000          # seeds drawn anew each time; JOBS=2 takes two cores
make soak SEED=123                # exactly that history again, step by step
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import islice

from tests.histories.driver import Told, live

PROGRESS_SECONDS = 5.0
SEEDS = 2**31
EVERY_PROCESS = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def main() -> None:
    """The command line."""
    wish = _arguments()
    if wish.seed is not None:
        told = live(wish.seed)
        print(told)
        _end(1, [told] if told.failure else [])
    first = random.SystemRandom().randrange(SEEDS) if wish.first is None else wish.first
    print(f"{wish.histories} histories from seed {first} on, {wish.jobs} at a time", flush=True)
    _end(wish.histories, soak(first, wish.histories, wish.jobs))


def soak(first: int, histories: int, jobs: int) -> list[Told]:
    """Live so many histories, the seeds counted from ``first``; prints progress, returns the failures."""
    failures: list[Told] = []
    begun = shown = time.monotonic()
    for done, told in enumerate(_lived(first, histories, jobs), 1):
        if told.failure is not None:
            failures.append(told)
            print(told, flush=True)
            print(f"  again: make soak SEED={told.seed}", flush=True)
        if time.monotonic() - shown >= PROGRESS_SECONDS:
            shown = time.monotonic()
            rate = done / (shown - begun) * 60
            print(f"{done} of {histories}, {rate:.0f} a minute, {len(failures)} failures", flush=True)
    return failures


def _lived(first: int, histories: int, jobs: int) -> Iterator[Told]:
    """Histories as they end; never more under way than twice the cores, however many are asked for."""
    seeds = iter(range(first, first + histories))
    with ProcessPoolExecutor(jobs) as pool:
        under_way: set[Future[Told]] = {pool.submit(live, seed) for seed in islice(seeds, 2 * jobs)}
        while under_way:
            ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            under_way |= {pool.submit(live, seed) for seed in islice(seeds, len(ended))}
            yield from (future.result() for future in ended)


def _end(histories: int, failures: list[Told]) -> None:
    """The last line says how it went; so does the exit code."""
    if failures:
        print("seeds that fail: " + ", ".join(str(told.seed) for told in failures))
    spent = sum(resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime for who in EVERY_PROCESS)
    print(f"{spent / histories:.2f} CPU seconds a history")
    print(f"{histories} histories, {len(failures)} failures")
    sys.exit(1 if failures else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.histories.soak", description=__doc__)
    parser.add_argument("--histories", type=_positive, default=100, help="how many to live")
    parser.add_argument("--jobs", type=_positive, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument("--first", type=int, help="the first seed; drawn when not given")
    parser.add_argument("--seed", type=int, help="repeat this one and show its steps")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


if __name__ == "__main__":
    main()
