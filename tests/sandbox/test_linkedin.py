"""LinkedIn as the sandbox plays it: versions, mixed batches with a status each, segments found by our own id."""

from __future__ import annotations

import hashlib

import pytest
import requests

from connectors.sandbox import SandboxServer
from tests.sandbox.ad_caller import IN_FORM, AdCaller
from tests.sandbox.conftest import sha256

ACCOUNT = "urn:li:sponsoredAccount:516848833"
DAY = 86_400
HEADERS = {"LinkedIn-Version": "202603", "X-Restli-Protocol-Version": "2.0.0"}
WISH = {
    "name": "seg_high_value",
    "sourcePlatform": "SANDBOX_PARTNER",
    "sourceSegmentId": "segment-42",
    "account": ACCOUNT,
    "type": "USER",
    "destinations": [{"destination": "LINKEDIN"}],
}


class Caller(AdCaller):
    """The audiences API."""

    def segment(self, **changes: object) -> str:
        answer = self.call("POST", "/dmpSegments", json={**WISH, **changes})
        assert answer.status_code == 201, answer.text
        return answer.headers["x-restli-id"]

    def users(self, segment: str, *elements: object, method: str = "BATCH_CREATE") -> requests.Response:
        named = {"X-RestLi-Method": method}
        body = {"elements": list(elements)}
        return self.call("POST", f"/dmpSegments/{segment}/users", json=body, headers=named)


@pytest.fixture
def linkedin(sandbox: SandboxServer) -> Caller:
    caller = Caller(sandbox, "linkedin", "/oauth/v2/accessToken")
    caller.session.headers.update(HEADERS)
    return caller


def element(person: str, action: str = "ADD", **more: object) -> dict[str, object]:
    return {"action": action, "userIds": [{"idType": "SHA256_EMAIL", "idValue": sha256(person)}], **more}


def refusal(answer: requests.Response) -> tuple[int, int, str]:
    """Status, number and code of an error, after checking its shape."""
    content = answer.json()
    assert set(content) == {"status", "serviceErrorCode", "code", "message"}
    assert content["status"] == answer.status_code
    return content["status"], content["serviceErrorCode"], content["code"]


def test_a_segment_is_created_found_renamed_and_deleted(linkedin: Caller) -> None:
    """The id is in a header; it is found by our own id; what was deleted is not there any more."""
    created = linkedin.call("POST", "/dmpSegments", json=WISH)
    assert (created.status_code, created.content) == (201, b"")
    segment = created.headers["x-linkedin-id"]
    assert created.headers["x-restli-id"] == segment
    query = {"q": "account", "account": ACCOUNT, "sourcePlatform": "SANDBOX_PARTNER"}
    found = linkedin.call("GET", "/dmpSegments", params={**query, "sourceSegmentId": "segment-42"}).json()
    assert found == {
        "elements": [linkedin.call("GET", f"/dmpSegments/{segment}").json()],
        "paging": {"start": 0, "count": 10, "total": 1, "links": []},
    }
    missing = linkedin.call("GET", "/dmpSegments", params={**query, "sourceSegmentId": "other"})
    assert missing.json()["elements"] == []
    patch = {"patch": {"$set": {"name": "other name"}}}
    update = {"X-RestLi-Method": "PARTIAL_UPDATE"}
    assert linkedin.call("POST", f"/dmpSegments/{segment}", json=patch, headers=update).status_code == 204
    assert linkedin.call("GET", f"/dmpSegments/{segment}").json()["name"] == "other name"
    assert linkedin.call("POST", f"/dmpSegments/{segment}", json=patch).status_code == 400
    assert linkedin.call("DELETE", f"/dmpSegments/{segment}").status_code == 204
    assert refusal(linkedin.call("GET", f"/dmpSegments/{segment}")) == (404, 0, "NOT_FOUND")
    assert linkedin.users(segment, element("a")).status_code == 404


def test_segments_are_listed_ten_a_page(linkedin: Caller) -> None:
    """``start`` and ``count`` turn the pages."""
    made = [int(linkedin.segment(sourceSegmentId=f"segment-{number}")) for number in range(12)]
    query = {"q": "account", "account": ACCOUNT}
    pages = [
        linkedin.call("GET", "/dmpSegments", params={**query, **page}).json()
        for page in ({}, {"start": "10"}, {"start": "3", "count": "2"})
    ]
    assert [[shown["id"] for shown in page["elements"]] for page in pages] == [
        made[:10],
        made[10:],
        made[3:5],
    ]
    assert {page["paging"]["total"] for page in pages} == {12}
    assert linkedin.call("GET", "/dmpSegments", params={**query, "start": "x"}).status_code == 400
    assert linkedin.call("GET", "/dmpSegments", params={**query, "q": "all"}).status_code == 400


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"accessPolicy": "PRIVATE"}, (400, 0, "ILLEGAL_ARGUMENT")),
        ({"name": ""}, (400, 0, "ILLEGAL_ARGUMENT")),
        ({"type": "PEOPLE"}, (400, 0, "ILLEGAL_ARGUMENT")),
        ({"destinations": []}, (400, 0, "ILLEGAL_ARGUMENT")),
        ({"sourcePlatform": "SEGMENT"}, (403, 100, "ACCESS_DENIED")),
        ({"account": "urn:li:sponsoredAccount:1"}, (403, 100, "ACCESS_DENIED")),
        ({}, (409, 0, "CONFLICT")),
    ],
)
def test_creation_is_strict(
    linkedin: Caller, changes: dict[str, object], expected: tuple[int, int, str]
) -> None:
    """Unknown fields, another's account or platform, and an id of ours that is taken are refused."""
    linkedin.segment()
    assert refusal(linkedin.call("POST", "/dmpSegments", json={**WISH, **changes})) == expected


