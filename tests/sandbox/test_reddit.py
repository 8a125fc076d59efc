"""Reddit in the sandbox, called by plain HTTP: the shapes, limits and refusals of its documents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import (
    SANDBOX_ADS_CLIENT_ID,
    SANDBOX_ADS_CLIENT_SECRET,
    SANDBOX_ADS_REFRESH_TOKEN,
    SANDBOX_ADS_TOKEN,
)
from connectors.sandbox.ads.reddit import AD_ACCOUNT
from connectors.sandbox.faults.reading import parse_faults
from tests.sandbox.conftest import sha256

AGENT = "web:com.example.pipeline:v1.0.0 (by /u/pipeline)"
AUDIENCES = f"/ad_accounts/{AD_ACCOUNT}/custom_audiences"
CLIENT = (SANDBOX_ADS_CLIENT_ID, SANDBOX_ADS_CLIENT_SECRET)
REFRESH = {"grant_type": "refresh_token", "refresh_token": SANDBOX_ADS_REFRESH_TOKEN}


@dataclass
class RedditCaller:
    """Plain HTTP to the Ads API."""

    sandbox: SandboxServer
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.headers["User-Agent"] = AGENT
        self.session.headers["Authorization"] = f"Bearer {SANDBOX_ADS_TOKEN}"

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, f"{self.sandbox.url_of('reddit')}{path}", timeout=30, **options)

    def token(self, form: dict[str, str], **options: Any) -> requests.Response:
        url = f"{self.sandbox.url}/reddit/api/v1/access_token"
        return requests.post(url, data=form, timeout=30, **{"headers": {"User-Agent": AGENT}, **options})

    def audience(self, name: str = "Lapsed") -> str:
        answer = self.call("POST", AUDIENCES, json={"data": {"name": name, "type": "CUSTOMER_LIST"}})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["id"])

    def users(
        self,
        audience: str,
        rows: Sequence[Sequence[str]],
        op: str = "ADD",
        columns: tuple[str, ...] = ("EMAIL_SHA256",),
    ) -> requests.Response:
        body = {"action_type": op, "column_order": columns, "user_data": rows}
        return self.call("PATCH", f"/custom_audiences/{audience}/users", json={"data": body})

    def read(self, audience: str) -> dict[str, Any]:
        content: dict[str, Any] = self.call("GET", f"/custom_audiences/{audience}").json()["data"]
        return content


@pytest.fixture
def reddit(sandbox: SandboxServer) -> RedditCaller:
    return RedditCaller(sandbox)


def emails(count: int, first: int = 0) -> list[list[str]]:
    """Rows of one e-mail digest each."""
    return [[sha256(f"{number}@example.com")] for number in range(first, first + count)]


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Status and reason of an error, after checking its shape."""
    error = answer.json()["error"]
    assert {"code", "message", "reason"} <= set(error) <= {"code", "message", "reason", "fields"}
    assert error["code"] == answer.status_code
    return answer.status_code, error["reason"]


