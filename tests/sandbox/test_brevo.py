"""Brevo as the sandbox plays it: lists in folders, failures within a success, and how contacts are resubscribed."""

from __future__ import annotations

import pytest
import requests

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import SANDBOX_BREVO_KEY
from tests.sandbox.email_caller import EmailCaller

ADA, BOB = "ada@example.com", "bob@example.com"
ALREADY = "Contact already in list and/or does not exist"


class Caller(EmailCaller):
    """API v3."""

    def list(self, name: str = "vip") -> str:
        answer = self.call("POST", "/contacts/lists", json={"name": name, "folderId": 1})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def move(self, op: str, list_id: str, **body: object) -> requests.Response:
        return self.call("POST", f"/contacts/lists/{list_id}/contacts/{op}", json=body)

    def contact(self, identifier: str, **query: str) -> dict[str, object]:
        return dict(self.call("GET", f"/contacts/{identifier}", params=query).json())

    def load(self, list_id: str, *rows: object, **more: object) -> dict[str, object]:
        """Import, and read the process."""
        body = {"listIds": [int(list_id)], "jsonBody": rows, **more}
        answer = self.call("POST", "/contacts/import", json=body)
        assert answer.status_code == 202, answer.text
        return dict(self.call("GET", f"/processes/{answer.json()['processId']}").json())