def test_adds_and_removes_mix_and_are_applied_in_order(linkedin: Caller) -> None:
    """One answer per element in the order of the request; the last word on a person stands."""
    segment = linkedin.segment()
    everything = element(
        "a", firstName="Mary", lastName="Smith", title="Engineer", company="Ex", country="US"
    )
    answer = linkedin.users(
        segment, everything, element("b"), element("b", "REMOVE"), element("c", "REMOVE"), element("c")
    )
    assert (answer.status_code, answer.json()) == (200, {"elements": [{"status": 201}] * 5})
    assert sorted(linkedin.members(segment), key=str) == sorted(
        ({"SHA256_EMAIL": sha256(person)} for person in "ac"), key=str
    )
    again = linkedin.users(segment, element("a"), element("nobody", "REMOVE"))
    assert again.json() == {"elements": [{"status": 201}] * 2}
    assert len(linkedin.members(segment)) == 2


def test_a_person_leaves_by_any_of_their_identifiers(linkedin: Caller) -> None:
    """All kinds of identifiers are taken, and a name where there is none."""
    segment = linkedin.segment()
    device = {"idType": "GOOGLE_AID", "idValue": "38400000-8cf0-11bd-b23e-10b96e40000d"}
    longer = {"idType": "SHA512_EMAIL", "idValue": hashlib.sha512(b"a").hexdigest()}
    person = element("a")
    person["userIds"] = [*person["userIds"], device, longer]  # type: ignore[misc]
    named = {"action": "ADD", "firstName": "Mary", "lastName": "Smith"}
    assert {e["status"] for e in linkedin.users(segment, person, named).json()["elements"]} == {201}
    assert {"NAME": "Mary Smith"} in linkedin.members(segment)
    linkedin.users(segment, {"action": "REMOVE", "userIds": [device]}, {**named, "action": "REMOVE"})
    assert linkedin.members(segment) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"action": "UPSERT", "userIds": [{"idType": "SHA256_EMAIL", "idValue": sha256("b")}]},
        {"action": "ADD", "userIds": []},
        {"action": "ADD", "firstName": "Mary"},
        {"action": "ADD", "userIds": [{"idType": "SHA256_EMAIL", "idValue": "mary@example.com"}]},
        {"action": "ADD", "userIds": [{"idType": "SHA256_EMAIL", "idValue": sha256("b").upper()}]},
        {"action": "ADD", "userIds": [{"idType": "SHA512_EMAIL", "idValue": sha256("b")}]},
        {"action": "ADD", "userIds": [{"idType": "GOOGLE_AID", "idValue": sha256("b")}]},
        {"action": "ADD", "userIds": [{"idType": "PHONE", "idValue": sha256("b")}]},
        element("b", phone="1"),
        element("b", firstName="x" * 36),
        element("b", title="x" * 51),
        element("b", country="us"),
        "mary@example.com",
    ],
)
def test_a_wrong_element_fails_alone(linkedin: Caller, wrong: object) -> None:
    """The others are applied; the error names the position and never the value."""
    segment = linkedin.segment()
    answer = linkedin.users(segment, element("a"), wrong, element("c"))
    first, middle, last = answer.json()["elements"]
    assert (answer.status_code, first, last) == (200, {"status": 201}, {"status": 201})
    assert (middle["status"], middle["error"]["status"], middle["error"]["batchIndex"]) == (400, 400, 1)
    assert "mary@" not in answer.text
    assert len(linkedin.members(segment)) == 2


def test_a_batch_has_a_limit_and_a_method(linkedin: Caller) -> None:
    """5,000 elements are taken, one more is too many, none too few; without the method nothing is."""
    segment = linkedin.segment()
    everybody = [element(str(number)) for number in range(5_000)]
    assert len(linkedin.users(segment, *everybody).json()["elements"]) == 5_000
    assert linkedin.users(segment, *everybody, element("more")).status_code == 400
    assert linkedin.users(segment).status_code == 400
    assert linkedin.users(segment, element("a"), method="CREATE").status_code == 400
    assert len(linkedin.members(segment)) == 5_000
    companies = linkedin.segment(sourceSegmentId="companies", type="COMPANY")
    assert linkedin.users(companies, element("a")).status_code == 400


