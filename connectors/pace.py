"""How fast one account may be called, shared by all its threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as the network code sees it; tests bring their own."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = _utc_now


@dataclass(slots=True)
class Pace:
    """A token bucket with room for one second's requests, and a gate that closes when the platform asks for a pause."""

    per_second: float | None
    clock: Clock
    _tokens: float = field(init=False)
    _filled_at: float = field(init=False)
    _closed_until: float = field(init=False, default=0.0)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._tokens = self._room
        self._filled_at = self.clock.monotonic()

    @property
    def _room(self) -> float:
        return max(1.0, self.per_second or 1.0)

    def wait_for_turn(self) -> None:
        """Return when a request may leave."""
        while (wait := self._take()) > 0:
            self.clock.sleep(wait)

    def pause(self, seconds: float) -> None:
        """Let no request leave for this long, whichever thread wants to."""
        with self._lock:
            self._closed_until = max(self._closed_until, self.clock.monotonic() + seconds)

    def _take(self) -> float:
        """Take a turn and answer 0, or the seconds until there may be one."""
        with self._lock:
            now = self.clock.monotonic()
            if now < self._closed_until:
                return self._closed_until - now
            if self.per_second is None:
                return 0.0
            self._tokens = min(self._room, self._tokens + (now - self._filled_at) * self.per_second)
            self._filled_at = now
            if self._tokens >= 1:
                self._tokens -= 1
                return 0.0
            return (1 - self._tokens) / self.per_second
