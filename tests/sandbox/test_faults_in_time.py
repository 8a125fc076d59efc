"""Faults of time and order: the sandbox's clock, requests applied later, jobs that are late, fail or never end."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from connectors.sandbox import SandboxServer
from connectors.sandbox.faults.board import FaultBoard
from connectors.sandbox.faults.reading import FaultRuleError, parse_faults
from connectors.sandbox.wire import Platform
from tests.sandbox.conftest import MailchimpCaller, MetaCaller, PracticeCaller, graph_error, sha256

ROWS = [[sha256(f"{n}@b.c")] for n in range(10)]
Put = Callable[..., None]


@pytest.fixture
def fault(sandbox: SandboxServer) -> Put:
    """Puts up one rule about Meta's uploads."""

    def put(effect: str, **settings: object) -> None:
        rule = {"platform": "meta", "path": "*/users", "effect": effect, **settings}
        sandbox.faults.replace(parse_faults([rule]))

    return put


def size(sandbox: SandboxServer, audience: str) -> int:
    return sandbox.state.audience("meta", audience).size


def test_the_clock_goes_forward_only(sandbox: SandboxServer) -> None:
    """It shows real time plus what it was moved by, in every process, and is never moved back."""
    url = f"{sandbox.url}/sandbox/api/clock"
    assert abs(sandbox.state.now() - time.time()) < 5
    moved = requests.post(url, json={"seconds": 86_400}, timeout=5).json()["now"]
    assert abs(datetime.fromisoformat(moved).timestamp() - time.time() - 86_400) < 5
    assert abs(sandbox.state.advance_clock(60) - time.time() - 86_460) < 5
    for wrong in ({"seconds": -1}, {"seconds": "1"}, {"seconds": True}, {}, [], {"seconds": 1, "hours": 1}):
        assert requests.post(url, json=wrong, timeout=5).status_code == 400
    with pytest.raises(ValueError, match="forward only"):
        sandbox.state.advance_clock(-1)
    assert requests.get(url, timeout=5).json()["now"] == datetime.fromtimestamp(
        sandbox.state.now(), UTC
    ).isoformat(timespec="seconds")


def test_meta_lives_by_the_clock(sandbox: SandboxServer, meta: MetaCaller) -> None:
    """Members whose retention is over are gone, sessions of 90 minutes are over, quotas come back."""
    audience = meta.audience(retention_days=2)
    meta.users(audience, ROWS)
    session = {"session_id": 7, "batch_seq": 1, "last_batch_flag": False}
    meta.users(audience, ROWS[:1], session=session)
    sandbox.advance_clock(91 * 60)
    assert graph_error(meta.users(audience, ROWS[:1], session={**session, "batch_seq": 2})) == (2650, 1870158)
    sandbox.advance_clock(2 * 86_400)
    meta.call("GET", audience)
    assert size(sandbox, audience) == 0
    sandbox.state.set_switches(meta_tier="limited")
    while meta.call("POST", audience, json={"name": "x"}).status_code == 200:
        pass
    sandbox.advance_clock(301)
    assert meta.call("POST", audience, json={"name": "x"}).status_code == 200


def test_a_late_copy_comes_after_some_time(sandbox: SandboxServer, meta: MetaCaller, fault: Put) -> None:
    """A copy of an add, an hour later, brings back who was removed meanwhile; not a second earlier."""
    audience = meta.audience()
    fault("late_copy", seconds_later=3_600, times=1)
    meta.users(audience, ROWS)
    meta.users(audience, ROWS, method="DELETE")
    sandbox.advance_clock(3_590)
    assert size(sandbox, audience) == 0
    sandbox.advance_clock(20)
    assert size(sandbox, audience) == 10


