"""Snapchat as the sandbox plays it: envelopes, one kind of digest a request, members that end with the retention."""

from __future__ import annotations

import pytest
import requests

from connectors.sandbox import SandboxServer
from tests.sandbox.ad_caller import BASIC, IN_FORM, AdCaller
from tests.sandbox.conftest import sha256

ACCOUNT = "8adc3db7-0000-4000-8000-000000000001"
SEGMENTS = f"/adaccounts/{ACCOUNT}/segments"
DAY = 86_400
WISH = {
    "name": "seg_high_value",
    "description": "synced",
    "source_type": "FIRST_PARTY",
    "retention_in_days": 9999,
    "ad_account_id": ACCOUNT,
}


class Caller(AdCaller):
    """The Ads API."""

    def segment(self, **changes: object) -> str:
        answer = self.call("POST", SEGMENTS, json={"segments": [{**WISH, **changes}]})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["segments"][0]["segment"]["id"])

    def users(
        self, segment: str, *people: str, method: str = "POST", kind: str = "EMAIL_SHA256", **more: object
    ) -> requests.Response:
        upload = {"schema": [kind], "data": [[sha256(person)] for person in people], **more}
        return self.call(method, f"/segments/{segment}/users", json={"users": [upload]})

    def shown(self, segment: str) -> dict[str, object]:
        (found,) = self.call("GET", f"/segments/{segment}").json()["segments"]
        assert found["sub_request_status"] == "SUCCESS"
        return dict(found["segment"])

    def people(self, segment: str) -> set[str]:
        return {value for member in self.members(segment) for value in member.values()}


@pytest.fixture
def snapchat(sandbox: SandboxServer) -> Caller:
    return Caller(sandbox, "snapchat", "/login/oauth2/access_token")


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Status and code of an error, after checking the envelope."""
    content = answer.json()
    assert set(content) == {"request_status", "request_id", "debug_message", "display_message", "error_code"}
    assert content["request_status"] == "ERROR"
    return answer.status_code, content["error_code"]


def test_a_segment_is_created_read_changed_and_deleted(snapchat: Caller) -> None:
    """Everything in envelopes; a new segment is empty and pending; what was deleted is not there any more."""
    created = snapchat.call("POST", SEGMENTS, json={"segments": [WISH]}).json()
    assert (set(created), created["request_status"]) == (
        {"request_status", "request_id", "segments"},
        "SUCCESS",
    )
    (made,) = created["segments"]
    segment = made["segment"]["id"]
    assert (made["sub_request_status"], made["segment"]) == ("SUCCESS", snapchat.shown(segment))
    assert made["segment"] == {
        **WISH,
        "id": segment,
        "created_at": made["segment"]["created_at"],
        "approximate_number_users": 0,
        "status": "PENDING",
        "upload_status": "NO_UPLOAD",
        "targetable_status": "TOO_FEW_USERS",
    }
    change = {"segments": [{"id": segment, "name": "other", "retention_in_days": 30}]}
    assert snapchat.call("PUT", SEGMENTS, json=change).status_code == 200
    assert snapchat.shown(segment) == {**made["segment"], "name": "other", "retention_in_days": 30}
    assert snapchat.call("DELETE", f"/segments/{segment}").json()["request_status"] == "SUCCESS"
    assert refusal(snapchat.call("GET", f"/segments/{segment}")) == (404, "E1003")
    assert refusal(snapchat.users(segment, "a")) == (404, "E1003")
    assert refusal(snapchat.call("PUT", SEGMENTS, json=change)) == (404, "E1003")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "x" * 376},
        {"source_type": "ENGAGEMENT"},
        {"retention_in_days": 0},
        {"retention_in_days": 10_000},
        {"retention_in_days": "9999"},
        {"more": 1},
    ],
)
def test_creation_is_strict(snapchat: Caller, changes: dict[str, object]) -> None:
    """Wrong and unknown fields are refused, and nothing is made; the longest name is taken."""
    answer = snapchat.call("POST", SEGMENTS, json={"segments": [{**WISH, **changes}]})
    assert refusal(answer) == (400, "E1001")
    assert snapchat.call("GET", SEGMENTS).json()["segments"] == []
    snapchat.segment(name="x" * 375)


def test_accounts_are_told_apart(snapchat: Caller) -> None:
    """403 with E3002 for another's account; a segment meant for another fails within a success."""
    other = SEGMENTS.replace("0001/", "0002/")
    for method in ("GET", "POST", "PUT"):
        assert refusal(snapchat.call(method, other, json={"segments": [WISH]})) == (403, "E3002")
    answer = snapchat.call("POST", SEGMENTS, json={"segments": [{**WISH, "ad_account_id": "other"}]})
    assert (answer.status_code, answer.json()["request_status"]) == (200, "SUCCESS")
    assert answer.json()["segments"][0]["sub_request_status"] == "ERROR"


