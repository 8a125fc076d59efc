"""What a run will ask of an account, before it asks: how many requests, how long, and whether the budget suffices.

Arithmetic over what the connector declares and what the account's budget holds; nothing is asked or sent. Requests
that are repeated because an answer was lost are not foreseen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.base import Connector, Limits, Op
from connectors.rooms import BudgetState, Room

ASSUMED_SECONDS = 1.0
"""An answer's time where none was measured yet."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run will take of its account."""

    requests: int
    """At most, when every request is answered; opening an audience counts as one."""
    fitting: int
    """How many of them the budget takes without a longer wait than the account's patience."""
    seconds: float
    """Roughly, for those that fit, waits included."""
    until: datetime | None
    """When the others, or anything at all, may follow; None when all fit."""
    sentence: str

    @property
    def fits(self) -> bool:
        """Whether one run can send everything."""
        return self.fitting == self.requests


def requests_of(connector: Connector, op: Op, rows: int) -> int:
    """The most requests that sending so many rows takes: full batches, and one with the rest."""
    full, rest = divmod(rows, connector.limits.max_rows)
    requests = full * connector.requests_for(op, connector.limits.max_rows) if full else 0
    return requests + (connector.requests_for(op, rest) if rest else 0)


def forecast(
    limits: Limits, removes: int, adds: int, budget_state: BudgetState | None, *, others: int = 0
) -> Forecast:
    """What so many requests will take of an account.

    ``removes`` and ``adds`` are requests (see ``requests_of``), ``others`` those that open audiences.
    ``budget_state`` is the connector's; None for an account without a budget, where everything fits.
    """
    requests = removes + adds + others
    each = ASSUMED_SECONDS if budget_state is None else (budget_state.seconds_each or ASSUMED_SECONDS)
    course = _Course(limits.max_in_flight, each, budget_state)
    while course.sent < requests and course.send():
        pass
    until = None
    if budget_state is not None and course.sent < requests:
        until = budget_state.at + timedelta(seconds=course.next_turn)
    return Forecast(
        requests, course.sent, course.seconds, until, _sentence(requests, course, until, budget_state)
    )


class _Course:
    """Requests leaving one after another: each when a thread is free and every window has room."""

    def __init__(self, in_flight: int, seconds_each: float, state: BudgetState | None) -> None:
        self.sent = 0
        self.seconds = 0.0
        self.next_turn = 0.0
        self._each = seconds_each
        self._patience = state.patience.total_seconds() if state else 0.0
        self._closed = _seconds_closed(state) if state else 0.0
        self._rooms = [_Leaving(room) for room in state.rooms] if state else []
        self._free = deque([0.0] * in_flight)

    def send(self) -> bool:
        """Send one more; False when it would have to wait for too long."""
        ready = self._free[0]
        self.next_turn = max([ready, self._closed, *(room.next_turn for room in self._rooms)])
        if self.next_turn - ready > self._patience:
            return False
        for room in self._rooms:
            room.leave(self.next_turn)
        self._free.popleft()
        self._free.append(self.next_turn + self._each)
        self.seconds = self._free[-1]
        self.sent += 1
        return True


class _Leaving:
    """The moments, in seconds from now, at which a window lets requests leave."""

    def __init__(self, room: Room) -> None:
        self._per = room.window.per.total_seconds()
        self._turns = deque([(0.0, room.left), *room.coming] if room.left else room.coming)

    @property
    def next_turn(self) -> float:
        return self._turns[0][0]

    def leave(self, moment: float) -> None:
        """One request leaves; it makes room again when the window has passed."""
        turn, count = self._turns.popleft()
        if count > 1:
            self._turns.appendleft((turn, count - 1))
        self._turns.append((moment + self._per, 1))


def _seconds_closed(state: BudgetState) -> float:
    return (state.closed_until - state.at).total_seconds() if state.closed_until else 0.0


def _sentence(requests: int, course: _Course, until: datetime | None, state: BudgetState | None) -> str:
    counted = f"{requests:,} request{'' if requests == 1 else 's'}"
    if until is None:
        return f"{counted}, {_lasting(course.seconds)}" if requests else "no requests"
    later = f"{until:%Y-%m-%d %H:%M} UTC"
    if not course.sent:
        because = f": {state.closed_because}" if state and state.closed_because else ""
        return f"{counted}, but the account takes none before {later}{because}"
    return (
        f"{counted}, of which the account's budget takes {course.sent:,} now ({_lasting(course.seconds)}), "
        f"removals first; the others may follow from {later}"
    )


_UNITS: Sequence[tuple[str, float]] = (("hour", 3600), ("minute", 60), ("second", 1))


def _lasting(seconds: float) -> str:
    """About how long, in one unit."""
    for name, size in _UNITS:
        if seconds >= 2 * size:
            return f"about {seconds / size:.0f} {name}s"
    return "a second or two"
