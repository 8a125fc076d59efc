"""Faults: rules are read strictly, fire by count, and do what they say on the wire."""

from __future__ import annotations

import asyncio
import email.utils
import time
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
import requests

from connectors.sandbox import SandboxServer, create_app
from connectors.sandbox.faults.board import FaultBoard
from connectors.sandbox.faults.effects import carry_out
from connectors.sandbox.faults.reading import KINDS, FaultRuleError, parse_faults, read_faults
from connectors.sandbox.faults.rules import AnyFault
from connectors.sandbox.wire import Platform
from tests.sandbox.conftest import MailchimpCaller, MetaCaller, graph_error, problem, sha256

ROWS = [[sha256(f"{n}@b.c")] for n in range(10)]
Put = Callable[..., str]


@pytest.fixture
def fault(sandbox: SandboxServer, meta: MetaCaller) -> Put:
    """Creates an audience, then puts up one rule about its uploads; returns the audience's id."""

    def put(effect: str, **settings: object) -> str:
        audience = meta.audience()
        rule = {"platform": "meta", "path": "*/users", "effect": effect, **settings}
        sandbox.faults.replace(parse_faults([rule]))
        return audience

    return put


def size(sandbox: SandboxServer, audience: str) -> int:
    return sandbox.state.audience("meta", audience).size


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            {"platform": "meta", "effect": "dealy", "seconds": 1},
            "unknown effect 'dealy'; did you mean 'delay'?",
        ),
        (
            {"platform": "meta", "effect": "delay", "second": 1},
            "no setting 'second'; did you mean 'seconds'?",
        ),
        ({"platform": "meta", "effect": "delay"}, "'delay' needs 'seconds'"),
        ({"effect": "reset"}, "'reset' needs 'platform'"),
        ({"platform": "gugel", "effect": "reset"}, "platform = 'gugel'"),
        ({"platform": "meta", "effect": "reset", "every": 0}, "every = 0"),
        ({"platform": "meta", "effect": "reset", "method": "get"}, "method = 'get'"),
        ({"platform": "mailchimp", "effect": "audience_flagged"}, "platform = 'mailchimp'"),
        ({"platform": "meta"}, "`effect` is missing"),
        ("reset", "expected a table"),
    ],
)
def test_a_wrong_rule_names_what_would_be_right(rule: object, message: str) -> None:
    """An unknown effect or setting is an error with the nearest valid name; a wrong value names itself."""
    with pytest.raises(FaultRuleError) as caught:
        parse_faults([{"platform": "meta", "effect": "reset"}, rule])
    assert "rule 2" in str(caught.value)
    assert message in str(caught.value)


def test_a_file_of_rules_is_read_with_lines(tmp_path: Path) -> None:
    """Rules come from TOML; a mistake names file and line."""
    path = tmp_path / "faults.toml"
    path.write_text('[[fault]]\nplatform = "meta"\neffect = "reset"\ntimes = 2\n')
    (rule,) = read_faults(path)
    assert (rule.effect, rule.times, rule.platform) == ("reset", 2, Platform.META)
    for text, message in [
        (
            path.read_text() + '\n[[fault]]\nplatform = "meta"\neffect = "rest"\n',
            f"{path}:6: unknown effect 'rest'",
        ),
        ("[[fault]\n", f"{path}: "),
        ("[fault]\n", "two brackets"),
        ("[[falut]]\n", "unknown table 'falut'"),
    ]:
        path.write_text(text)
        with pytest.raises(FaultRuleError) as caught:
            read_faults(path)
        assert message in str(caught.value)
    with pytest.raises(FaultRuleError, match=r"missing\.toml"):
        read_faults(tmp_path / "missing.toml")


