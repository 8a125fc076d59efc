"""QUA-8: being in the segment tells something about the goal metric in the next window."""

from __future__ import annotations

import numpy as np

from pipelines.quality.criterion import Criterion, Rule
from pipelines.quality.evidence import Evidence, Outcome, Unknown

LITTLE_VARIANCE, LITTLE_ORDER = 0.01, 0.55
"""Adjusted eta² of an amount, and AUC of a rate, below which the segment says next to nothing."""

RULE = Rule(
    "QUA-8", "predictive", f"warning below adjusted eta² {LITTLE_VARIANCE}, or AUC {LITTLE_ORDER} for a rate"
)  # fmt: skip


def judge(found: Evidence) -> Criterion:
    """AUC for a rate, adjusted eta² for an amount, of membership against the metric of everybody."""
    if isinstance(found.outcome, Unknown):
        return RULE.unknown(found.outcome.reason)
    outcome = found.outcome
    is_rate = outcome.metric.kind == "rate"
    measured = auc(outcome) if is_rate else adjusted_eta_squared(outcome)
    if measured is None:
        return RULE.unknown(f"{outcome.metric.name} was the same for everybody after {outcome.day}")
    least = LITTLE_ORDER if is_rate else LITTLE_VARIANCE
    what = "AUC" if is_rate else "adjusted eta²"
    told = f"{what} {measured:.3f} for {outcome.metric.name} after {outcome.day}"
    weak = f"{told}: who is in it says next to nothing about its goal"
    return RULE.answer(round(measured, 4), told, [RULE.warning(weak)] if measured < least else [])


def auc(outcome: Outcome) -> float | None:
    """How well membership orders people by a rate, in the direction that it does: 0.5 for not at all, to 1.

    Of one yes-or-no feature the area under the curve is ``(1 + sensitivity - false positive rate) / 2``.
    """
    known = ~np.isnan(outcome.values)
    did, member = outcome.values[known] > 0, outcome.member[known]
    if not did.any() or did.all():
        return None
    area = (1 + float(member[did].mean()) - float(member[~did].mean())) / 2
    return max(area, 1 - area)


def adjusted_eta_squared(outcome: Outcome) -> float | None:
    """Share of an amount's variance that membership explains, less what chance would (Kelley's epsilon², 1935)."""
    known = ~np.isnan(outcome.values)
    values, member = outcome.values[known], outcome.member[known]
    n = len(values)
    if n < 3 or not member.any() or member.all() or not values.var():
        return None
    explained = float(np.corrcoef(values, member.astype(np.float64))[0, 1]) ** 2
    return 1 - (1 - explained) * (n - 1) / (n - 2)
