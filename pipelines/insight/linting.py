"""What is doubtful about segments, in plain words: each finding names its rule, and the mistake that it is a sign of.

The rules are those of the quality card (``pipelines.quality``); an error is what would make an audience pointless,
everything else is a warning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from pipelines.insight.explaining import definition_of
from pipelines.insight.looking import Preview
from pipelines.project import Project
from pipelines.quality.card import all_doubts
from pipelines.quality.criterion import Severity
from pipelines.quality.evidence import Evidence
from pipelines.quality.gathering import inspection
from pipelines.quality.mistakes import mistake_of
from pipelines.segments.model import Segment


@dataclass(frozen=True, slots=True)
class Finding:
    """One doubt about one segment."""

    segment: str
    rule: str
    severity: Severity
    says: str
    mistake: str | None = None
    """The usual mistake that it is a sign of, e.g. ``MIS-1``."""


def lint(project: Project, names: Iterable[str] = (), as_of: date | None = None) -> Iterator[Finding]:
    """Findings of the segments, by default of all that can be computed; errors first within each.

    Raises UnknownName, SegmentError for a broken file that is asked for.
    """
    chosen = list(names) or [segment.name for segment in project.segments]
    definitions = [definition_of(project, name) for name in chosen]
    project.need_past(definitions, as_of or project.newest_loaded() or project.newest_as_of)
    with inspection(project, as_of) as inspected:
        looked = inspected.measured(definitions)
    for one in looked:
        proxies = project.policing.proxies(one.segment)
        found = [*_findings(one), *(Finding(one.segment.name, "PRI-2", "warning", says) for says in proxies)]
        yield from sorted(found, key=lambda finding: finding.severity)


def findings(segment: Segment, looked: Preview, today: date) -> Iterator[Finding]:
    """Everything that is doubtful about a segment as it was looked at, without its past and its goal."""
    return _findings(Evidence(segment, looked, today))


def _findings(found: Evidence) -> Iterator[Finding]:
    for doubt in all_doubts(found):
        mistake = mistake_of(doubt.rule)
        yield Finding(
            found.segment.name, doubt.rule, doubt.severity, doubt.says, mistake.id if mistake else None
        )
