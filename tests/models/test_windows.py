"""The days that models learn from."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipelines.models.windows import cuts, month_end

DAYS = st.dates(date(2001, 1, 1), date(2090, 12, 31))


@given(DAYS, st.integers(1, 120), st.integers(1, 6))
def test_each_window_is_over_before_the_next_begins(as_of: date, horizon: int, training: int) -> None:
    """What happened to the people learnt from is known on the day of calibration, and so on until today."""
    found = cuts(as_of, horizon=horizon, training=training)
    assert len(found.training) == training
    assert list(found.days) == sorted(set(found.days))
    known = timedelta(days=horizon)
    assert found.training[-1] + known <= found.calibration
    assert found.calibration + known <= found.test
    assert found.test + known <= as_of
    assert all((day + timedelta(days=1)).day == 1 for day in found.days)


@given(DAYS)
def test_a_month_ends_on_its_last_day(day: date) -> None:
    """The last day of a month is its own end; any other day's is that of the month before."""
    found = month_end(day)
    assert found <= day
    assert (found + timedelta(days=1)).day == 1
    assert day - found < timedelta(days=31)


def test_the_published_windows() -> None:
    """At the end of 2017: tested on 31 October, as the published figures are."""
    found = cuts(date(2017, 12, 31), horizon=60, training=4)
    assert found.test == date(2017, 10, 31)
    assert found.calibration == date(2017, 8, 31)
    assert found.training == (date(2017, 3, 31), date(2017, 4, 30), date(2017, 5, 31), date(2017, 6, 30))