def test_an_audience_is_made_found_and_deleted(reddit: RedditCaller) -> None:
    """Everything lies in `data`; a deleted audience is not found any more."""
    audience = reddit.audience("seg_high_value")
    assert re.fullmatch(r"ca\.\d{19}", audience)
    shown = reddit.read(audience)
    assert (shown["id"], shown["name"], shown["type"]) == (audience, "seg_high_value", "CUSTOMER_LIST")
    assert shown["status"] == "PENDING"
    deleted = reddit.call("DELETE", f"/custom_audiences/{audience}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    for method, path in (("GET", ""), ("DELETE", ""), ("PATCH", "/users")):
        answer = reddit.call(method, f"/custom_audiences/{audience}{path}", json={})
        assert refusal(answer) == (404, "NOT_FOUND")


def test_a_list_is_followed_by_the_address_it_names(reddit: RedditCaller) -> None:
    """Fifty a page; names may be there twice."""
    made = {reddit.audience(f"Segment {number % 40}") for number in range(60)}
    first = reddit.call("GET", AUDIENCES).json()
    second = reddit.session.get(first["pagination"]["next_url"], timeout=30).json()
    assert second["pagination"]["next_url"] is None
    assert [len(page["data"]) for page in (first, second)] == [50, 10]
    assert {audience["id"] for page in (first, second) for audience in page["data"]} == made
    assert refusal(reddit.call("GET", AUDIENCES, params={"page.token": "x"})) == (400, "INVALID")


def test_members_come_and_go_without_a_word(sandbox: SandboxServer, reddit: RedditCaller) -> None:
    """204 and no body; doing it again changes nothing; whoever shares a digest with a removal leaves."""
    audience = reddit.audience()
    rows = [[sha256("a@example.com"), sha256("device-a")], [sha256("b@example.com"), sha256("device-b")]]
    columns = ("EMAIL_SHA256", "MAID_SHA256")
    for _ in range(2):
        answer = reddit.users(audience, rows, columns=columns)
        assert (answer.status_code, answer.content) == (204, b"")
    members = sandbox.state.members("reddit", audience)
    assert sorted(members, key=str) == sorted((dict(zip(columns, row, strict=True)) for row in rows), key=str)
    assert reddit.users(audience, [[rows[0][1]]], "REMOVE", ("MAID_SHA256",)).status_code == 204
    assert sandbox.state.members("reddit", audience) == [dict(zip(columns, rows[1], strict=True))]


def test_misaligned_rows_are_taken_and_match_nobody(sandbox: SandboxServer, reddit: RedditCaller) -> None:
    """A row that is too short, too long or padded is answered like any other, and the audience is wrong."""
    audience = reddit.audience()
    (one,), (two,) = emails(2)
    columns = ("EMAIL_SHA256", "MAID_SHA256")
    rows = [[one], [one, ""], [one, two, two], [one, two]]
    assert reddit.users(audience, rows, columns=columns).status_code == 204
    members = sandbox.state.members("reddit", audience)
    assert sum("EMAIL_SHA256" in member for member in members) == 1
    assert len(members) == 4
    assert reddit.read(audience)["approximate_size"] == 1
    assert reddit.users(audience, rows[:3], "REMOVE", columns).status_code == 204
    assert len(sandbox.state.members("reddit", audience)) == 4


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"action_type": "REPLACE"}, "action_type"),
        ({"column_order": ["PHONE_SHA256"]}, "column_order.0"),
        ({"column_order": ["EMAIL_SHA256", "EMAIL_SHA256"]}, "column_order"),
        ({"column_order": []}, "column_order"),
        ({"user_data": []}, "user_data"),
        ({"user_data": [["mary@example.com"]]}, "user_data"),
        ({"user_data": [[sha256("a").upper()]]}, "user_data"),
        ({"user_data": emails(2_501)}, "user_data"),
        ({"dry_run": True}, "dry_run"),
    ],
)
def test_a_wrong_body_is_refused_by_its_field(
    reddit: RedditCaller, change: dict[str, object], named: str
) -> None:
    """400 names the field and never its value; nothing is changed."""
    audience = reddit.audience()
    body = {"action_type": "ADD", "column_order": ["EMAIL_SHA256"], "user_data": emails(1), **change}
    answer = reddit.call("PATCH", f"/custom_audiences/{audience}/users", json={"data": body})
    assert refusal(answer)[0] == 400
    assert answer.json()["error"]["fields"][0]["field"] == named
    assert "mary" not in answer.text
    assert reddit.read(audience)["approximate_size"] == 0


def test_a_full_request_is_taken_and_the_size_read_back(reddit: RedditCaller) -> None:
    """2,500 rows fit; sizes are rounded and ranged; a thousand people make an audience valid."""
    audience = reddit.audience()
    assert reddit.users(audience, emails(999)).status_code == 204
    assert reddit.read(audience)["status"] == "INVALID"
    assert reddit.users(audience, emails(2_500)).status_code == 204
    shown = reddit.read(audience)
    assert (shown["status"], shown["approximate_size"]) == ("VALID", 2_500)
    assert (shown["size_range_lower"], shown["size_range_upper"]) == (2_500, 2_600)


def test_processing_takes_its_time(sandbox: SandboxServer, reddit: RedditCaller) -> None:
    """Pending and without sizes until then."""
    sandbox.state.set_switches(ads_processing_seconds=3_600)
    audience = reddit.audience()
    reddit.users(audience, emails(1_000))
    shown = reddit.read(audience)
    assert (shown["status"], shown["approximate_size"], shown["size_range_lower"]) == ("PENDING", None, None)
    sandbox.advance_clock(3_601)
    assert reddit.read(audience)["status"] == "VALID"


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (AUDIENCES, {"name": "x", "type": "CUSTOMER_LIST"}, (400, "invalid_request")),
        (AUDIENCES, {"data": {"name": "", "type": "CUSTOMER_LIST"}}, (400, "invalid_request")),
        (AUDIENCES, {"data": {"name": "x", "type": "LOOKALIKE"}}, (400, "invalid_request")),
        (AUDIENCES, {"data": {"name": "x", "type": "CUSTOMER_LIST", "description": "x"}}, (400, "invalid_request")),
        ("/ad_accounts/123/custom_audiences", {}, (400, "INVALID")),
        ("/ad_accounts/t2_other/custom_audiences", {}, (403, "FORBIDDEN")),
        ("/custom_audience", {}, (404, "not_found")),
    ],
)  # fmt: skip
def test_a_wrong_creation_is_refused(
    reddit: RedditCaller, path: str, body: dict[str, object], expected: tuple[int, str]
) -> None:
    """Unknown keys, other types, a body outside `data`, and accounts that are not ours."""
    assert refusal(reddit.call("POST", path, json=body)) == expected