def test_what_is_held_back_is_applied_after_others(
    sandbox: SandboxServer, meta: MetaCaller, fault: Put
) -> None:
    """No answer, nothing applied; two requests later it is, by the time the second one has its answer."""
    audience = meta.audience()
    fault("held_back", requests_later=2, times=1)
    with pytest.raises(requests.ConnectionError):
        meta.users(audience, ROWS)
    meta.users(audience, ROWS, method="DELETE")
    assert size(sandbox, audience) == 0
    meta.users(audience, ROWS[:1], method="DELETE")
    assert size(sandbox, audience) == 10


def test_out_of_order_answers_first_and_applies_later(
    sandbox: SandboxServer, meta: MetaCaller, fault: Put
) -> None:
    """The answer counts the rows as always, but the removal that follows is applied before the add."""
    audience = meta.audience()
    fault("out_of_order", times=1)
    answer = meta.users(audience, ROWS)
    assert (answer.status_code, answer.json()["num_received"]) == (200, 10)
    assert size(sandbox, audience) == 0
    meta.users(audience, ROWS, method="DELETE")
    assert size(sandbox, audience) == 10


def test_later_is_by_requests_or_by_time() -> None:
    """A rule can't ask for both."""
    rule = {"platform": "meta", "effect": "late_copy", "requests_later": 1, "seconds_later": 1}
    with pytest.raises(FaultRuleError, match="exclude each other"):
        parse_faults([rule])


def test_a_spent_quota_comes_back_at_midnight(sandbox: SandboxServer, practice: PracticeCaller) -> None:
    """From the first firing all requests are refused, with the seconds left, until the clock shows the next day."""
    audience = practice.audience()
    sandbox.faults.replace(parse_faults([{"platform": "practice", "effect": "quota_gone", "after": 1}]))
    assert practice.edit(audience, ["a"]).status_code == 200
    refused = practice.edit(audience, ["b"])
    left = 86_400 - sandbox.state.now() % 86_400
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "quota_spent")
    assert abs(int(refused.headers["retry-after"]) - left) < 5
    assert practice.call("GET", f"/audiences/{audience}").status_code == 429
    sandbox.advance_clock(left - 60)
    assert practice.edit(audience, ["b"]).status_code == 429
    sandbox.advance_clock(120)
    assert practice.edit(audience, ["b"]).status_code == 200
    assert practice.size(audience) == 2


@pytest.mark.parametrize("platform", ["meta", "mailchimp"])
def test_a_spent_quota_in_every_platforms_words(
    sandbox: SandboxServer, meta: MetaCaller, mailchimp: MailchimpCaller, platform: str
) -> None:
    """Meta and Mailchimp answer as they do to too many requests, with the seconds to midnight."""
    sandbox.faults.replace(parse_faults([{"platform": platform, "effect": "quota_gone"}]))
    answer = meta.call("GET", "me") if platform == "meta" else mailchimp.call("GET", "/ping")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 86_400


def test_rules_that_wait_for_requests_count_their_platform_only() -> None:
    """A request held back for one more request is not moved by requests to another platform."""
    board = FaultBoard()
    (rule,) = parse_faults([{"platform": "meta", "effect": "held_back"}])
    call: Any = type("Held", (), {"platform": Platform.META})()
    board.apply_later(call, rule, now=0)  # type: ignore[arg-type]
    for _ in range(5):
        board.count_request(Platform.MAILCHIMP)
    assert board.due(Platform.META, now=0) == []
    for _ in range(2):
        board.count_request(Platform.META)
    assert board.due(Platform.META, now=0) == [call]
    assert board.waiting() == 0


def test_a_job_can_fail_hours_later(sandbox: SandboxServer, practice: PracticeCaller) -> None:
    """It is taken, waits, and fails without having applied anything."""
    audience = practice.audience(delivery="job")
    rule = {"platform": "practice", "path": "*/jobs", "effect": "job_fails", "seconds": 7_200, "times": 1}
    sandbox.faults.replace(parse_faults([rule]))
    job = practice.job(audience, ["a"])
    sandbox.advance_clock(7_000)
    assert practice.job_status(audience, job) == "queued"
    sandbox.advance_clock(300)
    assert practice.job_status(audience, job) == "failed"
    assert practice.size(audience) == 0
    assert practice.job_status(audience, practice.job(audience, ["a"])) == "done"


