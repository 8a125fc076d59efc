"""A platform whose clock is not ours."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from connectors.testing import FastTime
from tests.connectors.server import Reply, Scripted, Seen
from tests.connectors.test_http import opened, post


@pytest.mark.fault(
    "F36",
    injected="429 until a date, by a clock that is up to five minutes ahead of ours or behind it",
    outcome="waits for as long as it takes by the platform's clock; the request goes through",
)
@pytest.mark.promise("bounded")
@pytest.mark.parametrize(
    ("minutes", "told"), [(-5, True), (-5, False), (0, False), (1, False), (5, True), (300, True)]
)
def test_a_date_by_another_clock_is_waited_for(server: Scripted, minutes: int, told: bool) -> None:
    """The answer's own Date header (``told``) says how late it is there; without it, we ask again after a pause."""
    time = FastTime()
    skew = timedelta(minutes=minutes)
    opens = time.clock.now() + skew + timedelta(seconds=40)

    def answer(seen: Seen) -> Reply:
        if time.clock.now() + skew >= opens:
            return Reply(body={"ok": True})
        dates = {"Retry-After": opens} | ({"Date": time.clock.now() + skew} if told else {})
        return Reply(429, {}, {name: format_datetime(date, usegmt=True) for name, date in dates.items()})

    server.script = answer
    assert post(opened(server.url, time)).json == {"ok": True}
    assert len(server.seen) < 60
    assert sum(time.pauses) < 120
