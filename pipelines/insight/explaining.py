"""Why somebody is in a segment or is not: each condition with its values, then what every audience makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipelines.insight.why import Why, number_of, why
from pipelines.names import unknown_name
from pipelines.project import Project
from pipelines.segments.load import BrokenSegment
from pipelines.segments.model import Segment
from pipelines.segments.predictions import models_read
from pipelines.warehouse.damping import Damped
from pipelines.warehouse.judging import Answered
from pipelines.warehouse.scored import Score


@dataclass(frozen=True, slots=True)
class Explained:
    """One person and one segment on a day."""

    segment: str
    as_of: date
    is_member: bool
    """By the segment's SQL, its entry and exit rules and its waterfall, run now for that day."""
    since: date | None
    """The first of the computed days up to it on all of which they were in; None: not in, or not computed."""
    conditions: tuple[Answered, ...] | None
    """None: the SQL is no plain list of conditions. Empty: nothing is known of the person that day."""
    audiences: tuple[Why, ...]
    """Consent, suppression and receipts, wherever the segment goes."""
    damped: Damped | None = None
    """What its entry and exit rules make of them; None where there are none, or they do not concern this person."""
    taken_by: str | None = None
    """The segment of its waterfall that has them first."""
    waterfall: str | None = None
    scores: tuple[Score, ...] = ()
    """What the models that the segment reads say of them, with the reasons."""
    asks_models: bool = False
    """Whether the segment reads any model's scores."""

    @property
    def sentence(self) -> str:
        """The answer in plain words."""
        if self.is_member:
            since = f", since {self.since}" if self.since else ""
            return f"In {self.segment} on {self.as_of}{since}{_kept(self.damped)}."
        if self.taken_by is not None:
            return f"Not in {self.segment} on {self.as_of}: taken by {self.taken_by} (waterfall {self.waterfall})."
        if self.damped is not None:
            return (
                f"Not in {self.segment} on {self.as_of}: they would be, but left it lately, and come back on "
                f"{self.damped.until} at the earliest."
            )
        if self.conditions is None:
            return f"Not in {self.segment} on {self.as_of}."
        if not self.conditions:
            unknown = "no model speaks of them" if self.asks_models else "nothing is known of them"
            return f"Not in {self.segment} on {self.as_of}: {unknown} on that day."
        missed = [one.says for one in self.conditions if not one.holds]
        return f"Not in {self.segment} on {self.as_of}: {len(missed)} of {len(self.conditions)} conditions not met."


def _kept(damped: Damped | None) -> str:
    """Why somebody is in whom the SQL does not hold any more, and for how long."""
    if damped is None or damped.by == "rule":
        return ""
    last = f"the SQL last held on {damped.held_on}"
    if damped.by == "grace":
        return f", by grace: {last}; they leave on {damped.until} if it does not hold again"
    leaves = f"they leave on {damped.until} at the latest if it does not hold again"
    return f", not yet sent away by exit_when: {last}; {leaves}"


def explain(project: Project, person: str, segment: str, as_of: date | None = None) -> Explained:
    """Answer for a person, named by the key that the sources know them by; by default for the newest computed day.

    Raises UnknownName without repeating the key, SegmentError for a broken file, StoreBusy while a push of an account
    runs.
    """
    definition = definition_of(project, segment)
    number = number_of(project, person)
    with project.engine(read_only=True) as engine:
        day = as_of or engine.latest(segment) or engine.newest_day() or project.newest_as_of
    project.need_past([definition], day)
    with project.engine(read_only=True) as engine, engine.snapshot():
        (judged,) = engine.judge(definition, day, [number])
        since = engine.member_since(segment, number, day) if judged.is_member else None
        models = models_read(definition)
        scores = engine.scores_of(models, number, day)
    return Explained(
        segment,
        day,
        judged.is_member,
        since,
        judged.conditions,
        tuple(why(project, person, sync.destination, segment) for sync in definition.syncs),
        judged.damped,
        judged.taken_by,
        definition.waterfall,
        scores,
        bool(models),
    )


def definition_of(project: Project, segment: str) -> Segment:
    """A segment that can be computed. Raises UnknownName, SegmentError for a broken file."""
    known = {one.name: one for one in project.definitions}
    if segment not in known:
        raise unknown_name("segment", segment, list(known))
    definition = known[segment]
    if isinstance(definition, BrokenSegment):
        raise definition.error
    return definition