@pytest.mark.parametrize(
    ("counters", "fired"),
    [
        ({}, [1, 1, 1, 1, 1, 1]),
        ({"after": 2}, [0, 0, 1, 1, 1, 1]),
        ({"every": 3}, [1, 0, 0, 1, 0, 0]),
        ({"times": 2}, [1, 1, 0, 0, 0, 0]),
        ({"after": 1, "every": 2, "times": 2}, [0, 1, 0, 1, 0, 0]),
    ],
)
def test_counters_decide_which_requests_fail(counters: dict[str, int], fired: list[int]) -> None:
    """after, every and times count matching requests only."""
    board = FaultBoard(parse_faults([{"platform": "meta", "effect": "reset", "path": "*/users", **counters}]))
    met = []
    for _ in fired:
        assert board.pick(Platform.META, "POST", "/v26.0/1", 0) is None
        assert board.pick(Platform.MAILCHIMP, "POST", "/1/users", 0) is None
        met.append(int(board.pick(Platform.META, "POST", "/v26.0/1/users", 0) is not None))
    assert met == fired
    assert board.posted()[0].matched == len(fired)
    assert board.posted()[0].fired == sum(fired)


def test_every_kind_of_fault_has_an_effect() -> None:
    """No rule can be put up that nothing carries out."""
    source = Path(carry_out.__code__.co_filename).read_text("utf-8")
    for kind in get_args(AnyFault):
        assert f"fault.{kind.__name__}(" in source, kind.__name__
    assert len(KINDS) == len(get_args(AnyFault))


def test_a_delay_answers_late(sandbox: SandboxServer, meta: MetaCaller, fault: Put) -> None:
    """The request is applied, after the delay."""
    audience = fault("delay", seconds=0.3)
    started = time.perf_counter()
    assert meta.users(audience, ROWS).status_code == 200
    assert time.perf_counter() - started >= 0.3
    assert size(sandbox, audience) == 10


@pytest.mark.parametrize(
    ("seconds", "header"), [(2, "2"), (0, "0"), (-5, "-5"), (10**9, "1000000000"), (None, None)]
)
def test_throttling_with_any_retry_after(
    sandbox: SandboxServer, meta: MetaCaller, fault: Put, seconds: float | None, header: str | None
) -> None:
    """Seconds of any size, or no header at all; nothing is applied."""
    audience = fault("rate_limited", **({} if seconds is None else {"retry_after": seconds}))
    answer = meta.users(audience, ROWS)
    assert (answer.status_code, graph_error(answer)[0], answer.headers.get("retry-after")) == (
        429,
        80003,
        header,
    )
    assert size(sandbox, audience) == 0


def test_throttling_with_a_date(sandbox: SandboxServer, mailchimp: MailchimpCaller) -> None:
    """Retry-After can be an HTTP date."""
    rule = {"platform": "mailchimp", "effect": "rate_limited", "retry_after": 60, "as_date": True, "times": 1}
    sandbox.faults.replace(parse_faults([rule]))
    answer = mailchimp.call("GET", "/ping")
    until = email.utils.parsedate_to_datetime(answer.headers["retry-after"])
    assert 50 <= until.timestamp() - time.time() <= 61
    assert problem(answer) == (429, "Too Many Requests")
    assert mailchimp.call("GET", "/ping").status_code == 200


@pytest.mark.parametrize("applied", [False, True])
def test_server_errors_before_and_after(
    sandbox: SandboxServer, meta: MetaCaller, fault: Put, applied: bool
) -> None:
    """A 503 says nothing about whether the request was applied: both happen."""
    audience = fault("server_error", status=503, applied=applied)
    answer = meta.users(audience, ROWS)
    assert (answer.status_code, answer.json()["error"]["is_transient"]) == (503, True)
    assert size(sandbox, audience) == (10 if applied else 0)


@pytest.mark.parametrize(
    ("effect", "settings", "applied"),
    [
        ("lost_answer", {}, True),
        ("reset", {}, False),
        ("timeout", {"seconds": 0.1}, False),
        ("timeout", {"seconds": 0.1, "applied": True}, True),
    ],
)
def test_connections_without_an_answer(
    sandbox: SandboxServer,
    meta: MetaCaller,
    fault: Put,
    effect: str,
    settings: dict[str, object],
    applied: bool,
) -> None:
    """The caller sees a broken connection; the log shows "no answer" and what was done; the next call works."""
    audience = fault(effect, times=1, **settings)
    with pytest.raises(requests.ConnectionError) as caught:
        meta.users(audience, ROWS)
    assert ("reset" in str(caught.value).lower()) == (effect == "reset")
    assert size(sandbox, audience) == (10 if applied else 0)
    deadline = time.monotonic() + 5
    while (logged := sandbox.state.requests(limit=1)[0]).fault is None:
        assert time.monotonic() < deadline
    assert (logged.status, logged.fault, logged.rows) == (None, effect, 10 if applied else None)
    assert meta.users(audience, ROWS).status_code == 200


