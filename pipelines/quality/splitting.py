"""MIS-2: where a broad segment falls apart: the feature whose split explains most of what its goal metric does."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pipelines.quality.evidence import Floats, Splitting

CUTS = np.linspace(0.1, 0.9, 9)
"""Quantiles of a feature at which a segment is split."""
FEWEST = 50
"""People that each half must keep: smaller ones would be no segments."""


def best_split(values: Floats, features: Mapping[str, Floats]) -> Splitting | None:
    """The split with the largest gain in eta² of ``values`` (one a member, none unknown); None where none gains.

    ``features`` are columns of the same people, ``nan`` where unknown: such people go with neither half.
    """
    total = float(((values - values.mean()) ** 2).sum()) if len(values) else 0.0
    if not total:
        return None
    found = [
        split
        for name, column in features.items()
        for bound in _bounds(column)
        if (split := _split(values, name, column, bound, total)) is not None
    ]
    return max(found, key=lambda one: (one.gain, one.feature), default=None)


def _bounds(column: Floats) -> list[float]:
    known = column[~np.isnan(column)]
    return sorted({float(bound) for bound in np.quantile(known, CUTS)}) if len(known) >= 2 * FEWEST else []


def _split(values: Floats, name: str, column: Floats, bound: float, total: float) -> Splitting | None:
    below, above = values[column < bound], values[column >= bound]
    if min(len(below), len(above)) < FEWEST:
        return None
    middle = float(np.concatenate([below, above]).mean())
    gained = (
        len(below) * (float(below.mean()) - middle) ** 2 + len(above) * (float(above.mean()) - middle) ** 2
    )
    return Splitting(name, bound, len(below), len(above), gained / total) if gained else None
