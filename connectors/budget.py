"""What one account may be asked, shared by all threads and processes that ask it, and known to later runs.

- Every turn is taken in one write transaction of the budget's file.
- A request counts in every window from its turn on, as if it arrived ``TRAVEL`` later; its answer moves it to where
  it surely had. So a platform sees no more than a window allows in any stretch of time of that length.
- Counts are kept in sixtieths of a window and leave it up to a sixtieth late, never early.
- What a platform says is left (``told``) replaces what was counted: others may use the account too.
- Time goes on by what has passed, not by what the clock was set to (``connectors.clock.Reading``).
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from connectors.base import Window
from connectors.budget_file import BudgetFile
from connectors.clock import MICROSECOND, Clock
from connectors.rooms import BudgetState, Room

SLOTS = 60
TRAVEL = timedelta(seconds=2)
"""A request that left has arrived after this long, or after half a window if that is shorter."""
LONGEST_CLOSED = timedelta(days=1)
"""However late a moment a platform names, it is asked again after this long."""
SHORTEST_WAIT = MICROSECOND // 1000
_SMOOTHING = 0.2
"""Weight of the newest answer's time."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Leave to send one request."""

    number: int
    booked: tuple[tuple[int, int], ...] = ()
    """Windows, by their length, and the slot of each in which the request is counted."""


@dataclass(frozen=True, slots=True)
class Wait:
    """No request may leave yet."""

    seconds: float
    because: str


