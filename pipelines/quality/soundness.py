"""DAT-12 and DAT-13: a segment is no better than the worst of the data that it reads."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.quality.criterion import Criterion, Doubt, Rule
from pipelines.quality.evidence import Evidence, Unknown

RULE = Rule(
    "DAT-12", "sound data", "error when a source failed or a check of what it reads does, warning by grade"
)


def judge(found: Evidence) -> Criterion:
    """The worst grade of what it reads."""
    if isinstance(found.data, Unknown):
        return RULE.unknown(found.data.reason)
    return RULE.answer(None, f"what it reads is {found.data.grade}", doubts(found))


def doubts(found: Evidence) -> Iterator[Doubt]:
    """What is wrong with its sources, its tables and its columns."""
    if isinstance(found.data, Unknown):
        return
    for reason in found.data.failed:
        yield Doubt("DAT-13", "error", f"{reason}; it is not computed, and not sent, until that is repaired")
    for reason in found.data.errors:
        yield Doubt("DAT-12", "error", reason)
    for reason in found.data.warnings:
        yield Doubt("DAT-12", "warning", reason)
