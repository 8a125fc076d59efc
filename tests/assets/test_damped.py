"""Entry and exit rules in the graph: days are filled in any order, with holes, and look back on days not there yet."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pipelines.assets.keys import segment_key
from pipelines.project import Project
from pipelines.segments.run import Computed
from tests.assets.dagster_room import Room, metadata
from tests.assets.shop import NEWEST, Shop, ordered_on

GRACE = 2


def damped(shop: Shop) -> None:
    """A segment of those who ordered on the very day, who stay for two days more."""
    path = shop.segment("today", "select person_no\nfrom features\nwhere days_since_last_order = 0", ["ads"])
    text = path.read_text()
    path.write_text(text.replace("[goal]", f"[entry_exit]\ngrace_days = {GRACE}\n\n[goal]", 1))


def ordered_lately(shop: Shop, as_of: date) -> int:
    """Who ordered on the day or in the days of grace before it."""
    first = as_of - timedelta(days=GRACE)
    return sum(bool(n % 2) and first <= ordered_on(n) <= as_of for n in range(shop.people))


@pytest.mark.requirement("DAMP-2")
def test_partitions_in_any_order_hold_the_same(room: Room) -> None:
    """The newest first, then days before it with holes between them, and one of them again."""
    damped(room.shop)
    room.load()
    order = [NEWEST, date(2017, 12, 22), date(2017, 12, 27), date(2017, 12, 22), NEWEST]
    for day in order:
        told = metadata(room.segment(day), "segment/today")
        assert told["people"] == ordered_lately(room.shop, day) > 0
    assert room.instance.get_materialized_partitions(segment_key("today")) == {
        day.isoformat() for day in order
    }


@pytest.mark.requirement("DAMP-2")
def test_days_beyond_those_kept_are_there_while_they_are_needed(shop: Shop) -> None:
    """Two days of features are kept and three are needed: none is forgotten between being built and being read."""
    damped(shop)
    project = Project(shop.settings(days_kept=2))
    project.load()
    for day in (NEWEST, NEWEST - timedelta(days=9)):
        (outcome,) = project.compute(day, ["today"])
        assert isinstance(outcome, Computed)
        assert outcome.profile.size == ordered_lately(shop, day) > 0


def test_days_before_anybody_was_known_are_nobodys(shop: Shop) -> None:
    """On the first day of the data the days that it looks back on have nobody, and are no error."""
    damped(shop)
    project = Project(shop.settings())
    project.load()
    (outcome,) = project.compute(date(2017, 1, 1), ["today"])
    assert isinstance(outcome, Computed)
    assert (outcome.profile.size, outcome.profile.universe) == (0, shop.people)