@pytest.fixture
def brevo(sandbox: SandboxServer) -> Caller:
    return Caller(sandbox, "brevo", {"api-key": SANDBOX_BREVO_KEY})


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Status and code of an error, after checking its shape."""
    assert set(answer.json()) == {"code", "message"}
    return answer.status_code, answer.json()["code"]


def test_lists_lie_in_folders(brevo: Caller) -> None:
    """Both fields are a must; ten a page unless told otherwise, fifty at most; counts are being withdrawn."""
    folder = brevo.call("POST", "/contacts/folders", json={"name": "Audiences"}).json()["id"]
    folders = brevo.call("GET", "/contacts/folders").json()
    assert [each["id"] for each in folders["folders"]] == [1, folder]
    made = brevo.call("POST", "/contacts/lists", json={"name": "vip", "folderId": folder})
    path = f"/contacts/lists/{made.json()['id']}"
    assert (made.status_code, brevo.call("GET", path).json()) == (
        201,
        {
            "id": made.json()["id"],
            "name": "vip",
            "folderId": folder,
            "uniqueSubscribers": 0,
            "totalSubscribers": 0,
            "totalBlacklisted": 0,
        },
    )
    for body in ({"name": "x"}, {"name": "", "folderId": 1}, {"name": "x", "folderId": 99}):
        assert refusal(brevo.call("POST", "/contacts/lists", json=body)) == (400, "invalid_parameter")
    for number in range(50):
        brevo.list(f"list {number}")
    first = brevo.call("GET", "/contacts/lists", params={"limit": 50, "sort": "asc"}).json()
    second = brevo.call("GET", "/contacts/lists", params={"limit": 50, "offset": 50, "sort": "asc"}).json()
    assert (len(first["lists"]), len(second["lists"]), first["count"]) == (50, 1, 51)
    assert len(brevo.call("GET", "/contacts/lists").json()["lists"]) == 10
    assert refusal(brevo.call("GET", "/contacts/lists", params={"limit": 51})) == (400, "out_of_range")
    assert brevo.call("PUT", path, json={"name": "other"}).status_code == 204
    assert brevo.call("DELETE", path).status_code == 204
    for method, after in (("GET", ""), ("DELETE", ""), ("GET", "/contacts")):
        assert refusal(brevo.call(method, path + after)) == (404, "document_not_found")
    assert refusal(brevo.call("POST", path + "/contacts/add", json={"emails": [ADA]}))[0] == 404


def test_members_come_and_go(brevo: Caller) -> None:
    """Of one kind a request; who is unknown or moves nowhere is a failure; nothing but failures is a 400."""
    vip = brevo.list()
    ada, bob = brevo.put(ADA), brevo.put(BOB, external_id="u-2")
    answer = brevo.move("add", vip, emails=["Ada@example.com", "no@example.com"])
    assert (answer.status_code, answer.json()) == (
        201,
        {"contacts": {"success": ["Ada@example.com"], "failure": ["no@example.com"]}},
    )
    again = brevo.move("add", vip, ids=[int(ada), int(bob)])
    assert again.json() == {"contacts": {"success": [int(bob)], "failure": [int(ada)]}}
    refused = brevo.move("add", vip, extIds=["u-2"])
    assert (refusal(refused), refused.json()["message"]) == ((400, "invalid_parameter"), ALREADY)
    assert brevo.contact(BOB)["listIds"] == [int(vip)]
    assert brevo.move("remove", vip, extIds=["u-2", "x"]).json()["contacts"]["failure"] == ["x"]
    assert refusal(brevo.move("remove", vip, emails=[BOB])) == (400, "invalid_parameter")
    assert brevo.members(vip) == [ADA]
    cleared = brevo.move("remove", vip, all=True).json()["contacts"]
    assert brevo.call("GET", f"/processes/{cleared['processId']}").json()["status"] == "completed"
    assert brevo.members(vip) == []


@pytest.mark.parametrize("op", ["add", "remove"])
def test_moves_are_read_strictly(brevo: Caller, op: str) -> None:
    """150 of one kind at most."""
    vip = brevo.list()
    wrong: list[dict[str, object]] = [
        {},
        {"emails": []},
        {"emails": [1]},
        {"ids": ["1"]},
        {"emails": [ADA], "ids": [1]},
        {"emails": [ADA] * 151},
        {"emails": [ADA], "all": True},
        {"emails": [ADA], "more": 1},
    ]
    for body in wrong:
        assert refusal(brevo.move(op, vip, **body)) == (400, "invalid_parameter")
    people = [f"u{number}@example.com" for number in range(150)]
    brevo.load(vip, *({"email": email} for email in people))
    if op == "add":
        brevo.move("remove", vip, all=True)
    assert brevo.move(op, vip, emails=people).json()["contacts"]["success"] == people


def test_contacts_are_made_read_and_deleted(brevo: Caller) -> None:
    """201 for a new one, 204 for an update that is allowed; attributes that are not defined are passed over."""
    vip = brevo.list()
    path = "/contacts/attributes/normal/TIER"
    assert brevo.call("POST", path, json={"type": "text"}).status_code == 201
    assert refusal(brevo.call("POST", path, json={"type": "text"})) == (400, "duplicate_parameter")
    names = [each["name"] for each in brevo.call("GET", "/contacts/attributes").json()["attributes"]]
    assert names == ["FIRSTNAME", "LASTNAME", "SMS", "TIER"]
    given = {"TIER": "gold", "NO": "x", "FIRSTNAME": 5, "SMS": "+15550001"}
    wish = {"email": ADA, "ext_id": "u-1", "attributes": given, "listIds": [int(vip)]}
    made = brevo.call("POST", "/contacts", json=wish)
    assert made.status_code == 201
    shown = brevo.contact(ADA)
    assert shown == {
        "id": made.json()["id"],
        "email": ADA,
        "ext_id": "u-1",
        "emailBlacklisted": False,
        "smsBlacklisted": False,
        "createdAt": shown["createdAt"],
        "modifiedAt": shown["modifiedAt"],
        "listIds": [int(vip)],
        "listUnsubscribed": None,
        "attributes": {"TIER": "gold", "SMS": "+15550001"},
    }
    for kind, value in (("ext_id", "u-1"), ("contact_id", str(shown["id"])), ("phone_id", "+15550001")):
        assert brevo.contact(value, identifierType=kind) == shown
    assert refusal(brevo.call("POST", "/contacts", json=wish)) == (400, "duplicate_parameter")
    assert brevo.call("POST", "/contacts", json={**wish, "updateEnabled": True}).status_code == 204
    assert refusal(brevo.call("POST", "/contacts", json={"email": "x"})) == (400, "invalid_parameter")
    assert refusal(brevo.call("POST", "/contacts", json={})) == (400, "missing_parameter")
    change = {"attributes": {"TIER": ""}, "unlinkListIds": [int(vip)]}
    assert brevo.call("PUT", f"/contacts/{ADA}", json=change).status_code == 204
    assert (brevo.members(vip), brevo.people()[ADA].attributes) == ([], {})
    batch = {"contacts": [{"email": ADA, "listIds": [int(vip)]}, {"email": "no@example.com"}]}
    assert brevo.call("POST", "/contacts/batch", json=batch).status_code == 204
    assert brevo.call("POST", "/contacts/batch", json={"contacts": [{"email": ADA}] * 101}).status_code == 400
    assert (brevo.members(vip), len(brevo.people())) == ([ADA], 1)
    assert brevo.call("DELETE", f"/contacts/{ADA}").status_code == 204
    assert refusal(brevo.call("GET", f"/contacts/{ADA}")) == (404, "document_not_found")


def test_an_import_is_a_process(brevo: Caller) -> None:
    """Taken now, done later; wrong addresses are in a report; what is there is changed unless told otherwise."""
    vip = brevo.list()
    brevo.switch(email_processing_seconds=60)
    rows = [{"email": ADA, "attributes": {"FIRSTNAME": "Ada", "NO": "x"}}, {"email": "wrong"}]
    process = brevo.load(vip, *rows, emptyContactsAttributes=False, disableNotification=True)
    assert process == {"id": process["id"], "status": "queued", "name": "IMPORTUSER"}
    assert brevo.people() == {}
    brevo.sandbox.advance_clock(60)
    done = brevo.call("GET", f"/processes/{process['id']}").json()
    assert (done["status"], brevo.members(vip)) == ("completed", [ADA])
    report = requests.get(done["info"]["import"]["invalid_emails"], timeout=30).text
    assert report.splitlines() == ["EMAIL", "wrong"]
    assert brevo.call("GET", "/processes").json()["count"] == 1
    brevo.switch(email_processing_seconds=0)
    other = brevo.list()
    brevo.load(other, {"email": ADA, "attributes": {"FIRSTNAME": "Eve"}}, updateExistingContacts=False)
    assert (brevo.members(other), brevo.people()[ADA].attributes) == ([ADA], {"FIRSTNAME": "Ada"})
    text = f"EMAIL;FIRSTNAME\n{BOB};Bob\n"
    made = {"newList": {"listName": "new", "folderId": 1}, "fileBody": text}
    assert brevo.call("POST", "/contacts/import", json=made).status_code == 202
    assert brevo.people()[BOB].attributes == {"FIRSTNAME": "Bob"}
    assert refusal(brevo.call("GET", "/processes/999")) == (404, "document_not_found")
    wrong: list[dict[str, object]] = [
        {"listIds": [int(vip)]},
        {"listIds": [int(vip)], "jsonBody": rows, "fileBody": text},
        {"listIds": [999], "jsonBody": rows},
        {"listIds": [int(vip)], "fileUrl": "https://example.com/x.csv"},
        {"jsonBody": rows},
        {"listIds": [int(vip)], "fileBody": "x" * 10_000_000},
    ]
    for body in wrong:
        assert brevo.call("POST", "/contacts/import", json=body).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "channel"),
    [
        ("PUT", f"/contacts/{ADA}", {"emailBlacklisted": False}, "email"),
        ("PUT", f"/contacts/{ADA}", {"attributes": {"EMAIL": "new@example.com"}}, "email"),
        ("PUT", f"/contacts/{ADA}", {"attributes": {"EMAIL": BOB}, "forceMerge": True}, "email"),
        ("PUT", f"/contacts/{ADA}", {"smsBlacklisted": False}, "sms"),
        ("POST", "/contacts/batch", {"contacts": [{"email": ADA, "emailBlacklisted": False}]}, "email"),
        ("POST", "/contacts", {"email": ADA, "updateEnabled": True, "emailBlacklisted": False}, "email"),
        ("POST", "/contacts", {"email": "x@y.co", "consentGroupIds": ["g"]}, "consent group g"),
    ],
)
def test_some_calls_resubscribe(
    brevo: Caller, method: str, path: str, body: dict[str, object], channel: str
) -> None:
    """The calls that a sync must never make; lists and imports lift no blocklist."""
    person = brevo.put(ADA, "unsubscribed")
    brevo.put(BOB)
    vip = brevo.list()
    brevo.move("add", vip, emails=[ADA])
    brevo.load(vip, {"email": ADA, "attributes": {"FIRSTNAME": "Ada"}})
    assert (brevo.widened(), brevo.contact(ADA)["emailBlacklisted"]) == ([], True)
    taken = brevo.call("PUT", f"/contacts/{ADA}", json={"attributes": {"EMAIL": BOB}})
    assert refusal(taken) == (400, "duplicate_parameter")
    assert brevo.call(method, path, json=body).status_code in (201, 204)
    assert [change.channel for change in brevo.widened()] == [channel]
    assert person in {known.id for known in brevo.people().values()}


def test_other_calls_change_consent_too(brevo: Caller) -> None:
    """An import can blocklist everybody in it; a double opt-in that is confirmed subscribes."""
    vip = brevo.list()
    brevo.load(vip, {"email": ADA}, {"email": BOB}, emailBlacklist=True)
    assert brevo.contact(ADA)["emailBlacklisted"] is brevo.contact(BOB)["emailBlacklisted"] is True
    wish = {
        "email": ADA,
        "includeListIds": [int(vip)],
        "templateId": 1,
        "redirectionUrl": "https://x.example",
    }
    assert brevo.call("POST", "/contacts/doubleOptinConfirmation", json=wish).status_code == 201
    assert len(brevo.widened()) == 1


def test_contacts_are_paged(brevo: Caller) -> None:
    """Members 500 a page at most, fifty unless told otherwise; those alone that changed since, on demand."""
    vip = brevo.list()
    brevo.load(vip, *({"email": f"u{number:03}@example.com"} for number in range(501)))
    path = f"/contacts/lists/{vip}/contacts"
    first = brevo.call("GET", path, params={"limit": 500, "sort": "asc"}).json()
    second = brevo.call("GET", path, params={"limit": 500, "offset": 500, "sort": "asc"}).json()
    assert (len(first["contacts"]), first["count"]) == (500, 501)
    assert [each["email"] for each in second["contacts"]] == ["u500@example.com"]
    assert len(brevo.call("GET", path).json()["contacts"]) == 50
    assert refusal(brevo.call("GET", path, params={"limit": 501})) == (400, "out_of_range")
    since = {"modifiedSince": "2999-01-01T00:00:00+00:00"}
    assert brevo.call("GET", path, params=since).json() == {"contacts": [], "count": 0}
    assert brevo.call("GET", path, params={"modifiedSince": "x"}).status_code == 400
    assert len(brevo.call("GET", "/contacts", params={"limit": 1_000}).json()["contacts"]) == 501


def test_faults_and_rates(brevo: Caller) -> None:
    """Refused rows are failures; the seconds to wait are in a header, and there is no Retry-After."""
    vip = brevo.list()
    brevo.put(ADA)
    brevo.put(BOB)
    brevo.fault(path="*/add", effect="reject_rows", positions=[0])
    assert brevo.move("add", vip, emails=[ADA, BOB]).json()["contacts"]["failure"] == [ADA]
    brevo.fault(path="*/import", effect="reject_rows", positions=[1])
    assert "info" in brevo.load(vip, {"email": "a@example.com"}, {"email": "b@example.com"})
    assert "b@example.com" not in brevo.people()
    brevo.fault(path="*/import", effect="job_fails")
    assert brevo.load(vip, {"email": "c@example.com"})["status"] == "failed"
    assert brevo.call("GET", "/account").headers["x-sib-ratelimit-limit"] == "10"
    # From the start of an hour, so that the hour's window outlasts the minute's.
    brevo.sandbox.advance_clock(3600 - brevo.sandbox.state.now() % 3600)
    brevo.allow(101)
    asked = [brevo.call("GET", "/processes") for _ in range(102)]
    assert [answer.status_code for answer in asked[99:]] == [200, 429, 429]
    limits = [answer.headers["x-sib-ratelimit-limit"] for answer in asked[100:]]
    assert (limits, int(asked[100].headers["x-sib-ratelimit-reset"]) > 60) == (["100", "101"], True)
    assert (refusal(asked[101]), "Retry-After" in asked[101].headers) == ((429, "too_many_requests"), False)
    brevo.switch(email_requests_per_minute=0, email_token_revoked=True)
    assert refusal(brevo.call("GET", "/account")) == (401, "unauthorized")
