"""QUA-1: large enough to justify a treatment of its own, at home and where it is sent."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.insight.reaching import Reach
from pipelines.quality.criterion import Criterion, Doubt, Rule
from pipelines.quality.evidence import Evidence
from pipelines.segments.model import Segment
from pipelines.segments.templates import template_of

FEWEST, FEW = 50, 100
"""People below which a segment does not justify a treatment of its own, and below which it hardly does."""

RULE = Rule(
    "QUA-1", "substantial", f"error below min_size (or {FEWEST}), warning below {FEW} or a platform's least"
)


def judge(found: Evidence) -> Criterion:
    """Size against the segment's own least, and what each platform may recognise against the platform's."""
    size = found.looked.sized.size
    return RULE.answer(size, f"{size:,} people", doubts(found))


def doubts(found: Evidence) -> Iterator[Doubt]:
    """Too few people, or fewer than a destination uses."""
    size, least = found.looked.sized.size, least_of(found.segment)
    if not size and template_of(found.segment.name, found.segment.path):
        yield RULE.warning("nobody today: a part of a template that is too small joins the rest, as it says")
    elif size < least:
        yield RULE.error(
            f"{size:,} people, fewer than {least:,}: too few to be treated, or measured, by themselves"
        )
    elif size < FEW:
        yield RULE.warning(f"{size:,} people: a test on so few shows only very large effects")
    for one in found.looked.reach:
        if size and one.reachable and one.matched < one.min_size:
            yield RULE.warning(_too_few_there(one))


def least_of(segment: Segment) -> int:
    """What a segment's header asks for, else the usual least."""
    return segment.min_size or FEWEST


def _too_few_there(one: Reach) -> str:
    least = f"{one.destination} does not use fewer than {one.min_size:,} matched people; {one.reachable:,} can be sent"
    return least if one.match == 1.0 else f"{least}, of whom about {one.matched:,} will match"
