"""QUA-2: its performance can be evaluated: the goal metric is known of its people, and a test would see something."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np

from pipelines.quality.criterion import Criterion, Doubt, Rule
from pipelines.quality.evidence import Evidence, Floats, Outcome, Unknown
from pipelines.quality.metrics import HOLDOUT
from pipelines.segments.model import Segment

KNOWN = 0.95
"""Share of the members of whom the goal metric must be known."""
COARSE = 0.25
"""Relative effect above which a test of the segment says little."""
SIGNIFICANCE, POWER = 0.05, 0.8

RULE = Rule(
    "QUA-2", "measurable", f"warning when the goal metric is known for fewer than {KNOWN:.0%}, or when only effects "
    f"above {COARSE:.0%} would be seen"
)  # fmt: skip


def judge(found: Evidence) -> Criterion:
    """The smallest relative effect that a test of the segment would find."""
    if isinstance(found.outcome, Unknown):
        return RULE.unknown(found.outcome.reason)
    effect = _effect(found)
    if effect is None:
        return RULE.unknown(
            f"nobody's {found.outcome.metric.name} moved in the window, so no effect can be foreseen"
        )
    return RULE.answer(round(effect, 4), _sentence(found, found.outcome, effect), doubts(found))


def doubts(found: Evidence) -> Iterator[Doubt]:
    """Unknown for too many, or measurable only when it works wonders."""
    if isinstance(found.outcome, Unknown) or (effect := _effect(found)) is None:
        return
    if found.outcome.known < KNOWN:
        yield RULE.warning(
            f"{found.outcome.metric.name} is known for {found.outcome.known:.0%} of the people"
        )
    if effect > COARSE:
        yield RULE.warning(_sentence(found, found.outcome, effect))


def share_of(segment: Segment) -> float:
    """The share of a segment's people whom its header holds out, else the usual one."""
    return segment.holdout.share if segment.holdout is not None else HOLDOUT


def detectable(outcome: Outcome, holdout: float = HOLDOUT) -> float | None:
    """The smallest effect that a test of all members finds, relative to their mean; None where that cannot be said."""
    values = outcome.inside
    mean = float(values.mean()) if len(values) else 0.0
    if len(values) < 2 or not mean:
        return None
    return minimum_detectable_effect(values, holdout) / abs(mean)


def minimum_detectable_effect(values: Floats, holdout: float) -> float:
    """The smallest difference of means found with 80 % power at the two-sided 5 % level, in the metric's unit.

    ``values`` are the metric's of everybody in the test, of whom the share ``holdout`` is held back. The formula is
    Bloom's (Minimum Detectable Effects, Evaluation Review 19(5), 1995) for two groups of one variance:
    ``(z(1 - 0.05 / 2) + z(0.8)) * s * sqrt(1 / treated + 1 / held out)``.
    """
    held = holdout * len(values)
    treated = len(values) - held
    return _z() * float(values.std(ddof=1)) * math.sqrt(1 / treated + 1 / held)


def people_needed(outcome: Outcome, effect: float = COARSE, holdout: float = HOLDOUT) -> int | None:
    """How many people a test needs to find an effect relative to the mean; None where that cannot be said."""
    values = outcome.inside
    mean = float(np.mean(values)) if len(values) else 0.0
    if len(values) < 2 or not mean:
        return None
    ratio = _z() * float(values.std(ddof=1)) / (effect * abs(mean))
    return math.ceil(ratio**2 * (1 / holdout + 1 / (1 - holdout)))


def _z() -> float:
    normal = NormalDist()
    return normal.inv_cdf(1 - SIGNIFICANCE / 2) + normal.inv_cdf(POWER)


def _effect(found: Evidence) -> float | None:
    return None if isinstance(found.outcome, Unknown) else detectable(found.outcome, share_of(found.segment))


def _sentence(found: Evidence, outcome: Outcome, effect: float) -> str:
    return (
        f"with {share_of(found.segment):.0%} held out, {len(outcome.inside):,} people show effects on "
        f"{outcome.metric.name} from {effect:.0%} up"
    )