class Budget:
    """One account's budget. Safe to use from any number of threads; any number of processes may open one file."""

    def __init__(
        self, windows: Sequence[Window] = (), path: Path | None = None, clock: Clock | None = None
    ) -> None:
        """Open or create the file; without a path, this object alone counts. Raises ActionNeeded."""
        if len({window.per for window in windows}) < len(windows):
            raise ValueError("two windows of an account have the same length")
        self.windows = tuple(windows)
        self.path = path
        self._clock = clock or Clock()
        self._lock = threading.Lock()
        self._seconds_each: float | None = None
        self._under_way: set[int] = set()
        self._file = BudgetFile(path, self._clock)

    def close(self) -> None:
        """Give back the file."""
        with self._lock:
            with suppress(sqlite3.Error), self._file.writing():
                self._keep_seconds()
            self._file.close()

    def take(self) -> Turn | Wait:
        """A turn, or how long to wait before asking for one again. Raises ActionNeeded when the file fails."""
        with self._lock, self._file.usable():
            if not self.windows:
                return self._wait(self._file.now()) or Turn(0)
            with self._file.writing() as now:
                self._keep_seconds()
                return self._wait(now) or self._book(now)

    def answered(self, turn: Turn, seconds: float) -> None:
        """The request of this turn was answered, or given up, after so long."""
        with self._lock:
            each = self._seconds_each
            self._seconds_each = seconds if each is None else each + _SMOOTHING * (seconds - each)
            self._under_way.discard(turn.number)
            # In long windows it makes no difference when the request arrived.
            early = [(per, slot) for per, slot in turn.booked if per < SLOTS * _micro(TRAVEL)]
            if early:
                # The request is answered: if the file fails, the next turn says so.
                with suppress(sqlite3.Error), self._file.writing() as now:
                    for per, slot in early:
                        self._arrived(per, slot, now)

    def hold(self, seconds: float, because: str) -> None:
        """Let no request leave for this long, whichever process wants to."""
        length = min(round(seconds * MICROSECOND), _micro(LONGEST_CLOSED))
        with self._lock, suppress(sqlite3.Error), self._file.writing() as now:
            self._file.change(
                "update account set closed_until = ?, closed_because = ? where closed_until < ?",
                now + length, because, now + length,
            )  # fmt: skip

    def told(self, turn: Turn, window: Window, left: int, resets_in: float | None = None) -> None:
        """The answer to this turn said what a window takes yet, and in how many seconds it is whole again.

        Requests that the platform may not have counted when it said so are counted beside. Answers overtake one
        another: what an earlier turn was told does not count any more.
        """
        per = _micro(window.per)
        with self._lock, suppress(sqlite3.Error), self._file.writing() as now:
            news = self._file.change(
                "insert into told values (?, ?) on conflict (per) do update set turn = excluded.turn "
                "where turn < excluded.turn",
                per, turn.number,
            )  # fmt: skip
            if news:
                taken = self._file.rows("select taken from account")[0][0]
                unseen = taken - turn.number + sum(number < turn.number for number in self._under_way)
                self._correct(window, max(0, window.requests - left), unseen, resets_in, now)

    def state(self, patience: timedelta) -> BudgetState:
        """What the account takes now. Raises ActionNeeded when the file fails."""
        with self._lock, self._file.usable():
            now = self._file.now()
            until, because, each = self._file.rows(
                "select closed_until, closed_because, seconds_each from account"
            )[0]
            rooms = tuple(_Counts(window, self._slots(window, now)).room(now) for window in self.windows)
        at, closed = self._clock.now(), until > now
        return BudgetState(
            at=at,
            rooms=rooms,
            closed_until=at + timedelta(microseconds=until - now) if closed else None,
            closed_because=because if closed else "",
            patience=patience,
            seconds_each=each if self._seconds_each is None else self._seconds_each,
        )

    # --- within a transaction ------------------------------------------------------------------------------

    def _wait(self, now: int) -> Wait | None:
        until, because = self._file.rows("select closed_until, closed_because from account")[0]
        for window in self.windows:
            opens = _Counts(window, self._slots(window, now)).opens
            if opens > max(now, until):
                until = opens
                because = f"{window.requests:,} requests in {_length(window.per)} are spent"
        return Wait(max(until - now, SHORTEST_WAIT) / MICROSECOND, because) if until > now else None

    def _book(self, now: int) -> Turn:
        booked = []
        for window in self.windows:
            per = _micro(window.per)
            self._file.change("delete from counted where per = ? and slot < ?", per, _oldest(now, per))
            slot = _slot(now + min(_micro(TRAVEL), per // 2), per)
            self._count(per, slot, 1)
            booked.append((per, slot))
        number = self._file.rows("update account set taken = taken + 1 returning taken")[0][0]
        self._under_way.add(number)
        return Turn(number, tuple(booked))

    def _arrived(self, per: int, booked: int, now: int) -> None:
        """Count a request where it arrived, unless the platform's own count has taken the place of ours."""
        slot = _slot(now, per)
        if slot < booked and not self._file.rows("select 1 from told where per = ?", per):
            self._count(per, booked, -1)
            self._count(per, slot, 1)

    def _correct(self, window: Window, used: int, unseen: int, resets_in: float | None, now: int) -> None:
        per = _micro(window.per)
        if resets_in is not None:
            self._file.change("delete from counted where per = ?", per)
            resets = now + min(max(0, round(resets_in * MICROSECOND)), per)
            self._count(per, _slot_gone_at(resets, per), used)
            self._count(per, _slot(now, per), unseen)
            return
        counts = _Counts(window, self._slots(window, now))
        self._count(per, _slot(now, per), max(0, used + unseen - counts.used))
        surplus = counts.used - used - unseen
        for slot, requests in counts.slots:  # what was counted too much goes from the oldest
            taken = max(0, min(surplus, requests))
            self._count(per, slot, -taken)
            surplus -= taken

    def _slots(self, window: Window, now: int) -> list[tuple[int, int]]:
        per = _micro(window.per)
        found = self._file.rows(
            "select slot, requests from counted where per = ? and slot >= ? and requests > 0 order by slot",
            per, _oldest(now, per),
        )  # fmt: skip
        return [(slot, requests) for slot, requests in found]

    def _count(self, per: int, slot: int, requests: int) -> None:
        if requests:
            self._file.change(
                "insert into counted values (?, ?, ?) "
                "on conflict (per, slot) do update set requests = requests + excluded.requests",
                per, slot, requests,
            )  # fmt: skip

    def _keep_seconds(self) -> None:
        if self._seconds_each is not None:
            self._file.change("update account set seconds_each = ?", self._seconds_each)


@dataclass(frozen=True, slots=True)
class _Counts:
    """Requests in a window now, by slot, oldest first."""

    window: Window
    slots: list[tuple[int, int]]

    @property
    def used(self) -> int:
        return sum(requests for _, requests in self.slots)

    @property
    def coming(self) -> list[tuple[int, int]]:
        """Moments at which there is room for so many requests more."""
        surplus = self.used - self.window.requests
        found = []
        for slot, requests in self.slots:
            room = min(requests, requests - max(0, surplus))
            surplus -= requests
            if room > 0:
                found.append((_gone_at(slot, _micro(self.window.per)), room))
        return found

    @property
    def opens(self) -> int:
        """The moment at which a request may leave; 0 while there is room."""
        return 0 if self.used < self.window.requests else self.coming[0][0]

    def room(self, now: int) -> Room:
        coming = tuple(((moment - now) / MICROSECOND, requests) for moment, requests in self.coming)
        return Room(self.window, max(0, self.window.requests - self.used), coming)


def _micro(length: timedelta) -> int:
    return length // timedelta(microseconds=1)


def _width(per: int) -> int:
    return max(1, per // SLOTS)


def _slot(moment: int, per: int) -> int:
    return moment // _width(per)


def _gone_at(slot: int, per: int) -> int:
    """When the last request that may be in a slot leaves the window."""
    return (slot + 1) * _width(per) + per


def _oldest(now: int, per: int) -> int:
    """The first slot that is still in the window."""
    return (now - per) // _width(per)


def _slot_gone_at(moment: int, per: int) -> int:
    """The slot that leaves the window at a moment, or a little later."""
    return -((per - moment) // _width(per)) - 1


def _length(per: timedelta) -> str:
    seconds = per.total_seconds()
    for name, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {name}{'' if seconds == size else 's'}"
    return f"{seconds:g} seconds"
