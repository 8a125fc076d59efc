"""The time of a history: it passes only when the history says so, for the platform and for delivery alike."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

DAWN = datetime(2018, 1, 1, 6, tzinfo=UTC)


class Clock:
    """Six in the morning, until told otherwise."""

    def __init__(self) -> None:
        self._now = DAWN

    def now(self) -> datetime:
        """The moment."""
        return self._now

    @property
    def today(self) -> date:
        """The date."""
        return self._now.date()

    def pass_by(self, time: timedelta) -> None:
        """Later."""
        self._now += time
