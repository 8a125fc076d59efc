"""The rules in force and how often each has matched and fired."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from connectors.sandbox import clock
from connectors.sandbox.faults.rules import Fault, Later, QuotaGone
from connectors.sandbox.wire import Call, Platform


@dataclass(slots=True)
class Posted:
    """A rule on the board with its counters."""

    rule: Fault
    matched: int = 0
    fired: int = 0
    ends_at: float | None = None
    """When a rule that has fired is over, by the sandbox's clock; None where counters alone decide."""

    def meets(self, platform: Platform, method: str, path: str) -> bool:
        """Whether the rule is about this request at all."""
        return (
            self.rule.platform == platform
            and self.rule.method in (None, method)
            and (self.rule.path is None or fnmatchcase(path, self.rule.path))
        )

    def fires(self, now: float) -> bool:
        """Count one matching request; whether it meets the fault."""
        self.matched += 1
        if self.ends_at is not None:
            fires = now < self.ends_at
        else:
            position = self.matched - self.rule.after
            due = position > 0 and (position - 1) % self.rule.every == 0
            fires = due and (self.rule.times is None or self.fired < self.rule.times)
            if fires and isinstance(self.rule, QuotaGone):
                self.ends_at = now + clock.seconds_until_tomorrow(now)
        self.fired += fires
        return fires


@dataclass(slots=True, eq=False)
class LateCall:
    """A request that will be applied later: after so many others, or from a moment on."""

    call: Call
    requests_left: int
    due_at: float | None

    def is_due(self, now: float) -> bool:
        """Whether its time has come."""
        return self.requests_left < 0 if self.due_at is None else now >= self.due_at


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

    def has_rules(self) -> bool:
        """Whether any rule is up."""
        with self._guard:
            return bool(self._posted)

    def pick(self, platform: Platform, method: str, path: str, now: float) -> Fault | None:
        """The fault that this request meets: the first rule that fires; all matching rules count it."""
        with self._guard:
            firing = [
                entry.rule
                for entry in self._posted
                if entry.meets(platform, method, path) and entry.fires(now)
            ]
        return firing[0] if firing else None

    def apply_later(self, call: Call, rule: Later, now: float) -> None:
        """Remember a request to be applied when the rule says."""
        due_at = None if rule.seconds_later is None else now + rule.seconds_later
        with self._guard:
            self._late.append(LateCall(call, rule.requests_later or 1, due_at))

    def waiting(self) -> int:
        """How many requests are still to be applied later."""
        with self._guard:
            return len(self._late)

    def count_request(self, platform: Platform) -> None:
        """One more request of the platform is done: those that wait for a number of requests come nearer."""
        with self._guard:
            for late in self._late:
                if late.call.platform == platform and late.due_at is None:
                    late.requests_left -= 1

    def due(self, platform: Platform, now: float) -> list[Call]:
        """Take down the requests of a platform whose time has come, in the order they came in."""
        with self._guard:
            due = [late for late in self._late if late.call.platform == platform and late.is_due(now)]
            self._late = [late for late in self._late if late not in due]
        return [late.call for late in due]