@pytest.mark.parametrize("status", [200, 403, 502])
def test_html_instead_of_json(sandbox: SandboxServer, meta: MetaCaller, fault: Put, status: int) -> None:
    """A gateway's page under any status."""
    audience = fault("html", status=status, applied=True)
    answer = meta.users(audience, ROWS)
    assert (answer.status_code, answer.headers["content-type"][:9]) == (status, "text/html")
    assert size(sandbox, audience) == 10


@pytest.mark.parametrize("empty", [False, True])
def test_answers_that_break_off(sandbox: SandboxServer, meta: MetaCaller, fault: Put, empty: bool) -> None:
    """A 200 whose JSON is cut or missing, after the request was applied."""
    audience = fault("broken_answer", empty=empty)
    answer = meta.users(audience, ROWS)
    assert answer.status_code == 200
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert size(sandbox, audience) == 10


def test_a_success_with_an_error_inside(sandbox: SandboxServer, meta: MetaCaller, fault: Put) -> None:
    """HTTP 200 and yet refused."""
    audience = fault("error_in_success", code=1)
    answer = meta.users(audience, ROWS)
    assert (answer.status_code, graph_error(answer)[0], size(sandbox, audience)) == (200, 1, 0)


def test_rows_are_rejected_by_position_and_by_share(
    sandbox: SandboxServer, meta: MetaCaller, fault: Put
) -> None:
    """Meta counts and samples them; the same seed picks the same rows."""
    audience = fault("reject_rows", positions=[0, 3, 99])
    content = meta.users(audience, ROWS).json()
    assert (content["num_received"], content["num_invalid_entries"], size(sandbox, audience)) == (10, 2, 8)
    assert ROWS[3][0] not in [member["EMAIL"] for member in sandbox.state.meta_members(audience)]
    counts = []
    for _ in range(2):
        audience = fault("reject_rows", share=0.5, seed=3)
        counts.append(meta.users(audience, ROWS).json()["invalid_entry_samples"])
    assert counts[0] == counts[1]
    assert 0 < len(counts[0]) < 10


def test_rows_are_rejected_in_a_segment(sandbox: SandboxServer, mailchimp: MailchimpCaller) -> None:
    """Mailchimp names them in errors[] of its 200; positions run over adds, then removes."""
    emails = [f"p{n}@b.co" for n in range(4)]
    sandbox.state.put_contacts(emails)
    segment = mailchimp.segment()
    mailchimp.edit(segment, add=emails[2:])
    rule = {"platform": "mailchimp", "effect": "reject_rows", "positions": [1, 2]}
    sandbox.faults.replace(parse_faults([rule]))
    content = mailchimp.edit(segment, add=emails[:2], remove=emails[2:]).json()
    assert [e for fault in content["errors"] for e in fault["email_addresses"]] == ["p1@b.co", "p2@b.co"]
    assert sandbox.state.mailchimp_members(str(segment)) == ["p0@b.co", "p2@b.co"]


@pytest.mark.parametrize(
    ("effect", "settings", "expected"),
    [
        ("expire_token", {}, (190, 463)),
        ("audience_deleted", {}, (100, 33)),
        ("audience_flagged", {}, (100, 1713230)),
        ("terms_not_accepted", {}, (200, 1870090)),
        ("refuse", {"code": 2650, "subcode": 1870145}, (2650, 1870145)),
    ],
)
def test_refusals_on_demand(
    meta: MetaCaller, fault: Put, effect: str, settings: dict[str, object], expected: tuple[int, int]
) -> None:
    """Each refusal carries the platform's own numbers."""
    assert graph_error(meta.users(fault(effect, **settings), ROWS)) == expected


