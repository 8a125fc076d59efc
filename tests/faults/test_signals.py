"""A push that is told to end, paused, or killed: it ends at once, says so, and the next one repairs what is open."""

from __future__ import annotations

import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.ground import Ground

MOST_SECONDS = 10
SLOW = {"platform": "meta", "path": "*/users", "effect": "delay", "seconds": 1.0}
SILENT = {"platform": "meta", "path": "*/users", "effect": "timeout", "seconds": 55.0, "applied": True}


def states(journal: Path) -> dict[str, int]:
    """How many batches are in which state."""
    with closing(sqlite3.connect(journal)) as db:
        return dict(db.execute("select state, count(*) from batches group by state").fetchall())


@pytest.mark.fault(
    "F38",
    injected="SIGTERM or SIGINT to `turnout sync` while requests are slow, or unanswered for 55 seconds",
    outcome="it ends within 10 seconds with its batches journalled; the next run repairs what is open",
)
@pytest.mark.promise("bounded", "converges", "never_lost")
@pytest.mark.parametrize("rule", [SLOW, SILENT], ids=["slow", "silent"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_push_ends_soon_after_a_signal(
    fresh: Ground, number: signal.Signals, rule: dict[str, object]
) -> None:
    """A push in the midst of requests is told to end: ten seconds later it has, and no batch is forgotten."""
    fresh.faults(rule)
    running = fresh.start("sync")
    wait_for_sent(fresh)
    told = running.signal(number)
    ended = running.end()
    assert time.monotonic() - told < MOST_SECONDS
    assert ended.code == (130 if number == signal.SIGINT else -number)
    assert "Traceback" not in ended.said
    assert sum(states(fresh.journal).values()) == 6, "every batch of the plan is on record"
    fresh.assert_converges()


def wait_for_sent(ground: Ground, seconds: float = 30) -> None:
    """Until the journal says that a batch has left."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if ground.journal.exists() and "sent" in states_if_any(ground.journal):
            return
        time.sleep(0.02)
    raise AssertionError("no batch was sent")


def states_if_any(journal: Path) -> dict[str, int]:
    """The same while the journal may still be made."""
    try:
        return states(journal)
    except sqlite3.OperationalError:
        return {}


@pytest.mark.fault(
    "F45",
    injected="SIGSTOP to a push, a second push beside it, then SIGCONT",
    outcome="the second is refused with the first one's number; the first goes on to its end",
)
@pytest.mark.promise("bounded", "converges")
def test_a_paused_push_keeps_its_lease(fresh: Ground) -> None:
    """A process that sleeps still holds the ledger, so nobody else can send in between; it wakes and goes on."""
    fresh.faults(SLOW)
    running = fresh.start("sync")
    wait_for_sent(fresh)
    running.signal(signal.SIGSTOP)
    second = fresh.run("sync")
    assert second.code == 1
    assert f"process {running.process.pid}" in second.said
    assert second.seconds < 30
    running.signal(signal.SIGCONT)
    first = running.end()
    assert first.code == 0, first.said
    assert fresh.held() == fresh.desired()


@pytest.mark.fault(
    "F46",
    injected="kill -9 of a push in the midst of its requests",
    outcome="the next push takes over at once and sends what has no receipt",
)
@pytest.mark.promise("converges", "never_lost")
def test_a_killed_push_leaves_no_lock(fresh: Ground) -> None:
    """The operating system frees the lease with the process: nobody waits for it."""
    fresh.faults(SILENT)
    running = fresh.start("sync")
    wait_for_sent(fresh)
    running.signal(signal.SIGKILL)
    assert running.end().code == -signal.SIGKILL
    fresh.assert_converges()


@pytest.mark.fault(
    "F44",
    injected="two pushes of one account started together, three times",
    outcome="one after the other, or the second is refused with the first one's number; nobody is sent twice",
)
@pytest.mark.promise("converges", "never_claimed")
@pytest.mark.parametrize("trial", range(3))
def test_two_pushes_at_once(fresh: Ground, trial: int) -> None:
    """Two processes begin at the same time: each that ends well leaves the platform as wanted."""
    fresh.faults({**SLOW, "seconds": 0.1 * trial} if trial else SLOW)
    both = [fresh.start("sync") for _ in range(2)]
    ended = [one.end() for one in both]
    assert 0 in {one.code for one in ended}
    for one, other in zip(ended, reversed(both), strict=True):
        assert one.code == 0 or f"process {other.process.pid}" in one.said, one.said
    assert fresh.held() == fresh.desired()
    adds = [row for row in fresh.sandbox.state.requests("meta") if "/users" in row.path]
    assert len(adds) == 6, "ten people a request, sixty people: nobody was sent twice"
