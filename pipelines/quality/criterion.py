"""A criterion's answer, and the doubts that it rests on, as values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]
Verdict = Literal["pass", "warn", "fail", "unknown"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing that speaks against a segment."""

    rule: str
    """The rule's id, e.g. ``QUA-1``."""
    severity: Severity
    """``error``: the audience would be pointless. Everything else is a ``warning``."""
    says: str


@dataclass(frozen=True, slots=True)
class Criterion:
    """What one criterion says of one segment."""

    id: str
    name: str
    """One word: substantial, measurable, actionable …"""
    verdict: Verdict
    """``unknown`` only where it cannot be measured yet: then the sentence is the reason."""
    measured: float | None
    """The figure that was measured, in the threshold's unit; None where it is unknown."""
    threshold: str
    """What fails and what warns, in words."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A criterion before it is asked."""

    id: str
    name: str
    threshold: str

    def answer(self, measured: float | None, fine: str, doubts: Iterable[Doubt] = ()) -> Criterion:
        """The verdict that follows from the doubts; ``fine`` is said when there are none."""
        told = list(doubts)
        if not told:
            return Criterion(self.id, self.name, "pass", measured, self.threshold, fine)
        verdict: Verdict = "fail" if any(one.severity == "error" for one in told) else "warn"
        return Criterion(
            self.id, self.name, verdict, measured, self.threshold, "; ".join(one.says for one in told)
        )

    def unknown(self, reason: str) -> Criterion:
        """No verdict, and why there is none."""
        return Criterion(self.id, self.name, "unknown", None, self.threshold, reason)

    def error(self, says: str) -> Doubt:
        """A doubt that makes an audience pointless."""
        return Doubt(self.id, "error", says)

    def warning(self, says: str) -> Doubt:
        """A doubt that deserves a look."""
        return Doubt(self.id, "warning", says)
