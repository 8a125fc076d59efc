"""What is doubtful about a segment, in plain words: each finding names its rule and what it was measured against.

The thresholds are those of the usual criteria for segments (substantial, reachable, distinct, neither too broad nor too
narrow); an error is what would make an audience pointless, everything else is a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from pipelines.previewing import Preview, Reach, preview
from pipelines.project import Project
from pipelines.segments.model import Segment

Severity = Literal["error", "warning"]

FEWEST, FEW = 50, 100
"""People below which a segment does not justify a treatment of its own, and below which it hardly does."""
BROAD = 0.6
"""Share of the universe from which a segment is hardly one."""
MOST_CONDITIONS = 8
NARROWS = 0.95
"""Share of the people meeting everything else whom one condition may take away."""
ALIKE, THE_SAME = 0.5, 0.95
"""Jaccard index from which two segments are one concept told twice, and one segment."""
REACHED = 0.3
"""Share of the people who should be reachable at a destination."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One doubt about one segment."""

    segment: str
    rule: str
    severity: Severity
    says: str


def lint(project: Project, names: Iterable[str] = (), as_of: date | None = None) -> Iterator[Finding]:
    """Findings of the segments, by default of all that can be computed; errors first within each.

    Raises UnknownName, SegmentError for a broken file that is asked for.
    """
    chosen = list(names) or [segment.name for segment in project.segments]
    for name in chosen:
        looked = preview(project, name, as_of)
        (segment,) = [one for one in project.segments if one.name == name]
        found = [
            *findings(segment, looked, project.settings.current_day),
            *(Finding(name, "PRI-2", "warning", says) for says in project.policing.proxies(segment)),
        ]
        yield from sorted(found, key=lambda one: one.severity)


def findings(segment: Segment, looked: Preview, today: date) -> Iterator[Finding]:
    """Everything that is doubtful about a segment as it was looked at."""
    rules = (
        *_size(segment, looked),
        *_conditions(looked),
        *_overlaps(looked),
        *(doubt for reach in looked.reach for doubt in _reach(looked, reach)),
        *_purpose(segment, today),
    )
    for rule, severity, says in rules:
        yield Finding(segment.name, rule, severity, says)


_Doubt = tuple[str, Severity, str]


def _size(segment: Segment, looked: Preview) -> Iterator[_Doubt]:
    size, share = looked.sized.size, looked.sized.share
    least = segment.min_size or FEWEST
    if size < least:
        yield (
            "QUA-1",
            "error",
            f"{size:,} people, fewer than {least:,}: too few to be treated, or measured, by themselves",
        )
    elif size < FEW:
        yield "QUA-1", "warning", f"{size:,} people: a test on so few shows only very large effects"
    if share > BROAD:
        yield (
            "QUA-9",
            "warning",
            f"{share:.0%} of the {segment.universe}: what is done for nearly everybody needs no segment",
        )


def _conditions(looked: Preview) -> Iterator[_Doubt]:
    conditions = looked.sized.conditions or ()
    if len(conditions) > MOST_CONDITIONS:
        yield (
            "QUA-10",
            "warning",
            f"{len(conditions)} conditions: hardly anybody can say who these people are",
        )
    # With entry and exit rules conditions are those of the SQL alone.
    by_rule = looked.sized.size if looked.sized.by_rule is None else looked.sized.by_rule
    for one in conditions if len(conditions) > 1 else ():
        others = by_rule + one.only_this
        if others and one.only_this / others > NARROWS:
            yield (
                "QUA-10",
                "warning",
                f"{one.says} takes away {one.only_this / others:.0%} of those who meet everything else",
            )


def _overlaps(looked: Preview) -> Iterator[_Doubt]:
    for one in looked.sized.overlaps:
        if one.jaccard >= THE_SAME:
            yield (
                "QUA-5",
                "error",
                f"the same people as {one.segment} (Jaccard {one.jaccard:.2f}): keep one of them",
            )
        elif one.jaccard >= ALIKE:
            yield (
                "QUA-5",
                "warning",
                f"shares {one.shared:,} people with {one.segment} (Jaccard {one.jaccard:.2f}): one treatment or two?",
            )


def _reach(looked: Preview, reach: Reach) -> Iterator[_Doubt]:
    size = looked.sized.size
    if not size:
        return
    if not reach.reachable:
        yield "QUA-3", "error", f"nobody can be sent to {reach.destination}"
        return
    if reach.reachable / size < REACHED:
        yield (
            "QUA-3",
            "warning",
            f"{reach.reachable / size:.0%} of the people can be sent to {reach.destination}",
        )
    if reach.reachable < reach.min_size:
        yield (
            "QUA-1",
            "warning",
            f"{reach.destination} does not use fewer than {reach.min_size:,} matched people; "
            f"{reach.reachable:,} can be sent",
        )


def _purpose(segment: Segment, today: date) -> Iterator[_Doubt]:
    if not segment.syncs and segment.template is None:
        yield (
            "ACT-7",
            "warning",
            "it goes nowhere: add a [sync.<destination>], or build another segment on it",
        )
    if segment.review_by is not None and segment.review_by < today:
        yield "FRE-2", "warning", f"its review was due on {segment.review_by}"
        if not segment.evidence:
            yield "DEF-11", "warning", "no evidence is named for its rule, though its first review is past"
    if segment.goal.by < today:
        yield "DEF-2", "warning", f"its goal was to be reached by {segment.goal.by}"
