"""What days with these members add up to, by hand and against a slower count."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pipelines.insight.backtesting import Day, replayed

START = date(2017, 1, 1)


def days(number: int) -> list[date]:
    """So many days in a row."""
    return [START + timedelta(days=n) for n in range(number)]


def test_a_week_by_hand() -> None:
    """Two leave on the second day, one of whom is back on the fourth; of later departures nobody can say yet."""
    members = [{1, 2, 3}, {3, 4}, {3, 4}, {1, 3, 4}, {1, 3}, {1, 3}, {1, 3}, {1, 3}, {1, 3, 4}]
    found = replayed("s", days(9), map(frozenset, members))
    assert found.days[:4] == (
        Day(START, 3, 0, 0),
        Day(START + timedelta(days=1), 2, 1, 2),
        Day(START + timedelta(days=2), 2, 0, 0),
        Day(START + timedelta(days=3), 3, 1, 0),
    )
    assert (found.changes, found.judged, found.flapped, found.flap) == (6, 2, 1, 0.5)
    assert found.jaccard == 2 / 4
    assert round(found.turnover, 6) == round(6 / 8 / found.mean_size, 6)


def test_nobody_ever() -> None:
    """An empty segment has no turnover, no flap, and is the same at both ends."""
    found = replayed("s", days(3), [frozenset()] * 3)
    assert (found.mean_size, found.turnover, found.flap, found.jaccard) == (0, 0, 0, 1)


@given(st.lists(st.frozensets(st.integers(1, 4)), min_size=2, max_size=24))
def test_flaps_are_departures_with_a_return_within_a_week(members: list[frozenset[int]]) -> None:
    """One by one: each departure with a whole week after it, and whether the person is in on any day of it."""
    found = replayed("s", days(len(members)), members)
    departures = [
        (place, person)
        for place in range(1, len(members))
        for person in members[place - 1] - members[place]
        if place + 7 <= len(members) - 1
    ]
    back = [
        (place, person)
        for place, person in departures
        if any(person in later for later in members[place + 1 : place + 8])
    ]
    assert (found.judged, found.flapped) == (len(departures), len(back))
    assert sum(day.entered - day.left for day in found.days) == len(members[-1]) - len(members[0])
