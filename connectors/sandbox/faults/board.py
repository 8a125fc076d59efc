"""The rules in force and how often each has matched and fired."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from connectors.sandbox.faults.rules import Fault
from connectors.sandbox.wire import Call, Platform


@dataclass(slots=True)
class Posted:
    """A rule on the board with its counters."""

    rule: Fault
    matched: int = 0
    fired: int = 0

    def meets(self, platform: Platform, method: str, path: str) -> bool:
        """Whether the rule is about this request at all."""
        return (
            self.rule.platform == platform
            and self.rule.method in (None, method)
            and (self.rule.path is None or fnmatchcase(path, self.rule.path))
        )

    def fires(self) -> bool:
        """Count one matching request; whether it meets the fault."""
        self.matched += 1
        position = self.matched - self.rule.after
        due = position > 0 and (position - 1) % self.rule.every == 0
        if not due or (self.rule.times is not None and self.fired >= self.rule.times):
            return False
        self.fired += 1
        return True


@dataclass(slots=True)
class LateCall:
    """A request that will be applied once more."""

    call: Call
    requests_left: int


class FaultBoard:
    """Rules that a person or a test has put up. Kept in memory: a restart clears it. Safe in all threads."""

    def __init__(self, rules: Sequence[Fault] = ()) -> None:
        self._guard = threading.Lock()
        self._posted = [Posted(rule) for rule in rules]
        self._late: list[LateCall] = []

    def replace(self, rules: Sequence[Fault]) -> None:
        """Put up these rules instead of the present ones; counters start anew."""
        with self._guard:
            self._posted = [Posted(rule) for rule in rules]

    def add(self, rule: Fault) -> None:
        """Put up one more rule, behind the others."""
        with self._guard:
            self._posted.append(Posted(rule))

    def remove(self, position: int) -> None:
        """Take down the rule at this 0-based position. Raises IndexError when there is none."""
        with self._guard:
            del self._posted[position]

    def posted(self) -> list[Posted]:
        """The rules with their counters as they are now."""
        with self._guard:
            return [Posted(entry.rule, entry.matched, entry.fired) for entry in self._posted]

    def pick(self, platform: Platform, method: str, path: str) -> Fault | None:
        """The fault that this request meets: the first rule that fires; all matching rules count it."""
        with self._guard:
            firing = [
                entry.rule for entry in self._posted if entry.meets(platform, method, path) and entry.fires()
            ]
        return firing[0] if firing else None

    def repeat_later(self, call: Call, requests_later: int) -> None:
        """Remember a request to be applied once more."""
        with self._guard:
            self._late.append(LateCall(call, requests_later))

    def due_copies(self, platform: Platform) -> list[Call]:
        """Count one completed request; the copies whose time has come."""
        with self._guard:
            waiting = [late for late in self._late if late.call.platform == platform]
            for late in waiting:
                late.requests_left -= 1
            due = [late for late in waiting if late.requests_left < 0]
            self._late = [late for late in self._late if late not in due]
        return [late.call for late in due]
