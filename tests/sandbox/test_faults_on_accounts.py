"""Faults that change an account or an audience, refuse people, or break an answer on its way."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable

import pytest
import requests

from connectors.sandbox import SANDBOX_PRACTICE_REFRESH_TOKEN, SandboxServer
from connectors.sandbox.faults.reading import parse_faults
from tests.sandbox.conftest import MailchimpCaller, MetaCaller, PracticeCaller, people_rows, problem, sha256
from tests.sandbox.test_practice import code, grant

ROWS = [[sha256(f"{n}@b.c")] for n in range(10)]
PEOPLE = [str(n) for n in range(10)]
Put = Callable[..., None]


@pytest.fixture
def fault(sandbox: SandboxServer) -> Put:
    """Puts up one rule."""

    def put(platform: str, effect: str, **settings: object) -> None:
        sandbox.faults.replace(parse_faults([{"platform": platform, "effect": effect, **settings}]))

    return put


def test_a_reset_in_mid_answer(sandbox: SandboxServer, practice: PracticeCaller, fault: Put) -> None:
    """The request is applied, its status arrives, and the connection breaks within the body."""
    audience = practice.audience()
    fault("practice", "reset_midway", path="*/members", times=1)
    with requests.Session() as session:
        session.headers.update(practice.session.headers)
        body = {"op": "add", "rows": people_rows(PEOPLE)}
        with pytest.raises(requests.RequestException):
            session.post(f"{practice.base}/audiences/{audience}/members", json=body, timeout=5)
    assert practice.size(audience) == 10
    (entry,) = sandbox.state.requests("practice", "POST", only_failed=True)
    assert (entry.fault, entry.status) == ("reset_midway", None)


def test_an_answer_can_be_a_compression_bomb(practice: PracticeCaller, fault: Put) -> None:
    """A few kilobytes on the wire that unpack to the size asked for, the platform's own answer in front."""
    audience = practice.audience()
    fault("practice", "huge_answer", path="*/members", shape="gzip", megabytes=8)
    body = {"op": "add", "rows": people_rows(PEOPLE)}
    path = f"/audiences/{audience}/members"
    with practice.call("POST", path, json=body, stream=True) as answer:
        packed = answer.raw.read()
        assert answer.headers["content-encoding"] == "gzip"
    assert len(packed) < 100_000
    unpacked = zlib.decompress(packed, 16 + zlib.MAX_WBITS)
    assert len(unpacked) > 8 * 1024 * 1024
    assert unpacked.startswith(b'{"received":10')


def test_an_answer_can_be_nested_without_end(practice: PracticeCaller, fault: Put) -> None:
    """JSON arrays within arrays, as deep as half the size."""
    fault("practice", "huge_answer", shape="nested", megabytes=1)
    answer = practice.call("GET", "/audiences", params={"marker": "x"})
    assert answer.content == b"[" * 524_288 + b"]" * 524_288


@pytest.mark.parametrize("retry_after", [-5, 0, 3_600, 10**9, 0.5])
def test_throttling_by_date_with_any_distance(
    practice: PracticeCaller, fault: Put, retry_after: float
) -> None:
    """Dates in the past, now, and absurdly far away are sent as HTTP dates."""
    fault("practice", "rate_limited", retry_after=retry_after, as_date=True)
    answer = practice.call("GET", "/audiences/1")
    assert answer.status_code == 429
    assert answer.headers["retry-after"].endswith(" GMT")


def test_people_are_refused_wherever_they_stand(
    sandbox: SandboxServer, meta: MetaCaller, mailchimp: MailchimpCaller, practice: PracticeCaller
) -> None:
    """Rows that hold a text are refused in every request and at every position, on all platforms."""
    sandbox.state.put_contacts(["ann@b.co", "bob@b.co"])
    segment, of_meta, of_practice = mailchimp.segment(), meta.audience(), practice.audience()
    rule = {"effect": "reject_rows", "holding": [ROWS[4][0], "ann@b.co", sha256("4@example.com")]}
    sandbox.faults.replace(
        parse_faults([{"platform": name, **rule} for name in ("meta", "mailchimp", "practice")])
    )
    for rows in (ROWS, ROWS[::-1]):
        assert meta.users(of_meta, rows).json()["num_invalid_entries"] == 1
    assert mailchimp.edit(segment, add=["ann@b.co", "bob@b.co"]).json()["error_count"] == 1
    assert practice.edit(of_practice, PEOPLE).json()["rejected"] == [{"row": 4, "reason": "refused"}]
    assert sandbox.state.audience("meta", of_meta).size == 9
    assert sandbox.state.mailchimp_members(str(segment)) == ["bob@b.co"]
    assert practice.size(of_practice) == 9


def test_rejected_rows_can_be_counted_only(
    sandbox: SandboxServer, meta: MetaCaller, mailchimp: MailchimpCaller, practice: PracticeCaller
) -> None:
    """The count stays, and no row is named or sampled."""
    sandbox.state.put_contacts(["ann@b.co", "bob@b.co"])
    segment, of_meta, of_practice = mailchimp.segment(), meta.audience(), practice.audience()
    rule = {"effect": "reject_rows", "positions": [1], "unnamed": True}
    sandbox.faults.replace(
        parse_faults([{"platform": name, **rule} for name in ("meta", "mailchimp", "practice")])
    )
    by_meta = meta.users(of_meta, ROWS).json()
    assert (by_meta["num_invalid_entries"], by_meta["invalid_entry_samples"]) == (1, {})
    by_mailchimp = mailchimp.edit(segment, add=["ann@b.co", "bob@b.co"]).json()
    assert (by_mailchimp["error_count"], by_mailchimp["errors"]) == (1, [])
    by_practice = practice.edit(of_practice, PEOPLE).json()
    assert (by_practice["invalid"], by_practice["rejected"]) == (1, [])


