"""QUA-5: other people than those of other segments."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.quality.criterion import Criterion, Doubt, Rule
from pipelines.quality.evidence import Evidence
from pipelines.warehouse.sizing import Overlap

ALIKE, THE_SAME = 0.5, 0.95
"""Jaccard index from which two segments are one concept told twice, and one segment."""

RULE = Rule("QUA-5", "distinct", f"error from Jaccard {THE_SAME} with another segment, warning from {ALIKE}")


def judge(found: Evidence) -> Criterion:
    """The Jaccard index with the likest other segment of the day."""
    overlaps = found.looked.sized.overlaps
    if not overlaps:
        return RULE.answer(0.0, "shares nobody with another segment")
    likest = overlaps[0]
    told = (
        f"likest: {likest.segment} (Jaccard {likest.jaccard:.2f}, overlap {coefficient(found, likest):.2f}, "
        f"lift {lift(found, likest):.1f})"
    )
    return RULE.answer(likest.jaccard, told, doubts(found))


def doubts(found: Evidence) -> Iterator[Doubt]:
    """Segments that are nearly the same."""
    for one in found.looked.sized.overlaps:
        if one.jaccard >= THE_SAME:
            yield RULE.error(
                f"the same people as {one.segment} (Jaccard {one.jaccard:.2f}): keep one of them"
            )
        elif one.jaccard >= ALIKE:
            yield RULE.warning(
                f"shares {one.shared:,} people with {one.segment} (Jaccard {one.jaccard:.2f}): "
                "one treatment or two?"
            )


def coefficient(found: Evidence, one: Overlap) -> float:
    """Shared people over the smaller of the two: 1 when one lies within the other."""
    smaller = min(found.looked.sized.size, one.size)
    return one.shared / smaller if smaller else 0.0


def lift(found: Evidence, one: Overlap) -> float:
    """Shared people over those that chance would give: 1 when the two have nothing to do with each other."""
    by_chance = found.looked.sized.size * one.size
    return one.shared * found.looked.sized.universe / by_chance if by_chance else 0.0
