"""FRE-2: a size that has changed for good, and not by a day's noise, asks for a review before its time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from statistics import median

RECENT, EARLIER = 7, 14
"""Computed days that are compared with those before them, and how many of those there must be at the least."""
MOVED = 0.2
"""Share of the earlier size that the typical size must have moved by."""
NOISE = 3.0
"""Times the earlier days' own noise that it must have moved by (median absolute deviation, scaled to a normal)."""
SCALED = 1.4826


def change_of_size(sizes: Sequence[tuple[date, int]]) -> str | None:
    """A sentence when the last week's typical size is another than before; None when it is not, or too few days are
    known. Medians are compared, so that one odd day is no change.
    """
    if len(sizes) < RECENT + EARLIER:
        return None
    earlier = [size for _, size in sizes[:-RECENT]][-4 * EARLIER :]
    before, now = median(earlier), median(size for _, size in sizes[-RECENT:])
    noise = SCALED * median(abs(size - before) for size in earlier)
    moved = abs(now - before)
    if moved <= max(MOVED * before, NOISE * noise):
        return None
    return f"its size has gone from about {before:,.0f} to about {now:,.0f} since {sizes[-RECENT][0]}"