def test_a_job_can_wait_for_ever(sandbox: SandboxServer, practice: PracticeCaller) -> None:
    """A year later it is still queued."""
    audience = practice.audience(delivery="job")
    sandbox.faults.replace(
        parse_faults([{"platform": "practice", "effect": "job_never_ends", "method": "POST"}])
    )
    job = practice.job(audience, ["a"])
    sandbox.advance_clock(365 * 86_400)
    sandbox.faults.replace([])
    assert practice.job_status(audience, job) == "queued"
    assert practice.size(audience) == 0


def test_a_late_job_is_overtaken(sandbox: SandboxServer, practice: PracticeCaller) -> None:
    """An add job that takes an hour longer is applied after the removal job that was sent after it."""
    audience = practice.audience(delivery="job")
    rule = {"platform": "practice", "path": "*/jobs", "effect": "job_late", "seconds": 3_600, "times": 1}
    sandbox.faults.replace(parse_faults([rule]))
    practice.job(audience, ["a"])
    practice.job(audience, ["a"], op="remove")
    assert practice.size(audience) == 0
    sandbox.advance_clock(3_601)
    assert practice.size(audience) == 1


@pytest.mark.parametrize(("effect", "settings"), [("job_fails", {}), ("job_late", {"seconds": 3_600})])
def test_mailchimp_batches_fail_and_wait(
    sandbox: SandboxServer, mailchimp: MailchimpCaller, effect: str, settings: dict[str, object]
) -> None:
    """A background batch can fail in each of its operations, or wait for hours while later ones go on."""
    sandbox.state.set_switches(mailchimp_batch_seconds=0)
    rule = {"platform": "mailchimp", "path": "*/batches", "effect": effect, "times": 1, **settings}
    sandbox.faults.replace(parse_faults([rule]))
    first, second = (_batch(mailchimp, f"p{n}@b.co") for n in (1, 2))
    assert _finished(mailchimp, second)["errored_operations"] == 0
    if effect == "job_late":
        assert mailchimp.call("GET", f"/batches/{first}").json()["status"] == "pending"
        sandbox.advance_clock(3_601)
        assert _finished(mailchimp, first)["errored_operations"] == 0
    assert _finished(mailchimp, first)["errored_operations"] == (1 if effect == "job_fails" else 0)
    known = [contact.email for contact in sandbox.state.contacts()]
    assert known == (["p2@b.co"] if effect == "job_fails" else ["p1@b.co", "p2@b.co"])


def test_a_mailchimp_batch_can_wait_for_ever(sandbox: SandboxServer, mailchimp: MailchimpCaller) -> None:
    """It stays pending, and others are worked off."""
    sandbox.state.set_switches(mailchimp_batch_seconds=0)
    rule = {"platform": "mailchimp", "path": "*/batches", "effect": "job_never_ends", "times": 1}
    sandbox.faults.replace(parse_faults([rule]))
    first, second = (_batch(mailchimp, f"p{n}@b.co") for n in (1, 2))
    _finished(mailchimp, second)
    sandbox.advance_clock(30 * 86_400)
    assert mailchimp.call("GET", f"/batches/{first}").json()["status"] == "pending"


def _batch(mailchimp: MailchimpCaller, email: str) -> str:
    operation = {
        "method": "POST",
        "path": "/lists/a1b2c3d4e5/members",
        "body": f'{{"email_address": "{email}", "status": "subscribed"}}',
    }
    answer = mailchimp.call("POST", "/batches", json={"operations": [operation]})
    return str(answer.json()["id"])


def _finished(mailchimp: MailchimpCaller, batch: str) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while (state := mailchimp.call("GET", f"/batches/{batch}").json())["status"] != "finished":
        assert time.monotonic() < deadline, state["status"]
        time.sleep(0.02)
    found: dict[str, Any] = state
    return found
