"""ACT-7, FRE-2, DEF-2 and DEF-11: it goes somewhere, is looked at again, and its goal can be told reached or not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from pipelines.quality.criterion import Doubt
from pipelines.quality.drift import change_of_size
from pipelines.quality.evidence import Evidence
from pipelines.quality.metrics import metric_of

QUARTER = timedelta(days=91)
"""A segment whose header names no day is reviewed so long after it was first computed."""
NAMED = 12
"""Metrics that a sentence names."""


def review_due(found: Evidence) -> date | None:
    """The header's day, else a quarter after the first computed one; None before that."""
    if found.segment.review_by is not None:
        return found.segment.review_by
    return found.sizes[0][0] + QUARTER if found.sizes else None


def doubts(found: Evidence) -> Iterator[Doubt]:
    """What a person has to decide again."""
    segment = found.segment
    if not segment.syncs:
        yield Doubt(
            "ACT-7", "warning", "it goes nowhere: add a [sync.<destination>], or build another segment on it"
        )
    yield from _review(found)
    if segment.goal.by < found.today:
        yield Doubt("DEF-2", "warning", f"its goal was to be reached by {segment.goal.by}")
    if found.known_metrics and metric_of(segment.goal.metric, found.known_metrics) is None:
        yield Doubt("DEF-2", "warning", _unknown_metric(found))


def _review(found: Evidence) -> Iterator[Doubt]:
    due = review_due(found)
    if due is not None and due < found.today:
        yield Doubt("FRE-2", "warning", f"its review was due on {due}")
        if not found.segment.evidence:
            yield Doubt(
                "DEF-11", "warning", "no evidence is named for its rule, though its first review is past"
            )
    change = change_of_size(found.sizes)
    if change is not None:
        yield Doubt("FRE-2", "warning", f"{change}: look at it before its review")


def _unknown_metric(found: Evidence) -> str:
    known = found.known_metrics
    more = f" … ({len(known) - NAMED} more, see docs/quality.md)" if len(known) > NAMED else ""
    return (
        f"its goal metric {found.segment.goal.metric} cannot be computed, so nobody will know whether it was reached; "
        f"known are {', '.join(known[:NAMED])}{more}"
    )
