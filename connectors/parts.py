"""One batch as several requests: what a refusal of a later one says of the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from connectors.base import DeliveryError, Refused, Uncertain

P = TypeVar("P")
R = TypeVar("R")


def portions(items: Sequence[P], size: int) -> Iterator[Sequence[P]]:
    """Items in their order, at most ``size`` at a time."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def portions_within(
    items: Sequence[P], size: int, most_bytes: int, bytes_of: Callable[[P], int]
) -> Iterator[Sequence[P]]:
    """Items in their order, at most ``size`` at a time, and no more than so many bytes unless one alone has more."""
    start, total = 0, 0
    for at, item in enumerate(items):
        weight = bytes_of(item)
        if at > start and (at - start == size or total + weight > most_bytes):
            yield items[start:at]
            start, total = at, 0
        total += weight
    if start < len(items):
        yield items[start:]


def in_turn(parts: Iterable[P], send: Callable[[P], R]) -> list[tuple[P, R]]:
    """Send the parts of one batch, each a request of its own. Raises as ``send_by_kind``."""
    outcomes: list[tuple[P, R]] = []
    for part in parts:
        try:
            outcomes.append((part, send(part)))
        except Refused as error:
            if not outcomes:
                raise
            raise Uncertain(f"{error} (another part of the batch was taken)") from None
        except DeliveryError as error:
            error.maybe_applied = error.maybe_applied or bool(outcomes)
            raise
    return outcomes
