"""Time as network code sees it, and how much of it has passed when clocks jump, machines sleep or restart."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
MICROSECOND = 1_000_000


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _since_boot() -> float:
    """Seconds that no setting of the clock moves and that go on while the machine sleeps, where there are such."""
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)


@cache
def _boot() -> str:
    """What all processes since the machine's start have in common; of this process alone where nobody knows."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Clock:
    """Time; tests bring their own."""

    monotonic: Callable[[], float] = _since_boot
    """Seconds that only go forward; those of processes with the same ``boot`` can be compared."""
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], datetime] = _utc_now
    boot: Callable[[], str] = _boot

    def read(self) -> Reading:
        """All its hands at once."""
        return Reading(
            round(self.now().timestamp() * MICROSECOND), round(self.monotonic() * MICROSECOND), self.boot()
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """What a clock showed, in microseconds."""

    wall: int
    ticks: int
    boot: str

    def continues(self, earlier: Reading) -> bool:
        """Whether ticks tell how much time has passed since."""
        return self.boot == earlier.boot and self.ticks >= earlier.ticks

    def since(self, earlier: Reading) -> int:
        """Microseconds that have passed, never negative.

        Since the same start of the machine, the wall clock is not asked: it may have been set. After a restart it
        is all there is; one that went back tells nothing.
        """
        if self.continues(earlier):
            return self.ticks - earlier.ticks
        return max(0, self.wall - earlier.wall)
