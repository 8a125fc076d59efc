"""Whatever arrives, however it is cut into micro-batches: the people are those of a full recompute."""

from __future__ import annotations

import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.dynamic.stream import Stream

PEOPLE = 8
person = st.integers(0, PEOPLE - 1)
back = st.integers(-1, 32)
"""Days before today; one lies in the future, most within the windows, some before them."""
hour = st.integers(0, 23)


class Arrivals(RuleBasedStateMachine):
    """A shop's days: rows of today, late rows, several of one person, loads, midnights, and micro-batches between."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        self.stream = Stream.open(root / "shop", people=PEOPLE, destinations={"ads": "file"})
        os.environ.update(self.stream.shop.environment())
        self.stream.night()
        self.fresh = False

    def at(self, back: int, hour: int) -> datetime:
        """A moment some days ago."""
        return datetime.combine(self.stream.today, datetime.min.time()) + timedelta(days=-back, hours=hour)

    @rule(who=person, back=back, hour=hour, times=st.integers(1, 4))
    def views(self, who: int, back: int, hour: int, times: int) -> None:
        """Somebody looks at products."""
        self.stream.view(who, self.at(back, hour), times=times)
        self.fresh = False

    @rule(who=person, back=back, hour=hour, total=st.integers(1, 70))
    def orders(self, who: int, back: int, hour: int, total: int) -> None:
        """Somebody buys."""
        self.stream.order(who, self.at(back, hour), total)
        self.fresh = False

    @rule(who=person, back=back)
    def half_a_line(self, who: int, back: int) -> None:
        """Whoever writes is in the middle of a line, then ends it."""
        at = self.at(back, 9)
        name = f"c{who:04}"
        self.stream.line("web_events", f"half{len(self.stream.views)}-{at:%m%d},{name[:2]}", end="")
        self.stream.react()
        self.stream.line("web_events", f"{name[2:]},product_view,{at}")
        self.stream.views.append((who, at))
        self.fresh = False

    @rule()
    def micro_batch(self) -> None:
        """What has arrived is reacted to."""
        self.stream.react()
        self.fresh = True

    @precondition(lambda self: self.stream.today < datetime(2018, 1, 20).date())
    @rule(days=st.integers(1, 3))
    def midnight(self, days: int) -> None:
        """Days pass."""
        self.stream.today += timedelta(days=days)
        self.fresh = False

    @rule()
    def night(self) -> None:
        """The nightly load and computation come in between."""
        self.stream.night()

    @precondition(lambda self: self.fresh)
    @invariant()
    def as_of_everything_that_was_written(self) -> None:
        """After a micro-batch the segments hold whom an independent count of every written row says."""
        assert self.stream.members("hot") == self.stream.hot()
        assert self.stream.members("keen") == self.stream.keen()

    def teardown(self) -> None:
        """At the end: the same people as in a warehouse in which everybody was computed at once; all of them sent."""
        self.stream.react()
        anew = self.stream.computed_anew(Path(self.folder.name) / "anew")
        for name, right in anew.items():
            assert self.stream.members(name) == right
            wanted = {who for who in right if who != f"c{PEOPLE - 1:04}"}  # who unsubscribed
            if len(wanted) > 0:
                assert self.stream.shop.members("ads", name) == wanted
        self.folder.cleanup()


Arrivals.TestCase.settings = settings(
    max_examples=int(os.environ.get("TURNOUT_ARRIVALS", "4")),
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.requirement("TYP-18", "TYP-6")
class TestMicroBatchesEqualAFullRecompute(Arrivals.TestCase):  # type: ignore[name-defined,misc]
    """Random histories of arrivals."""
