"""Requests that land late or out of order, jobs that fail, wait or overtake, and credentials that others use up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.meta.settings import MetaOptions
from connectors.sandbox import SandboxServer
from tests.lab.bench import AT_FIRST, KINDS, LATER, Bench, Kind, practice

Ready = Callable[[str], Bench]
WINDOW = timedelta(hours=1)

SETTLING = {
    name: replace(
        next(kind for kind in KINDS if kind.name == name),
        make=practice(delivery=name, settles_after_minutes=WINDOW.total_seconds() / 60),
    )
    for name in ("direct", "session", "job")
}
"""The practice platform as one that may apply a request up to an hour after it was sent."""


@pytest.fixture
def settling(tmp_path: Path, sandbox: SandboxServer) -> Callable[[str], Bench]:
    """A bench of its own whose connector declares a window."""

    def ready(name: str) -> Bench:
        kind: Kind = SETTLING[name]
        sandbox.faults.replace(())
        folder = tmp_path / name
        folder.mkdir()
        made = Bench(kind, sandbox, folder, life=100 + len(sandbox.state.audiences()))
        assert made.push().ok
        made.settle()
        return made

    return ready


def pass_time(lab: Bench, time: timedelta) -> None:
    """On both sides: the platform applies what was held back, and the next run is later."""
    lab.sandbox.advance_clock(time.total_seconds())
    lab.now += time


LANDS_LATE = [
    (kind, effect, after, times)
    for kind, after in (("direct", 2), ("session", 4), ("job", 2))
    for effect, times in (("late_copy", 1), ("held_back", 1), ("out_of_order", 1))
    # A session answers a copy of its last batch as before; only when every attempt is held back one can land late.
    # Jobs are late by themselves, see below: a job that is not there yet could not be asked for.
    if (kind, effect) not in (("session", "late_copy"), ("session", "held_back"), ("job", "out_of_order"))
] + [("session", "held_back", 4, 4)]
"""Kind, effect, membership requests that pass before it, and how many attempts meet it."""


@pytest.mark.fault(
    "F19", "F20", "F21",
    injected="an add is applied once more, only later, or after the removal that was sent after it",
    outcome="whoever had left is removed again by the first run after the window",
)  # fmt: skip
@pytest.mark.parametrize(("kind", "effect", "after", "times"), LANDS_LATE)
def test_an_add_that_lands_after_the_removal(
    settling: Callable[[str], Bench], kind: str, effect: str, after: int, times: int
) -> None:
    """Four join, their request lands (again) after they left again: a run after the window takes them out."""
    lab = settling(kind)
    lab.want(LATER)
    lab.fault(effect, seconds_later=WINDOW.total_seconds() / 2, after=after, times=times)
    lab.push()
    lab.calm()
    lab.now += timedelta(minutes=5)
    lab.want(AT_FIRST)
    lab.push()
    lab.settle()
    pass_time(lab, WINDOW / 2)
    came_back = lab.members() - lab.desired()
    assert came_back, "the late request changed nothing: the test proves nothing"
    pass_time(lab, WINDOW)
    for _ in range(3):
        assert lab.push().ok
        lab.settle()
    assert lab.members() == lab.desired()
    lab.judge()
    assert lab.push().requests == 0


def test_a_removal_that_lands_after_the_add(settling: Callable[[str], Bench]) -> None:
    """The mirror image: a copy of a removal throws out people who have come back; a later run puts them in again."""
    lab = settling("direct")
    lab.want(LATER)
    lab.fault("late_copy", seconds_later=WINDOW.total_seconds() / 2, times=1)
    assert lab.push().ok
    lab.calm()
    lab.now += timedelta(minutes=5)
    lab.want(AT_FIRST)
    assert lab.push().ok
    pass_time(lab, WINDOW / 2)
    assert lab.desired() - lab.members(), "the late copy changed nothing: the test proves nothing"
    pass_time(lab, WINDOW)
    for _ in range(3):
        assert lab.push().ok
    assert lab.members() == lab.desired()
    lab.judge()


@pytest.mark.fault(
    "F22",
    injected="a job fails hours after it was accepted",
    outcome="nobody was claimed meanwhile; the run that learns of it sends the people again",
)
def test_a_job_that_fails_hours_later(bench: Ready) -> None:
    """The people of the failed job are sent again by the run that asks for its verdict."""
    lab = bench("job")
    lab.start_from(AT_FIRST)
    lab.want(LATER)
    lab.fault("job_fails", seconds=7_200)
    first = lab.push()
    lab.judge()
    assert first.ok
    assert first.awaited > 0
    lab.calm()
    pass_time(lab, timedelta(hours=1))
    lab.push()
    lab.judge()
    assert lab.members() == {lab.kind.handle(number) for number in AT_FIRST}
    pass_time(lab, timedelta(hours=2))
    for _ in range(3):
        lab.push()
        lab.judge()
    assert lab.members() == lab.desired()


@pytest.mark.fault(
    "F22",
    injected="a job is accepted and never ends",
    outcome="its people are awaited and not claimed; after the time that the connector declares they are sent again",
)
def test_a_job_that_never_ends(bench: Ready) -> None:
    """Awaited for three days without being sent again, then in doubt, said so, and sent again."""
    lab = bench("job")
    lab.start_from(AT_FIRST)
    lab.want(LATER)
    lab.fault("job_never_ends")
    lab.push()
    lab.calm()
    pass_time(lab, timedelta(days=2))
    waiting = lab.push()
    assert waiting.requests == 0
    lab.judge()
    pass_time(lab, timedelta(days=2))
    told = lab.push()
    assert any("has not said what became of" in sentence for sentence in told.errors)
    for _ in range(2):
        lab.push()
    assert lab.members() == lab.desired()
    lab.judge()


@pytest.mark.fault(
    "F21",
    injected="the job that adds people takes longer than the job that removes them, sent after it",
    outcome="the removal waits for the verdict on the add; nobody stays by mistake",
)
def test_a_job_is_not_overtaken(bench: Ready) -> None:
    """Whoever leaves while their add is still under way is removed after its verdict, not before."""
    lab = bench("job")
    lab.start_from(AT_FIRST)
    lab.want(LATER)
    lab.fault("job_late", seconds=3_600)
    lab.push()
    lab.calm()
    lab.want(AT_FIRST)
    lab.push()
    pass_time(lab, timedelta(hours=2))
    for _ in range(4):
        lab.push()
        lab.judge()
    assert lab.members() == lab.desired()


@pytest.mark.fault(
    "F27",
    injected="somebody else uses the refresh token in the middle of a run, and the access token ends",
    outcome="the run stops and names the settings; with a new token set, the next one repairs everything",
)
@pytest.mark.parametrize("kind", ["direct", "session", "job"])
def test_a_refresh_token_that_somebody_else_used(bench: Ready, kind: str) -> None:
    """Nobody is claimed or lost, the account waits for a person, and a new refresh token is enough."""
    lab = bench(kind)
    lab.turn()
    lab.fault("refresh_rotated", times=1)
    lab.fault("tokens_end", after=1, times=1)
    told = lab.push()
    assert told.needs_person
    assert any("TURNOUT_LAB_REFRESH_TOKEN" in sentence for sentence in told.errors)
    lab.judge()
    (lab.sandbox.folder.parent / "refresh-token").write_text(lab.sandbox.state.rotate_refresh_token())
    assert lab.clean_run().ok
    assert lab.members() == lab.desired()
    lab.judge()


@pytest.mark.fault(
    "F33",
    injected="Meta drops members ten days after they were last sent",
    outcome="unchanged members are sent again in time; nobody is ever missing",
)
def test_members_are_sent_again_before_they_expire(tmp_path: Path, sandbox: SandboxServer) -> None:
    """With a retention of ten days and a push every 36 hours, three weeks pass and nobody is dropped."""
    sandbox.faults.replace(())
    kind = next(kind for kind in KINDS if kind.name == "meta")
    lab = Bench(kind, sandbox, tmp_path, life=100, options=MetaOptions(retention_days=10))
    for _ in range(14):
        assert lab.push().ok
        assert lab.members() == lab.desired()
        pass_time(lab, timedelta(hours=36))
    audience = sandbox.state.audience("meta", lab.title)
    assert max(change.removed for change in sandbox.state.changes("meta", audience.id)) == 0


STORM: tuple[dict[str, Any], ...] = (
    {"effect": "lost_answer", "every": 3},
    {"effect": "server_error", "every": 4, "after": 1, "applied": True},
    {"effect": "rate_limited", "every": 5, "after": 2, "retry_after": 2},
    {"effect": "reset", "every": 7, "after": 3},
    {"effect": "twice", "every": 2, "after": 1},
)


@pytest.mark.parametrize("kind", ["meta", "mailchimp", "direct", "session", "job"])
def test_many_faults_at_once(bench: Ready, kind: str) -> None:
    """Several rules in one run, people coming and going for three runs: claims hold, and one clean run ends it."""
    lab = bench(kind)
    for rule in STORM:
        lab.fault(**rule)
    for _ in range(3):
        lab.turn()
        lab.push()
        lab.judge()
    assert sum(entry.fired for entry in lab.sandbox.faults.posted()) >= 5
    assert lab.clean_run().ok
    assert lab.members() == lab.desired()
    lab.judge()
    assert lab.push().requests == 0
