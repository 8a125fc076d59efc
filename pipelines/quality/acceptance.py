"""Rules that somebody accepted breaking for a segment: who, when and why, in the journal beside other decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.delivery.entries import Decision
from pipelines.delivery.journal import Journal
from pipelines.names import unknown_name
from pipelines.segments.model import Segment

if TYPE_CHECKING:
    from pipelines.project import Project

EVERYWHERE = "*"
"""In place of a destination: it holds wherever the segment is sent."""
RULES = ("QUA-1", "QUA-3", "QUA-5")
"""Rules whose errors stop a first activation."""
ACCEPT, WITHDRAW = "accept", "withdraw"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A rule that a segment may break."""

    segment: str
    rule: str
    at: datetime
    who: str
    why: str


def accepted_of(project: Project, segment: str) -> list[Accepted]:
    """What is accepted of a segment now, by rule; under the name it had before, too."""
    definition = project.definition(segment)
    formerly = definition.formerly if isinstance(definition, Segment) else None
    return accepted_in(project.record.decisions(), segment, formerly)


def accepted_in(decisions: list[Decision], segment: str, formerly: str | None = None) -> list[Accepted]:
    """What decisions, newest first, accept of a segment: of each rule the newest counts."""
    newest: dict[str, Accepted | None] = {}
    for one in decisions:
        word, _, rule = one.decision.partition(" ")
        if (
            one.destination == EVERYWHERE
            and one.segment in (segment, formerly)
            and word in (ACCEPT, WITHDRAW)
        ):
            told = Accepted(segment, rule, one.at, one.who, one.why) if word == ACCEPT else None
            newest.setdefault(rule, told)
    return sorted((one for one in newest.values() if one is not None), key=lambda one: one.rule)


def accept(project: Project, segment: str, rule: str, who: str, why: str, *, withdraw: bool = False) -> None:
    """Write down that a segment may break a rule, or may no more. Raises UnknownName for either, JournalError."""
    project.definition(segment)
    if rule not in RULES:
        raise unknown_name("rule that can be accepted", rule, list(RULES))
    state = project.settings.state_dir
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with Journal.open(state / "journal.sqlite") as journal:
        word = WITHDRAW if withdraw else ACCEPT
        journal.logbook.decided("", EVERYWHERE, segment, f"{word} {rule}", who, why)
