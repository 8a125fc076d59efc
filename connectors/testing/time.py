"""Time for tests: it passes only when somebody sleeps."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from connectors.clock import Clock


class FastTime:
    """Pauses cost nothing and are remembered; ``drift`` lets each reading of the clock take that many seconds."""

    def __init__(self, drift: float = 0.0) -> None:
        self.pauses: list[float] = []
        self.start = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        self._passed = 0.0
        self._drift = drift
        self._lock = threading.Lock()

    @property
    def clock(self) -> Clock:
        """The clock to give to ``Http.use_clock``."""
        return Clock(self._monotonic, self._sleep, self._now, lambda: f"fast time {id(self)}")

    def _sleep(self, seconds: float) -> None:
        with self._lock:
            self.pauses.append(seconds)
            self._passed += seconds

    def _monotonic(self) -> float:
        with self._lock:
            self._passed += self._drift
            return self._passed

    def _now(self) -> datetime:
        with self._lock:
            return self.start + timedelta(seconds=self._passed)
