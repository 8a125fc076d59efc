"""The night's look at quality: what is cheap to know of the segments that were just computed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from pipelines.project import Project
from pipelines.quality import actionable, distinct, durable, soundness, substantial
from pipelines.quality.criterion import Criterion
from pipelines.quality.evidence import Evidence
from pipelines.quality.gathering import inspection

NIGHTLY = (substantial, actionable, durable, distinct, soundness)
"""What is checked every night, of every segment; the card has the others. Each costs a large catalogue load time."""
RULES = tuple(one.RULE for one in NIGHTLY)


def criteria(found: Evidence) -> list[Criterion]:
    """The answers to ``RULES``, in their order."""
    return [one.judge(found) for one in NIGHTLY]


def look(project: Project, names: Collection[str], day: date | None) -> list[Evidence]:
    """What is known of segments that were computed for a day, None: the newest; nothing unless it is the newest.

    Of an older day, as a backfill computes it, nothing would be shown in its place. Raises EngineError, StoreBusy.
    """
    with inspection(project, day) as inspected:
        if inspected.engine.newest_day() != inspected.day:
            return []
        computed = inspected.names & set(names)
        return inspected.computed([one for one in project.segments if one.name in computed])