@pytest.mark.parametrize(
    ("effect", "settings", "expected"),
    [
        ("expire_token", {}, (401, "API Key Invalid")),
        ("audience_deleted", {}, (404, "Resource Not Found")),
        ("refuse", {"status": 403, "title": "User Disabled"}, (403, "User Disabled")),
        ("server_error", {"status": 500}, (500, "Internal Server Error")),
    ],
)
def test_refusals_on_demand_at_mailchimp(
    sandbox: SandboxServer,
    mailchimp: MailchimpCaller,
    effect: str,
    settings: dict[str, object],
    expected: object,
) -> None:
    """The same effects in Mailchimp's words."""
    sandbox.faults.replace(parse_faults([{"platform": "mailchimp", "effect": effect, **settings}]))
    assert problem(mailchimp.call("GET", "/lists/a1b2c3d4e5/segments/1")) == expected


def test_a_slow_drip_arrives_whole(sandbox: SandboxServer, meta: MetaCaller, fault: Put) -> None:
    """Byte by byte, and complete in the end."""
    audience = fault("slow_drip", seconds_per_byte=0.002)
    started = time.perf_counter()
    answer = meta.users(audience, ROWS)
    assert answer.json()["num_received"] == 10
    assert time.perf_counter() - started > 0.002 * len(answer.content)


def test_a_late_copy_comes_after_its_opposite(sandbox: SandboxServer, meta: MetaCaller, fault: Put) -> None:
    """An add that is processed again after the removal brings the members back."""
    audience = fault("late_copy", requests_later=1, times=1)
    meta.users(audience, ROWS)
    meta.users(audience, ROWS, method="DELETE")
    deadline = time.monotonic() + 5
    while size(sandbox, audience) != 10:
        assert time.monotonic() < deadline, "the copy never came"


def test_twice_is_as_good_as_once(sandbox: SandboxServer, meta: MetaCaller, fault: Put) -> None:
    """A duplicate delivery changes nothing but the history."""
    audience = fault("twice")
    meta.users(audience, ROWS)
    assert [change.added for change in sandbox.state.changes("meta", audience)] == [10, 0]


def test_redirects_and_huge_answers(sandbox: SandboxServer, meta: MetaCaller, fault: Put) -> None:
    """A redirect names its goal and applies nothing; a huge answer has its size."""
    audience = fault("redirect", location="http://127.0.0.1:9/", status=307)
    answer = meta.session.post(f"{meta.base}/v26.0/{audience}/users", allow_redirects=False, timeout=5)
    assert (answer.status_code, answer.headers["location"]) == (307, "http://127.0.0.1:9/")
    audience = fault("huge_answer", megabytes=2)
    answer = meta.users(audience, ROWS)
    assert len(answer.content) > 2 * 1024 * 1024
    assert answer.json()["num_received"] == 10


def test_rules_are_put_up_over_http(sandbox: SandboxServer, meta: MetaCaller) -> None:
    """POST replaces the rules, GET shows their counters, DELETE clears; a wrong rule is 400 with its message."""
    url = f"{sandbox.url}/sandbox/api/faults"
    rule = {"platform": "meta", "effect": "server_error", "times": 1}
    assert requests.post(url, json=[rule], timeout=5).json() == {"rules": 1}
    assert meta.call("GET", "me").status_code == 500
    assert requests.get(url, timeout=5).json() == [{**rule, "matched": 1, "fired": 1}]
    wrong = requests.post(url, json=[{**rule, "tims": 1}], timeout=5)
    assert (wrong.status_code, "did you mean 'times'" in wrong.json()["error"]) == (400, True)
    assert len(requests.get(url, timeout=5).json()) == 1, "a wrong list changes nothing"
    assert requests.post(url, data="{", timeout=5).status_code == 400
    assert requests.delete(url, timeout=5).status_code == 204
    assert requests.get(url, timeout=5).json() == []


def test_without_our_server_a_cut_connection_is_a_502(tmp_path: Path) -> None:
    """Under another server the app can't cut connections; the fault then answers 502, applied all the same."""
    board = FaultBoard(parse_faults([{"platform": "meta", "effect": "lost_answer"}]))
    app = create_app(tmp_path, board)
    scope = {
        "type": "http", "method": "GET", "scheme": "http", "http_version": "1.1", "query_string": b"",
        "path": "/meta/v26.0/me", "root_path": "", "headers": [(b"host", b"localhost")], "client": None,
    }  # fmt: skip
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 502
