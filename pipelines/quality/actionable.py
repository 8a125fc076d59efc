"""QUA-3: the people can be reached where the segment is sent."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.quality.criterion import Criterion, Doubt, Rule
from pipelines.quality.evidence import Evidence

REACHED = 0.3
"""Share of the people who should be reachable at a destination."""

RULE = Rule(
    "QUA-3", "actionable", f"error when nobody can be sent to a destination, warning below {REACHED:.0%}"
)


def judge(found: Evidence) -> Criterion:
    """The smallest share of the people that a destination of the segment could be sent."""
    size = found.looked.sized.size
    if not found.looked.reach:
        return RULE.unknown("it has no destination yet")
    if not size:
        return RULE.unknown("there is nobody to reach")
    share = min(one.reachable for one in found.looked.reach) / size
    return RULE.answer(round(share, 4), f"at least {share:.0%} can be sent everywhere", doubts(found))


def doubts(found: Evidence) -> Iterator[Doubt]:
    """Destinations that could be sent nobody, or hardly anybody."""
    size = found.looked.sized.size
    for one in found.looked.reach if size else ():
        if not one.reachable:
            yield RULE.error(f"nobody can be sent to {one.destination}")
        elif one.reachable / size < REACHED:
            yield RULE.warning(f"{one.reachable / size:.0%} of the people can be sent to {one.destination}")
