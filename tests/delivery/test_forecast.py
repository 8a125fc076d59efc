"""What a run is said to take before it starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world import Platform

from connectors.base import Limits, Op, Window
from connectors.rooms import BudgetState, Room
from pipelines.delivery.forecast import forecast, requests_of

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LIMITS = Limits(max_rows=10, max_in_flight=2)
MINUTE = Window(60, timedelta(minutes=1))
DAY = Window(1_000, timedelta(days=1))


def state(*rooms: Room, **fields: object) -> BudgetState:
    return BudgetState(NOW, rooms, seconds_each=0.5, **fields)  # type: ignore[arg-type]


def test_an_account_without_a_budget_takes_everything() -> None:
    """Nothing is known to limit it: all fits, and time is requests by threads, a second each."""
    told = forecast(LIMITS, 4, 6, None, others=1)
    assert (told.requests, told.fits, told.until) == (11, True, None)
    assert told.seconds == 6
    assert told.sentence == "11 requests, about 6 seconds"


def test_nothing_to_send_takes_nothing() -> None:
    """No request, no time, also where the account is closed."""
    told = forecast(LIMITS, 0, 0, state(closed_until=NOW + timedelta(hours=5)))
    assert (told.fits, told.seconds, told.sentence) == (True, 0, "no requests")


def test_the_time_of_answers_counts_as_it_was_measured() -> None:
    """Two threads, half a second an answer: ten requests take two and a half seconds."""
    assert forecast(LIMITS, 0, 10, state()).seconds == 2.5


def test_a_short_window_is_waited_for() -> None:
    """A hundred requests at sixty a minute fit: the wait is within the account's patience, and is counted."""
    told = forecast(LIMITS, 0, 100, state(Room(MINUTE, 60)))
    assert told.fits
    assert 60 <= told.seconds <= 75


def test_a_long_window_is_not_waited_for() -> None:
    """Of 1,500 requests a day's thousand fit; the others may follow when the first has left the window."""
    told = forecast(LIMITS, 200, 1_300, state(Room(DAY, 1_000)))
    assert (told.requests, told.fitting, told.fits) == (1_500, 1_000, False)
    assert told.until == NOW + timedelta(days=1)
    assert "takes 1,000 now" in told.sentence
    assert "removals first" in told.sentence
    assert "2026-11-23 12:00 UTC" in told.sentence


def test_what_was_used_already_counts() -> None:
    """With 10 of 1,000 left and 990 coming back tonight, ten fit now."""
    told = forecast(LIMITS, 0, 12, state(Room(DAY, 10, ((6 * 3600.0, 990),))))
    assert (told.fitting, told.until) == (10, NOW + timedelta(hours=6))


def test_a_closed_account_says_until_when_and_why() -> None:
    """Closed for longer than the patience: nothing fits, and the sentence gives the moment and the reason."""
    told = forecast(
        LIMITS,
        1,
        1,
        state(closed_until=NOW + timedelta(hours=3), closed_because="too many requests (code 17)"),
    )
    assert (told.fitting, told.seconds, told.until) == (0, 0, NOW + timedelta(hours=3))
    assert told.sentence == (
        "2 requests, but the account takes none before 2026-11-22 15:00 UTC: too many requests (code 17)"
    )


def test_a_short_closing_is_waited_for() -> None:
    """Closed for less than the patience: everything fits, later."""
    told = forecast(LIMITS, 1, 1, state(closed_until=NOW + timedelta(seconds=30)))
    assert (told.fits, told.seconds) == (True, 30.5)


def test_rows_become_requests_by_the_connector() -> None:
    """Full batches and a rest, each at what the connector says it costs."""

    class Dear(Platform):
        def requests_for(self, op: Op, rows: int) -> int:
            return 1 if op == "remove" else 1 + rows

    dear = Dear(max_rows=10)
    assert [requests_of(dear, "remove", rows) for rows in (0, 1, 10, 25)] == [0, 1, 1, 3]
    assert requests_of(dear, "add", 25) == 2 * 11 + 6
    assert requests_of(Platform(), "add", 25) == 3


@pytest.mark.parametrize("wrong", [(0, timedelta(seconds=1)), (1, timedelta(0))])
def test_a_window_that_lets_nothing_through_is_refused(wrong: tuple[int, timedelta]) -> None:
    """A declared window must take at least one request in some time."""
    with pytest.raises(ValueError, match="at least one request"):
        Window(*wrong)


@given(
    requests=st.integers(0, 400),
    in_flight=st.integers(1, 5),
    size=st.integers(1, 50),
    left=st.integers(0, 50),
    per=st.floats(0.5, 2_000),
    patience=st.floats(0, 500),
)
def test_what_fits_obeys_window_and_patience(
    requests: int, in_flight: int, size: int, left: int, per: float, patience: float
) -> None:
    """Whatever the window: what fits takes at least as many windows as it fills, and more requests never fit less."""
    left = min(left, size)
    room = Room(Window(size, timedelta(seconds=per)), left, ((per, size - left),) if left < size else ())
    now = state(room, patience=timedelta(seconds=patience))
    limits = Limits(max_rows=10, max_in_flight=in_flight)
    told = forecast(limits, requests, 0, now)
    assert 0 <= told.fitting <= requests
    assert told.fits == (told.until is None)
    assert told.fitting >= min(requests, left)
    beyond = told.fitting - left
    if beyond > 0:
        assert told.seconds >= per * -(-beyond // size) - 1e-6
    if told.until is not None:
        assert told.until >= NOW + timedelta(seconds=patience)
    assert forecast(limits, requests + 1, 0, now).fitting >= told.fitting