def test_segments_are_listed_fifty_a_page(snapchat: Caller) -> None:
    """The next page is a whole address; the last page has none."""
    wishes = [{**WISH, "name": f"segment {number}"} for number in range(51)]
    made = snapchat.call("POST", SEGMENTS, json={"segments": wishes}).json()["segments"]
    first = snapchat.call("GET", SEGMENTS).json()
    second = snapchat.session.get(first["paging"]["next_link"], timeout=30).json()
    assert first["segments"] + second["segments"] == made
    assert (len(second["segments"]), second["paging"]) == (1, {})
    assert refusal(snapchat.call("GET", SEGMENTS, params={"cursor": "x"})) == (400, "E1001")


def test_members_come_and_go(snapchat: Caller) -> None:
    """Accepted rows are counted, known or not; deletion has a body; kinds live side by side."""
    segment = snapchat.segment()
    answer = snapchat.users(segment, "a", "b", "b")
    assert answer.json() == {
        "request_status": "SUCCESS",
        "request_id": answer.json()["request_id"],
        "users": [{"sub_request_status": "SUCCESS", "user": {"number_uploaded_users": 3}}],
    }
    snapchat.users(segment, "15559876543", kind="PHONE_SHA256")
    snapchat.users(segment, "38400000-8cf0-11bd-b23e-10b96e40000d", kind="MOBILE_AD_ID_SHA256")
    assert len(snapchat.people(segment)) == 4
    gone = snapchat.users(segment, "a", "nobody", method="DELETE", id=segment)
    assert gone.json()["users"][0]["user"] == {"number_uploaded_users": 2}
    assert sha256("a") not in snapchat.people(segment)
    everybody = snapchat.call("DELETE", f"/segments/{segment}/all_users")
    assert (everybody.status_code, snapchat.people(segment)) == (200, set())


