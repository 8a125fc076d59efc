"""Where a history's choices come from: a seeded generator, or hypothesis, which can shrink them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Draw(Protocol):
    """A source of choices."""

    def among(self, options: Sequence[T]) -> T:
        """One of several."""
        ...

    def number(self, low: int, high: int) -> int:
        """A number between two, both included."""
        ...

    def some(self, options: Sequence[T], most: int) -> list[T]:
        """Up to so many, repeats allowed."""
        ...


class Seeded:
    """The same choices for the same seed, on every machine."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def among(self, options: Sequence[T]) -> T:
        """One of several."""
        return options[self.random.randrange(len(options))]

    def number(self, low: int, high: int) -> int:
        """A number between two, both included."""
        return self.random.randint(low, high)

    def some(self, options: Sequence[T], most: int) -> list[T]:
        """Up to so many, repeats allowed."""
        return [self.among(options) for _ in range(self.number(0, most))]


class Shrinking:
    """Choices that hypothesis makes, records and simplifies; the first option is the simplest."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data

    def among(self, options: Sequence[T]) -> T:
        """One of several."""
        return self.data.draw(st.sampled_from(options))

    def number(self, low: int, high: int) -> int:
        """A number between two, both included."""
        return self.data.draw(st.integers(low, high))

    def some(self, options: Sequence[T], most: int) -> list[T]:
        """Up to so many, repeats allowed."""
        return self.data.draw(st.lists(st.sampled_from(options), max_size=most))
