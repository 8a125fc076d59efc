"""QUA-7: the treatment of its own beats the generic one, against people who were held out."""

from __future__ import annotations

from pipelines.quality.criterion import Criterion, Rule
from pipelines.quality.evidence import Evidence, Unknown

RULE = Rule(
    "QUA-7", "worthwhile", "warning while the interval of the lift against the holdout is not above 0"
)


def judge(found: Evidence) -> Criterion:
    """The lift of the segment's treatment, once somebody was held out and it was measured."""
    if isinstance(found.lift, Unknown):
        return RULE.unknown(found.lift.reason)
    lift = found.lift
    up = lift.low > 0 if found.segment.goal.direction == "up" else lift.high < 0
    told = f"{lift.effect:+.1%} against the holdout ({lift.low:+.1%} to {lift.high:+.1%})"
    return RULE.answer(lift.effect, told, [] if up else [RULE.warning(told)])
