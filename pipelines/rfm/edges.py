"""Where one score ends and the next begins."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Mode = Literal["quantile", "fixed", "cycle"]
"""By fifths of the day, by edges that stay, or recency as multiples of each person's own gap between purchases."""

Four = tuple[float, float, float, float]

GAPS: Four = (1.5, 2.5, 3.5, 5.0)
"""Multiples of the own gap at which recency scores end in mode ``cycle``. Who buys at random moments is silent for
more than 2.5 gaps one time in twelve, and for more than 5 one time in 150."""


class BadEdges(Exception):
    """Edges that cannot be; the sentence says what they must be."""


@dataclass(frozen=True, slots=True)
class Edges:
    """Four rising edges each: a value below the first has the first score, and so on."""

    recency: Four
    """In days since the last order, or in own gaps in mode ``cycle``."""
    orders: Four
    revenue: Four


def four(name: str, values: tuple[float, ...]) -> Four:
    """Four rising numbers, as they were given. Raises BadEdges."""
    if len(values) != 4 or any(later <= earlier for earlier, later in pairwise(values)):
        raise BadEdges(f"{name} needs four rising numbers, one for each edge between five scores")
    return (values[0], values[1], values[2], values[3])