def test_refused_rows_are_told_one_by_one(linkedin: Caller) -> None:
    """A fault's rows have their own status; the others are in."""
    segment = linkedin.segment()
    linkedin.fault(path="*/users", effect="reject_rows", positions=[1])
    answer = linkedin.users(segment, element("a"), element("b"), element("c", "REMOVE"))
    assert [found["status"] for found in answer.json()["elements"]] == [201, 400, 201]
    assert linkedin.members(segment) == [{"SHA256_EMAIL": sha256("a")}]


def test_every_call_names_version_and_protocol(linkedin: Caller) -> None:
    """A retired or unknown version is 426, none 400; so is another protocol."""
    for version in ("202510", "202612", "209901", "2026-03", "202613"):
        answer = linkedin.call("GET", "/me", headers={"LinkedIn-Version": version})
        assert refusal(answer) == (426, 0, "NONEXISTENT_VERSION")
    for missing, code in (
        ("LinkedIn-Version", "VERSION_MISSING"),
        ("X-Restli-Protocol-Version", "ILLEGAL_ARGUMENT"),
    ):
        answer = linkedin.call("GET", "/me", headers={missing: None})
        assert refusal(answer) == (400, 0, code)
    assert linkedin.call("GET", "/me").status_code == 200


def test_the_role_on_the_account_can_be_read(linkedin: Caller) -> None:
    """Of the person who gave the consent; another account is not ours."""
    person = "urn:li:person:" + linkedin.call("GET", "/me").json()["id"]
    role = linkedin.call("GET", f"/adAccountUsers/account={ACCOUNT}&user={person}")
    assert role.json() == {"account": ACCOUNT, "user": person, "role": "CAMPAIGN_MANAGER"}
    assert linkedin.call("GET", f"/adAccountUsers/account={ACCOUNT}1&user={person}").status_code == 403
    assert linkedin.call("GET", f"/adAccountUsers/account={ACCOUNT}&user={person}1").status_code == 404


def test_sizes_lag_and_inputs_are_counted_for_a_week(linkedin: Caller) -> None:
    """Building, ready, updating with the size before, ready; matched inputs fade after seven days, members stay."""
    linkedin.switch(ads_processing_seconds=3_600)
    segment = linkedin.segment()

    def shown() -> tuple[str, int, int, int]:
        content = linkedin.call("GET", f"/dmpSegments/{segment}").json()
        (destination,) = content["destinations"]
        same = linkedin.call("GET", f"/dmpSegments/{segment}/destinations/LINKEDIN").json()
        assert same == destination
        assert destination["destinationSegmentId"].startswith("urn:li:adSegment:")
        return (
            destination["status"],
            destination["audienceSize"],
            destination["matchedCount"],
            content["inputCount"],
        )

    linkedin.users(segment, element("a"), element("b"))
    assert shown() == ("BUILDING", 0, 0, 2)
    linkedin.sandbox.advance_clock(3_600)
    assert shown() == ("READY", 2, 2, 2)
    linkedin.users(segment, element("a", "REMOVE"), element("c"), element("d"))
    assert shown() == ("UPDATING", 2, 0, 4)
    linkedin.sandbox.advance_clock(3_600)
    assert shown() == ("READY", 3, 4, 4)
    linkedin.sandbox.advance_clock(7 * DAY)
    assert shown() == ("READY", 3, 0, 0)


def test_refreshing_neither_rotates_nor_extends(linkedin: Caller) -> None:
    """The same refresh token works for a year from the first use, however often it is used."""
    first = linkedin.refresh(IN_FORM)
    assert first.status_code == 200
    assert set(first.json()) == {"access_token", "token_type", "expires_in"}
    linkedin.use_token(first.json()["access_token"])
    assert linkedin.call("GET", "/me").status_code == 200
    linkedin.sandbox.advance_clock(364 * DAY)
    assert refusal(linkedin.call("GET", "/me")) == (401, 65_602, "EXPIRED_ACCESS_TOKEN")
    assert linkedin.refresh(IN_FORM).status_code == 200
    linkedin.sandbox.advance_clock(DAY)
    late = linkedin.refresh(IN_FORM)
    assert (late.status_code, late.json()) == (400, {"error": "invalid_grant"})
    assert linkedin.refresh({**IN_FORM, "client_secret": "other"}).json() == {"error": "invalid_client"}


def test_tokens_and_rates_are_checked(linkedin: Caller) -> None:
    """An unknown or revoked token is 401, one request too many in a minute 429."""
    unknown = linkedin.call("GET", "/me", headers={"Authorization": "Bearer x"})
    assert refusal(unknown) == (401, 65_600, "INVALID_ACCESS_TOKEN")
    linkedin.switch(ads_token_revoked=True)
    assert linkedin.call("GET", "/me").status_code == 401
    assert linkedin.refresh(IN_FORM).json() == {"error": "invalid_grant"}
    linkedin.switch(ads_token_revoked=False)
    linkedin.allow(1)
    assert linkedin.call("GET", "/me").status_code == 200
    assert refusal(linkedin.call("GET", "/me")) == (429, 101, "TOO_MANY_REQUESTS")
    linkedin.sandbox.advance_clock(60)
    assert linkedin.call("GET", "/me").status_code == 200