def test_an_audience_is_really_deleted(
    sandbox: SandboxServer,
    meta: MetaCaller,
    mailchimp: MailchimpCaller,
    practice: PracticeCaller,
    fault: Put,
) -> None:
    """Behind everybody's back: the request finds it gone, and so do later ones."""
    segment, of_meta, of_practice = mailchimp.segment(), meta.audience(), practice.audience()
    for platform in ("meta", "mailchimp", "practice"):
        fault(platform, "audience_deleted", really=True, times=1)
        if platform == "meta":
            assert meta.users(of_meta, ROWS).status_code == 400
        elif platform == "mailchimp":
            assert problem(mailchimp.edit(segment, add=["a@b.co"]))[0] == 404
        else:
            assert code(practice.edit(of_practice, PEOPLE)) == "audience_not_found"
    assert sandbox.state.audiences() == []


def test_members_are_lost_without_a_word(
    sandbox: SandboxServer, meta: MetaCaller, mailchimp: MailchimpCaller, practice: PracticeCaller, fault: Put
) -> None:
    """A seeded share is gone before the next request is looked at; sizes and history agree."""
    emails = [f"p{n}@b.co" for n in range(10)]
    sandbox.state.put_contacts(emails)
    segment, of_meta, of_practice = mailchimp.segment(), meta.audience(), practice.audience()
    mailchimp.edit(segment, add=emails)
    meta.users(of_meta, ROWS)
    practice.edit(of_practice, PEOPLE)
    for platform in ("meta", "mailchimp", "practice"):
        fault(platform, "members_lost", share=0.5, seed=3, times=1)
        if platform == "meta":
            meta.users(of_meta, ROWS[:1])
        elif platform == "mailchimp":
            mailchimp.edit(segment, add=emails[:1])
        else:
            practice.edit(of_practice, PEOPLE[:1])
    for platform, audience in (("meta", of_meta), ("mailchimp", str(segment)), ("practice", of_practice)):
        changes = sandbox.state.changes(platform, audience)
        size = sandbox.state.audience(platform, audience).size
        assert 0 < changes[1].removed < 10
        assert size == sum(c.added - c.removed for c in changes) == changes[-1].size
        assert sandbox.state.lose_members(platform, audience, 1.0) == size
        assert sandbox.state.audience(platform, audience).size == 0


def test_given_out_tokens_end(practice: PracticeCaller, fault: Put) -> None:
    """All of them, once; a new one works."""
    token = grant(practice, grant_type="client_credentials").json()["access_token"]
    practice.session.headers["Authorization"] = f"Bearer {token}"
    fault("practice", "tokens_end", path="/audiences", times=1)
    assert code(practice.call("GET", "/audiences", params={"marker": "x"})) == "token_expired"
    token = grant(practice, grant_type="client_credentials").json()["access_token"]
    practice.session.headers["Authorization"] = f"Bearer {token}"
    assert practice.call("GET", "/audiences", params={"marker": "x"}).status_code == 200


def test_a_refresh_token_is_rotated_by_somebody_else(practice: PracticeCaller, fault: Put) -> None:
    """The one that was ours is refused from then on."""
    fault("practice", "refresh_rotated", path="/audiences", times=1)
    practice.call("GET", "/audiences", params={"marker": "x"})
    answer = grant(practice, grant_type="refresh_token", refresh_token=SANDBOX_PRACTICE_REFRESH_TOKEN)
    assert answer.json() == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    ("effect", "settings", "expected"),
    [
        ("expire_token", {}, (401, "token_expired")),
        ("audience_deleted", {}, (404, "audience_not_found")),
        ("terms_not_accepted", {}, (403, "terms_not_accepted")),
        ("refuse", {"status": 422, "title": "too_large"}, (422, "too_large")),
        ("server_error", {"status": 503}, (503, "internal_error")),
        ("error_in_success", {}, (200, "internal_error")),
        ("rate_limited", {}, (429, "too_many_requests")),
    ],
)
def test_refusals_in_the_practice_platforms_words(
    practice: PracticeCaller,
    fault: Put,
    effect: str,
    settings: dict[str, object],
    expected: tuple[int, str],
) -> None:
    """The same effects as elsewhere; nothing is applied."""
    audience = practice.audience()
    fault("practice", effect, path="*/members", **settings)
    answer = practice.edit(audience, PEOPLE)
    assert (answer.status_code, code(answer)) == expected
    assert practice.size(audience) == 0


def test_the_log_is_bounded(
    sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch, meta: MetaCaller
) -> None:
    """Only the newest requests are kept, and the sandbox does not slow down by counting them."""
    monkeypatch.setattr("connectors.sandbox.request_log.KEPT_REQUESTS", 20)
    monkeypatch.setattr("connectors.sandbox.request_log.PRUNED_EVERY", 5)
    started = time.perf_counter()
    for _ in range(60):
        meta.call("GET", "me")
    assert time.perf_counter() - started < 10
    kept = [entry.id for entry in sandbox.state.requests()]
    assert len(kept) <= 25
    assert kept[0] == 60
