"""What people with certain scores are called: the map of the R package rfm (rsquaredacademy/rfm, ``rfm_segment``)."""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[int, int]
"""Lowest and highest score, 1 to 5."""


@dataclass(frozen=True, slots=True)
class Named:
    """A name and the scores that have it."""

    name: str
    recency: Range
    orders: Range
    revenue: Range


OTHERS = "Others"
"""Whom no range holds."""

MAP = (
    Named("Champions", (4, 5), (4, 5), (4, 5)),
    Named("Loyal Customers", (2, 5), (3, 5), (3, 5)),
    Named("Potential Loyalist", (3, 5), (1, 3), (1, 3)),
    Named("New Customers", (4, 5), (1, 1), (1, 1)),
    Named("Promising", (3, 4), (1, 1), (1, 1)),
    Named("Need Attention", (2, 3), (2, 3), (2, 3)),
    Named("About To Sleep", (2, 3), (1, 2), (1, 2)),
    Named("At Risk", (1, 2), (2, 5), (2, 5)),
    Named("Can't Lose Them", (1, 1), (4, 5), (4, 5)),
    Named("Lost", (1, 2), (1, 2), (1, 2)),
)
"""The ranges overlap: the first that fits is meant."""

NAMES = (*(one.name for one in MAP), OTHERS)
