"""When a push must stop and ask: pure functions over counts, used by the push and shown by the checks.

Opt-outs, erasures and withdrawn consent are never counted and never held back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Guard(StrEnum):
    """What stopped a push."""

    HELD_BACK = "held_back"
    POLICY = "refused_by_policy"
    ON_HOLD = "on_hold"
    UNFIT = "unfit_segment"
    NEVER_COMPUTED = "never_computed"
    STALE = "stale_segment"
    EMPTY = "empty_segment"
    REMOVALS = "too_many_removals"
    GROWTH = "size_jump"
    CELL = "too_few_people"


OVERRIDES = {
    Guard.EMPTY: "accept_removals",
    Guard.REMOVALS: "accept_removals",
    Guard.GROWTH: "accept_growth",
}
"""The word that lets a push pass; a stale or never computed segment is mended by computing it."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one run may change."""

    max_removed: float
    """Share of the held audience that may be removed, 0 to 1."""
    max_growth: float
    """Times the held audience that the desired one may be."""
    floor: int
    """Shares are not judged while fewer people than this would change."""
    max_age_days: int
    """Days between the newest segment day and today."""
    min_cell: int = 0
    """People below which a policy profile lets nobody be sent; 0: any number."""


@dataclass(frozen=True, slots=True)
class Change:
    """A difference in the numbers that guards judge."""

    as_of: date | None
    today: date
    expected: date | None
    """The newest day for which features exist: a segment behind it failed or was left out."""
    desired: int
    held: int
    adds: int
    removes: int
    """Without those that must never wait."""


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the operator allowed for this one run, with who and why."""

    accept_removals: bool = False
    accept_growth: bool = False
    who: str = "unknown"
    why: str = ""

    def allows(self, guard: Guard) -> bool:
        """Whether the operator lets this guard pass."""
        word = OVERRIDES.get(guard)
        return bool(word and getattr(self, word))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Fine when ``guard`` is None; else the sentence to show, and whether the operator let it pass."""

    guard: Guard | None = None
    sentence: str = "fine"
    overridden: bool = False

    @property
    def stops(self) -> bool:
        """Whether only what must never wait may be sent."""
        return self.guard is not None and not self.overridden

    @property
    def word(self) -> str:
        """One word for tables: ``fine``, the guard's name, or ``overridden``."""
        if self.guard is None:
            return "fine"
        return "overridden" if self.overridden else str(self.guard)


def verdict(change: Change, bounds: Bounds, overrides: Overrides) -> Verdict:
    """Judge a difference; the first guard that trips decides."""
    found = _tripped(change, bounds)
    if found is None:
        return Verdict()
    guard, sentence = found
    if overrides.allows(guard):
        return Verdict(
            guard, f"{sentence}; accepted by {overrides.who}: {overrides.why or 'no reason given'}", True
        )
    if word := OVERRIDES.get(guard):
        sentence += f"; if that is right, run this audience with {word}"
    return Verdict(guard, sentence)


def removed_share(change: Change) -> float:
    """Share of the held audience that would be removed, 0 when nobody is held."""
    return change.removes / change.held if change.held else 0.0


def _tripped(change: Change, bounds: Bounds) -> tuple[Guard, str] | None:
    if change.as_of is None:
        return Guard.NEVER_COMPUTED, "the segment was never computed; compute it first, then push"
    age = (change.today - change.as_of).days
    if age > bounds.max_age_days:
        return Guard.STALE, (
            f"the newest segment is of {change.as_of}, {age} days ago (allowed: {bounds.max_age_days}); "
            "only opt-outs are removed until it is computed again"
        )
    if change.expected is not None and change.as_of < change.expected:
        return Guard.STALE, (
            f"the newest segment is of {change.as_of}, but {change.expected} was due: it failed or was left out; "
            "only opt-outs are removed until it is computed"
        )
    if change.desired == 0 and change.held > 0:
        return Guard.EMPTY, f"the segment is empty but {change.held:,} people are held; nobody was removed"
    if 0 < change.desired < bounds.min_cell:
        return Guard.CELL, (
            f"the segment has fewer than the {bounds.min_cell:,} people that the policy profile asks for; only "
            "opt-outs are removed: widen its rule, or take the sync out of its file"
        )
    if change.removes >= bounds.floor and removed_share(change) > bounds.max_removed:
        return Guard.REMOVALS, (
            f"{change.removes:,} of {change.held:,} people ({removed_share(change):.0%}) would be removed, "
            f"more than the {bounds.max_removed:.0%} allowed"
        )
    if change.held and change.held >= bounds.floor and change.desired > bounds.max_growth * change.held:
        return Guard.GROWTH, (
            f"the segment wants {change.desired:,} people where {change.held:,} are held, "
            f"more than {bounds.max_growth:g} times as many"
        )
    return None
