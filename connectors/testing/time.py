"""Time for tests: it passes only when somebody sleeps."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from connectors.clock import Clock


class FastTime:
    """Pauses cost nothing and are remembered; ``drift`` lets each reading of the clock take that many seconds.

    It begins at the real moment: a platform's answers name moments too.
    """

    def __init__(self, drift: float = 0.0) -> None:
        self.pauses: list[float] = []
        self.start = datetime.now(UTC).replace(microsecond=0)
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
