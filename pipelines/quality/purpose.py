"""ACT-7, FRE-1, FRE-2, DEF-2, DEF-9, DEF-11: a name, somewhere to go, kept up to date, looked at again, a goal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from difflib import get_close_matches

from pipelines.quality.criterion import Doubt
from pipelines.quality.drift import change_of_size
from pipelines.quality.evidence import Evidence
from pipelines.quality.metrics import metric_of

QUARTER = timedelta(days=91)
"""A segment whose header names no day is reviewed so long after it was first computed."""
NAMED = 6
"""Metrics that a sentence names: those whose names are likest."""


NO_NAME = frozenset(
    {"segment", "audience", "list", "group", "people", "users", "customers", "contacts"}
    | {"test", "new", "copy", "tmp", "temp", "untitled", "final", "old", "misc"}
)
"""Words that say nothing about who is in a segment."""


def says_nobody(name: str) -> bool:
    """Whether a segment's name tells nothing of its people: ``segment_7``, ``new_list``, ``all_women``."""
    words = [word for word in re.split(r"[_\d]+", name) if word]
    return set(words) <= NO_NAME or words[0] == "all"


def review_due(found: Evidence) -> date | None:
    """The header's day, else a quarter after the first computed one; None before that."""
    if found.segment.review_by is not None:
        return found.segment.review_by
    return found.sizes[0][0] + QUARTER if found.sizes else None


def doubts(found: Evidence) -> Iterator[Doubt]:
    """What a person has to decide again."""
    segment = found.segment
    if says_nobody(segment.name):
        yield Doubt(
            "DEF-9",
            "warning",
            "its name does not say who is in it: rename the file, with formerly if it has been sent anywhere",
        )
    if not segment.syncs and segment.template is None:
        yield Doubt(
            "ACT-7", "warning", "it goes nowhere: add a [sync.<destination>], or build another segment on it"
        )
    if found.sizes and found.sizes[-1][0] < found.looked.as_of:
        behind = (found.looked.as_of - found.sizes[-1][0]).days
        yield Doubt(
            "FRE-1",
            "warning",
            f"it was last computed for {found.sizes[-1][0]}, {behind} days before {found.looked.as_of}",
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
    metric, known = found.segment.goal.metric, found.known_metrics
    likest = get_close_matches(metric, known, NAMED, cutoff=0.0)
    return (
        f"its goal metric {metric} cannot be computed, so nobody will know whether it was reached; "
        f"{len(known)} are known, among them {', '.join(likest)}"
    )
