"""Which days of the past a model learns from: each window is over before the next one begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Cuts:
    """Days on which people are looked at; what became of them is known ``horizon`` days later."""

    training: tuple[date, ...]
    calibration: date
    test: date

    @property
    def days(self) -> tuple[date, ...]:
        """All of them, in order."""
        return (*self.training, self.calibration, self.test)


def month_end(day: date, months_back: int = 0) -> date:
    """The last day of a month that is over by the end of ``day``, or of one so many months before that one."""
    months = (day + timedelta(days=1)).year * 12 + (day + timedelta(days=1)).month - 1 - months_back
    return date(months // 12, months % 12 + 1, 1) - timedelta(days=1)


def cuts(as_of: date, *, horizon: int, training: int) -> Cuts:
    """Ends of months, the latest that can be used at the end of ``as_of``, with ``training`` of them to learn from.

    What became of the people of a window lies wholly before the day of the next, so nothing that is measured on the
    test window was known when the model was made; the same people do appear in several windows, as they will in use.
    """
    test = month_end(as_of - timedelta(days=horizon))
    calibration = month_end(test - timedelta(days=horizon))
    last = month_end(calibration - timedelta(days=horizon))
    learnt_from = tuple(month_end(last, back) for back in reversed(range(training)))
    return Cuts(learnt_from, calibration, test)
