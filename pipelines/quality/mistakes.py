"""The usual mistakes of segmentation in plain words, each with the rules that give it away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake that people make with segments."""

    id: str
    name: str
    says: str
    rules: tuple[str, ...]
    """Findings of these rules are signs of it."""


MISTAKES = (
    Mistake("MIS-1", "over-segmentation", "tiny groups cannot be tested", ("QUA-1", "QUA-10", "QUA-12")),
    Mistake("MIS-2", "under-segmentation", "lumps of people who have little in common", ("QUA-9",)),
    Mistake("MIS-3", "stale or incomplete data", "a segment is no better than what it reads", ("DAT-12", "DAT-13")),
    Mistake("MIS-4", "no plan of action", "a group that nobody does anything for is a slide", ("DEF-1", "ACT-7")),
    Mistake("MIS-5", "attributes that predict nothing", "who is in it says nothing about its goal", ("QUA-8",)),
    Mistake("MIS-6", "seen but not targetable", "people whom no channel reaches", ("QUA-3", "ACT-8")),
    Mistake("MIS-7", "never refined", "people change, and so must the segment", ("FRE-1", "FRE-2", "QUA-4")),
    Mistake("MIS-8", "small groups neglected", "a small segment may only need a wider rule", ("QUA-11",)),
    Mistake("MIS-9", "assumptions without research", "a rule without evidence is an opinion", ("DEF-11",)),
    Mistake("MIS-10", "a tool as a fix", "without a goal that can be told reached nothing is", ("DEF-2", "DEF-9")),
    Mistake("MIS-11", "the same everywhere", "one campaign for places that differ", ("TYP-3",)),
)  # fmt: skip


def mistake_of(rule: str) -> Mistake | None:
    """The mistake that a rule's finding is a sign of, None for rules that stand for none."""
    return next((one for one in MISTAKES if rule in one.rules), None)


def made(rules: Iterable[str]) -> Iterator[Mistake]:
    """The mistakes that findings of these rules are signs of, in their order."""
    found = set(rules)
    return (one for one in MISTAKES if found & set(one.rules))
