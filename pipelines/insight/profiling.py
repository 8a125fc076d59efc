"""Who the people of a segment are, compared with everybody: for a persona, and for doubts about the rule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pipelines.insight.explaining import definition_of
from pipelines.project import Project
from pipelines.segments.freezing import counted_on
from pipelines.warehouse.profiling import Trait, Unshown
from pipelines.worksheet.rendering import value_text

TELLING = 0.2
"""Standard deviations from which a difference is worth a word (Cohen's small effect)."""
MOST = 5
"""Traits in a sentence."""


@dataclass(frozen=True, slots=True)
class Profiled:
    """A segment's traits on a day, the most telling first."""

    segment: str
    as_of: date
    persona: str | None
    """The header's own."""
    traits: tuple[Trait, ...]
    unshown: tuple[Unshown, ...]
    floor: int
    """People below which nothing is said."""

    @property
    def sentence(self) -> str:
        """The most telling traits in words; the rule's own features are among them."""
        telling = [trait for trait in self.traits if abs(trait.effect) >= TELLING][:MOST]
        if not telling:
            return "Nothing tells its people from everybody else."
        return "; ".join(map(_said, telling)) + "."

    @property
    def persona_line(self) -> str:
        """A header's ``persona`` from the traits: a portrait in figures, to be given a name and read by people."""
        telling = [trait for trait in self.traits if trait.effect >= TELLING][:MOST]
        portrait = "; ".join(map(_said, telling)) or "like everybody else in what is known of them"
        return f"persona = {value_text(f'NAME: {portrait}.')}"


def profile(project: Project, segment: str, as_of: date | None = None) -> Profiled:
    """Compare a segment with its universe, by default as of the newest day. Raises UnknownName, SegmentError."""
    definition = definition_of(project, segment)
    day = counted_on(definition, as_of or project.newest_loaded() or project.newest_as_of)
    project.need_past([definition], day)
    with project.engine(read_only=True) as engine, engine.snapshot():
        found = engine.traits(definition, day)
    return Profiled(segment, day, definition.persona, found.shown, found.unshown, project.settings.cell_floor)


def _said(trait: Trait) -> str:
    more = "more" if trait.effect > 0 else "less"
    if trait.value is not None:
        return (
            f"{more} often {trait.feature} {trait.value} ({trait.here:.0%} instead of {trait.universe:.0%})"
        )
    return f"{more} {trait.feature} ({trait.here:,.2f} instead of {trait.universe:,.2f})"
