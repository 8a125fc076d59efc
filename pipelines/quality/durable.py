"""QUA-4: the same people tomorrow: an audience that turns over costs requests and teaches a platform nothing."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.quality.criterion import Criterion, Doubt, Rule
from pipelines.quality.evidence import Evidence, Life, Unknown
from pipelines.segments.model import Segment

TURNOVER = 0.05
"""Share of the people who may come or leave a day."""
FLAP = 0.25
"""Share of those who leave who may be back within a week."""
BACK = (1, 7, 30, 90)
"""Days back with which the people are compared."""

RULE = Rule(
    "QUA-4", "durable", f"warning when more than {TURNOVER:.0%} change a day, or more than {FLAP:.0%} of those who "
    "leave are back within a week; not for dynamic segments"
)  # fmt: skip


def judge(found: Evidence) -> Criterion:
    """Turnover a day."""
    if isinstance(found.life, Unknown):
        return RULE.unknown(found.life.reason)
    told = sentence(found.life)
    if found.life.turnover is None:
        return RULE.unknown(f"no two days in a row are known yet{told}")
    if is_dynamic(found.segment):
        told = f"dynamic, so it may move: {told}"
    return RULE.answer(round(found.life.turnover, 6), told, doubts(found))


def doubts(found: Evidence) -> Iterator[Doubt]:
    """Too many who come and leave, too many who leave and come back."""
    if isinstance(found.life, Unknown) or is_dynamic(found.segment):
        return
    if found.life.turnover is not None and found.life.turnover > TURNOVER:
        yield RULE.warning(f"{found.life.turnover:.1%} of the people change a day")
    if found.life.flap is not None and found.life.flap > FLAP:
        yield RULE.warning(f"{found.life.flap:.0%} of those who leave are back within a week")


def is_dynamic(segment: Segment) -> bool:
    """Whether a segment is meant to move: its header says ``mode = "dynamic"``, or the tag ``mode`` does."""
    return "dynamic" in (segment.mode, segment.tags.get("mode"))


def sentence(life: Life) -> str:
    """Turnover, flap and likeness in words."""
    turnover = "" if life.turnover is None else f"{life.turnover:.1%} change a day"
    flap = "" if life.flap is None else f", {life.flap:.0%} of those who leave are back within a week"
    same = ", ".join(f"{value:.2f} after {back} days" for back, value in sorted(life.jaccard.items()))
    return turnover + flap + (f"; Jaccard {same}" if same else "")
