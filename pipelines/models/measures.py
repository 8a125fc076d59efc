"""How good predictions were, held against what happened."""

from __future__ import annotations

import numpy as np

from pipelines.models.examples import Floats
from pipelines.models.model import Sheet

TENTHS = 10


def auc(outcome: Floats, score: Floats) -> float:
    """The chance that somebody to whom it happened was scored above somebody to whom it did not; ties count half.

    The area under the ROC curve, by the ranks (Mann and Whitney 1947). 0.5 where only one of the two is there.
    """
    positives = int(outcome.sum())
    negatives = len(outcome) - positives
    if not positives or not negatives:
        return 0.5
    _, places, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    above = ranks[outcome == 1].sum() - positives * (positives + 1) / 2
    return float(above / positives / negatives)


def brier(outcome: Floats, probability: Floats) -> float:
    """The mean squared distance between prediction and outcome (Brier 1950); 0 is perfect."""
    return float(np.mean((probability - outcome) ** 2))


def calibration(outcome: Floats, probability: Floats) -> Sheet:
    """Tenths of the people by prediction: what was predicted of them, and what happened."""
    rows = []
    for number, part in enumerate(_tenths(probability)[::-1], start=1):
        predicted, happened = float(probability[part].mean()), float(outcome[part].mean())
        rows.append((number, len(part), round(predicted, 4), round(happened, 4)))
    return Sheet("Calibration, by tenth", ("tenth", "people", "predicted", "happened"), tuple(rows))


def gain(outcome: Floats, probability: Floats) -> Sheet:
    """How much of all that happened lies in the highest tenth, the highest two, and so on."""
    total = max(outcome.sum(), 1.0)
    reached = np.cumsum([outcome[part].sum() for part in _tenths(probability)[::-1]]) / total
    rows = tuple(
        (number / TENTHS, round(float(share), 4), round(float(share) * TENTHS / number, 2))
        for number, share in enumerate(reached, start=1)
    )
    return Sheet("Gain", ("share of people", "share of outcomes", "lift"), rows)


def lift(outcome: Floats, probability: Floats) -> float:
    """How many times the base rate the highest tenth has; 1 is no better than chance."""
    rate = outcome.mean()
    return float(outcome[_tenths(probability)[-1]].mean() / rate) if rate else 1.0


def _tenths(score: Floats) -> list[np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Ten groups of nearly the same size, the lowest scores first; ties stay in the order given."""
    return np.array_split(np.argsort(score, kind="stable"), TENTHS)
