"""The moments of delivery between which a process may die, each with a name.

Every commit to journal or ledger and every request to a platform passes three of them or two: ``before``,
``open`` (inside, nothing committed yet) and ``after``; a request ``before`` and ``answered``. In production
nobody watches. Tests watch, and end the process there: the list of names is read from the code, so a boundary
that no test visits is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Watcher = Callable[[str], None]
"""Called with the name of a boundary, ``store.step.moment``, when delivery reaches it."""

_watchers: list[Watcher] = []


def reached(boundary: str) -> None:
    """Delivery stands at a boundary."""
    for watcher in _watchers:
        watcher(boundary)


@contextmanager
def observe(watcher: Watcher) -> Iterator[None]:
    """Let ``watcher`` see every boundary that is reached inside the block, in any thread."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


@contextmanager
def request(name: str) -> Iterator[None]:
    """A request's boundaries: before it leaves, and when it has been answered, well or badly."""
    reached(f"platform.{name}.before")
    try:
        yield
    finally:
        reached(f"platform.{name}.answered")


@contextmanager
def step(store: str, name: str) -> Iterator[None]:
    """A commit's boundaries before and after it; what it writes calls ``reached`` for the one inside."""
    reached(f"{store}.{name}.before")
    yield
    reached(f"{store}.{name}.after")