@pytest.mark.parametrize(
    "upload",
    [
        {"schema": ["EMAIL_SHA256", "PHONE_SHA256"], "data": [[sha256("a"), sha256("b")]]},
        {"schema": ["EMAIL"], "data": [[sha256("a")]]},
        {"schema": ["EMAIL_SHA256"], "data": []},
        {"schema": ["EMAIL_SHA256"], "data": [sha256("a")]},
        {"schema": ["EMAIL_SHA256"], "data": [[sha256("a")], ["mary@example.com"]]},
        {"schema": ["EMAIL_SHA256"], "data": [[sha256("a").upper()]]},
        {"schema": ["EMAIL_SHA256"], "data": [[sha256("a"), sha256("b")]]},
        {"schema": ["EMAIL_SHA256"], "data": [[sha256("a")]], "id": "5"},
        {"schema": ["EMAIL_SHA256"], "data": [[sha256("a")]], "more": 1},
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_uploads_are_read_strictly(snapchat: Caller, method: str, upload: dict[str, object]) -> None:
    """One kind a request, digests only; a wrong row refuses the whole request, and its value is not repeated."""
    segment = snapchat.segment()
    snapchat.users(segment, "before")
    answer = snapchat.call(method, f"/segments/{segment}/users", json={"users": [upload]})
    assert refusal(answer) == (400, "E1001")
    assert "mary@" not in answer.text
    assert snapchat.people(segment) == {sha256("before")}


def test_an_upload_has_a_limit(snapchat: Caller) -> None:
    """100,000 identifiers are taken, one more is too many."""
    segment = snapchat.segment()
    rows = [[f"{number:064x}"] for number in range(100_001)]
    for data, status in ((rows, 400), (rows[1:], 200)):
        upload = {"schema": ["EMAIL_SHA256"], "data": data}
        answer = snapchat.call("POST", f"/segments/{segment}/users", json={"users": [upload]})
        assert answer.status_code == status
    assert snapchat.size(segment) == 100_000


def test_members_end_with_the_retention(snapchat: Caller) -> None:
    """So many days after they were last sent; 9999 is for life."""
    short, lasting = snapchat.segment(retention_in_days=2), snapchat.segment()
    snapchat.users(short, "a", "b")
    snapchat.users(lasting, "a")
    snapchat.sandbox.advance_clock(1.5 * DAY)
    snapchat.users(short, "a")
    snapchat.sandbox.advance_clock(DAY)
    assert snapchat.shown(short)["approximate_number_users"] == 1
    assert snapchat.people(short) == {sha256("a")}
    snapchat.sandbox.advance_clock(10_000 * DAY)
    assert (snapchat.shown(short)["approximate_number_users"], snapchat.size(lasting)) == (0, 1)


def test_refused_rows_are_only_counted(snapchat: Caller) -> None:
    """The number of accepted rows is smaller; the answer names none."""
    segment = snapchat.segment()
    snapchat.fault(path="*/users", effect="reject_rows", positions=[1])
    answer = snapchat.users(segment, "a", "b", "c")
    assert answer.json()["users"] == [{"sub_request_status": "SUCCESS", "user": {"number_uploaded_users": 2}}]
    assert snapchat.people(segment) == {sha256("a"), sha256("c")}


def test_statuses_lag(snapchat: Caller) -> None:
    """Processing, complete with too few, and ready from a thousand on."""
    snapchat.switch(ads_processing_seconds=3_600)
    segment = snapchat.segment()

    def statuses() -> tuple[object, ...]:
        shown = snapchat.shown(segment)
        names = ("approximate_number_users", "status", "upload_status", "targetable_status")
        return tuple(shown[name] for name in names)

    snapchat.users(segment, *map(str, range(999)))
    assert statuses() == (0, "ACTIVE", "PROCESSING", "NOT_READY")
    snapchat.sandbox.advance_clock(3_600)
    assert statuses() == (999, "ACTIVE", "COMPLETE", "TOO_FEW_USERS")
    snapchat.users(segment, "one more")
    snapchat.sandbox.advance_clock(3_600)
    assert statuses() == (1_000, "ACTIVE", "COMPLETE", "READY")


def test_terms_hold_back_uploads(snapchat: Caller) -> None:
    """403 until they are accepted; reading works."""
    segment = snapchat.segment()
    snapchat.switch(ads_terms_accepted=False)
    assert refusal(snapchat.users(segment, "a")) == (403, "E3002")
    assert refusal(snapchat.call("POST", SEGMENTS, json={"segments": [WISH]})) == (403, "E3002")
    assert snapchat.shown(segment)["id"] == segment


def test_tokens_end_and_the_refresh_token_stays(snapchat: Caller) -> None:
    """An hour for an access token at most; the refresh token is told again, and works for as long as anybody asks."""
    snapchat.switch(ads_token_seconds=7_200)
    first = snapchat.refresh(IN_FORM).json()
    assert set(first) == {"access_token", "token_type", "expires_in", "refresh_token"}
    assert first["expires_in"] == 3_600
    snapchat.use_token(first["access_token"])
    assert snapchat.call("GET", SEGMENTS).status_code == 200
    snapchat.sandbox.advance_clock(1_000 * DAY)
    assert refusal(snapchat.call("GET", SEGMENTS)) == (401, "E3001")
    again = snapchat.refresh(IN_FORM, refresh_token=first["refresh_token"])
    assert again.json()["refresh_token"] == first["refresh_token"]
    snapchat.use_token(again.json()["access_token"])
    assert snapchat.call("GET", SEGMENTS).status_code == 200
    assert (snapchat.refresh(BASIC).status_code, snapchat.refresh(BASIC).json()) == (
        401,
        {"error": "invalid_client"},
    )
    snapchat.switch(ads_token_revoked=True)
    assert refusal(snapchat.call("GET", SEGMENTS)) == (401, "E3001")
    assert snapchat.refresh(IN_FORM).json() == {"error": "invalid_grant"}


def test_rates_are_limited(snapchat: Caller) -> None:
    """One request too many in a minute is 429."""
    snapchat.allow(1)
    assert snapchat.call("GET", SEGMENTS).status_code == 200
    assert refusal(snapchat.call("GET", SEGMENTS)) == (429, "E1009")
    snapchat.sandbox.advance_clock(60)
    assert snapchat.call("GET", SEGMENTS).status_code == 200
