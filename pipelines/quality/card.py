"""The quality card of a segment: twelve criteria, whom it reaches where, how it grew, and the mistakes it shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pipelines.insight.explaining import definition_of
from pipelines.project import Project, Shown, unseen
from pipelines.quality import (
    actionable,
    distinct,
    durable,
    focused,
    homogeneous,
    measurable,
    noticed,
    predictive,
    purpose,
    soundness,
    substantial,
    worthwhile,
)
from pipelines.quality.acceptance import Accepted, accepted_of
from pipelines.quality.criterion import Criterion, Doubt
from pipelines.quality.evidence import DataState, Evidence
from pipelines.quality.gathering import inspection
from pipelines.quality.metrics import metric_of
from pipelines.segments.model import Segment

CRITERIA = (
    substantial.judge,
    measurable.judge,
    actionable.judge,
    durable.judge,
    distinct.judge,
    homogeneous.judge,
    worthwhile.judge,
    predictive.judge,
    focused.judge_breadth,
    focused.judge_narrowness,
    noticed.judge_notice,
    noticed.judge_granularity,
)
"""QUA-1 to QUA-12, in order."""


@dataclass(frozen=True, slots=True)
class Card:
    """A segment as of a day, judged."""

    found: Evidence
    criteria: tuple[Criterion, ...]
    doubts: tuple[Doubt, ...]
    """Everything that speaks against it, also beyond the twelve."""
    accepted: tuple[Accepted, ...] = ()
    """Rules that somebody accepted breaking, with who and why."""

    @property
    def errors(self) -> list[Doubt]:
        """What stops a first activation, unless it was accepted."""
        rules = {one.rule for one in self.accepted}
        return [one for one in self.doubts if one.severity == "error" and one.rule not in rules]

    @property
    def review_due(self) -> date | None:
        """When it is to be looked at again."""
        return purpose.review_due(self.found)


def judged(found: Evidence, accepted: Sequence[Accepted] = ()) -> Card:
    """The card that follows from what was found."""
    return Card(found, tuple(judge(found) for judge in CRITERIA), tuple(all_doubts(found)), tuple(accepted))


def all_doubts(found: Evidence) -> Iterator[Doubt]:
    """Everything that speaks against a segment, each thing once, in the order of the criteria."""
    yield from substantial.doubts(found)
    yield from measurable.doubts(found)
    yield from actionable.doubts(found)
    yield from durable.doubts(found)
    yield from distinct.doubts(found)
    for criterion in (homogeneous.judge(found), worthwhile.judge(found), predictive.judge(found)):
        if criterion.verdict in ("warn", "fail"):
            yield Doubt(criterion.id, "warning", criterion.sentence)
    yield from focused.breadth_doubts(found)
    yield from focused.narrowness_doubts(found)
    yield from purpose.doubts(found)
    if isinstance(found.data, DataState):
        yield from soundness.doubts(found)


def card(
    project: Project, segment: str, as_of: date | None = None, *, replay_days: int = 0, show: Shown = unseen
) -> Card:
    """Judge a segment, by default as of the newest day; nothing of it is kept.

    With ``replay_days`` the features of so many days before are built where they lack, and stay, as well as those of
    the day before the goal's last window. Raises UnknownName, SegmentError, WarehouseMissing.
    """
    definition = definition_of(project, segment)
    day = as_of or project.newest_loaded() or project.newest_as_of
    project.need_past([definition], day, show)
    if replay_days:
        _build(project, definition, day, replay_days, show)
    with inspection(project, as_of, replay=replay_days > 0) as inspected:
        (found,) = inspected.measured([definition])
    return judged(found, accepted_of(project, segment))


def _build(project: Project, segment: Segment, day: date, days: int, show: Shown) -> None:
    project.need_days([day - timedelta(days=n) for n in range(days, -1, -1)], show)
    metric = metric_of(segment.goal.metric, project.catalog["features"].columns)
    if metric is not None:
        project.need_days([day - timedelta(days=metric.days)], show)