@pytest.mark.parametrize("agent", ["python-requests/2.32.5", "curl/8.5.0", "", "Mozilla/5.0", "turnout"])
def test_callers_have_to_say_who_they_are(reddit: RedditCaller, agent: str) -> None:
    """Agents of libraries and browsers get 403, at the API and at the token endpoint."""
    reddit.session.headers["User-Agent"] = agent
    assert refusal(reddit.call("GET", AUDIENCES))[0] == 403
    assert refusal(reddit.token(REFRESH, auth=CLIENT, headers={"User-Agent": agent}))[0] == 403


def test_the_retired_version_is_gone(sandbox: SandboxServer, reddit: RedditCaller) -> None:
    """410 for everything of v2."""
    answer = reddit.session.get(f"{sandbox.url}/reddit/api/v2.0/accounts", timeout=30)
    assert refusal(answer) == (410, "GONE")


def test_tokens_are_given_to_the_client_by_basic_only(reddit: RedditCaller) -> None:
    """No new refresh token comes; credentials in the form are refused with 401."""
    given = reddit.token(REFRESH, auth=CLIENT)
    assert given.status_code == 200
    assert set(given.json()) == {"access_token", "token_type", "expires_in"}
    in_form = {**REFRESH, "client_id": CLIENT[0], "client_secret": CLIENT[1]}
    assert reddit.token(in_form).status_code == 401
    assert reddit.token({**REFRESH, "refresh_token": "x"}, auth=CLIENT).status_code == 400
    assert reddit.token({"grant_type": "client_credentials"}, auth=CLIENT).status_code == 400


def test_tokens_end(sandbox: SandboxServer, reddit: RedditCaller) -> None:
    """401 after `expires_in`; the same refresh token gives a new one; a revoked account gives none."""
    given = reddit.token(REFRESH, auth=CLIENT).json()
    reddit.session.headers["Authorization"] = f"Bearer {given['access_token']}"
    audience = reddit.audience()
    sandbox.advance_clock(given["expires_in"] + 1)
    answer = reddit.users(audience, emails(1))
    assert (refusal(answer), answer.json()["error"]["message"]) == (
        (401, "UNAUTHORIZED"),
        "Authorization Required",
    )
    again = reddit.token(REFRESH, auth=CLIENT).json()["access_token"]
    reddit.session.headers["Authorization"] = f"Bearer {again}"
    assert reddit.users(audience, emails(1)).status_code == 204
    sandbox.state.set_switches(ads_token_revoked=True)
    assert reddit.users(audience, emails(1)).status_code == 401
    assert reddit.token(REFRESH, auth=CLIENT).json() == {"error": "invalid_grant"}


def test_every_answer_says_what_is_left(sandbox: SandboxServer, reddit: RedditCaller) -> None:
    """By the header fields of the draft, for reads and for changes; a spent minute is 429."""
    answer = reddit.call("GET", AUDIENCES)
    assert answer.headers["RateLimit-Policy"] == '"reads";q=100;w=60'
    assert re.fullmatch(r'"reads";r=100;t=[1-6]?\d', answer.headers["RateLimit"])
    sandbox.state.set_switches(ads_requests_per_minute=3)
    sandbox.advance_clock(60 - sandbox.state.now() % 60)
    audience = reddit.audience()
    answer = reddit.users(audience, emails(1))
    assert answer.headers["RateLimit-Policy"] == '"changes";q=3;w=60'
    assert answer.headers["RateLimit"].startswith('"changes";r=1;')
    assert reddit.users(audience, emails(1)).status_code == 204
    answer = reddit.users(audience, emails(1))
    assert refusal(answer) == (429, "TOO_MANY_REQUESTS")
    assert answer.headers["RateLimit"].startswith('"changes";r=0;')


def test_rejected_rows_are_not_told_of(sandbox: SandboxServer, reddit: RedditCaller) -> None:
    """204 all the same; only the members show it."""
    audience = reddit.audience()
    rule = {"platform": "reddit", "effect": "reject_rows", "path": "*/users", "positions": [1]}
    sandbox.faults.replace(parse_faults([rule]))
    answer = reddit.users(audience, emails(3))
    assert (answer.status_code, answer.content) == (204, b"")
    held = {member["EMAIL_SHA256"] for member in sandbox.state.members("reddit", audience)}
    assert held == {row[0] for row in (emails(1) + emails(1, 2))}


def test_an_audience_can_be_deleted_behind_our_back(sandbox: SandboxServer, reddit: RedditCaller) -> None:
    """The fault finds it by the path."""
    audience = reddit.audience()
    sandbox.faults.replace(
        parse_faults([{"platform": "reddit", "effect": "audience_deleted", "really": True}])
    )
    assert refusal(reddit.users(audience, emails(1))) == (404, "NOT_FOUND")
