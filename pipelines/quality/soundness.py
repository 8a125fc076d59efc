"""DAT-12 and DAT-13: a segment is no better than the worst of the data that it reads."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.quality.criterion import Doubt
from pipelines.quality.evidence import Evidence, Unknown


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
