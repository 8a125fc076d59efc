"""SendGrid as the sandbox plays it: contacts and lists by jobs, exports, suppressions apart from both."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
import requests

from connectors.sandbox import SandboxServer
from tests.sandbox.sendgrid_caller import CONTACTS, LISTS, SendGridCaller, refusal, sendgrid_caller

DAY = 86_400


@pytest.fixture
def sendgrid(sandbox: SandboxServer) -> SendGridCaller:
    return sendgrid_caller(sandbox)


def test_a_list_is_created_found_renamed_and_deleted(sendgrid: SendGridCaller) -> None:
    """Names are unique and up to a hundred characters; there is no filter by name, only pages."""
    vip, other = sendgrid.new_list(), sendgrid.new_list("x" * 100)
    for name in ("vip", "", "x" * 101, 5):
        assert refusal(sendgrid.call("POST", LISTS, json={"name": name})) == (400, "name")
    assert refusal(sendgrid.call("POST", LISTS, json={"name": "a", "more": 1})) == (400, "more")
    first = sendgrid.call("GET", LISTS, params={"page_size": "1"}).json()
    second = sendgrid.session.get(first["_metadata"]["next"], timeout=30).json()
    assert [one["id"] for one in first["result"] + second["result"]] == [vip, other]
    assert (first["_metadata"]["count"], "next" in second["_metadata"]) == (2, False)
    for query in ({"page_size": "0"}, {"page_size": "1001"}, {"page_token": "x"}):
        assert sendgrid.call("GET", LISTS, params=query).status_code == 400
    renamed = sendgrid.call("PATCH", f"{LISTS}/{vip}", json={"name": "new"}).json()
    assert (renamed["name"], len(renamed["id"])) == ("new", 36)
    assert sendgrid.call("DELETE", f"{LISTS}/{vip}").status_code == 204
    assert refusal(sendgrid.call("GET", f"{LISTS}/{vip}")) == (404, None)


def test_contacts_are_upserted_later(sendgrid: SendGridCaller) -> None:
    """A job is taken and counted; nobody is found before it is done; fields that are left out stay."""
    sendgrid.switch(email_processing_seconds=60)
    vip = sendgrid.new_list()
    made = sendgrid.upsert({"email": "Ada@example.com", "first_name": "Ada"}, lists=(vip,))
    assert sendgrid.job(made)["status"] == "pending"
    assert refusal(sendgrid.sought("ada@example.com")) == (404, None)
    sendgrid.sandbox.advance_clock(60)
    told = sendgrid.job(made)
    assert (told["status"], told["results"]["created_count"]) == ("completed", 1)
    sendgrid.switch(email_processing_seconds=0)
    again = sendgrid.job(sendgrid.upsert({"email": "ada@example.com", "external_id": "u-1", "city": "Bonn"}))
    assert again["results"] == {**told["results"], "created_count": 0, "updated_count": 1}
    found = sendgrid.sought("ADA@example.com", "bob@example.com").json()["result"]
    assert found["bob@example.com"] == {"error": "contact not found"}
    ada = found["ada@example.com"]["contact"]
    assert (ada["first_name"], ada["city"], ada["external_id"]) == ("Ada", "Bonn", "u-1")
    assert (ada["list_ids"], sendgrid.members(vip)) == ([vip], ["ada@example.com"])
    count = sendgrid.call("GET", f"{LISTS}/{vip}/contacts/count").json()
    assert count == {"contact_count": 1, "billable_count": 1}
    assert (sendgrid.consent(ada["id"]), sendgrid.widened()) == ("unknown", [])


@pytest.mark.parametrize(
    ("contact", "place"),
    [
        ({"email": "nobody"}, "contacts[1].email"),
        ({"first_name": "Eve"}, "contacts[1].email"),
        ({"phone_number_id": "555 0100"}, "contacts[1].phone_number_id"),
        ({"email": "e@example.com", "custom_fields": {"e9_T": "x"}}, "contacts[1].custom_fields"),
        ({"email": "e@example.com", "subscribed": True}, "contacts.1.subscribed"),
        ({"email": "e@example.com", "first_name": "x" * 51}, "contacts.1.first_name"),
    ],
)
def test_one_wrong_contact_refuses_all(sendgrid: SendGridCaller, contact: dict[str, Any], place: str) -> None:
    """400 with an error for each; an address that is none is named, as the real one does."""
    answer = sendgrid.upsert({"email": "ada@example.com"}, contact)
    assert refusal(answer) == (400, place)
    if contact.get("email") == "nobody":
        assert answer.json()["errors"][0]["message"] == "email 'nobody' is not valid"
    assert sendgrid.people() == {}


def test_upserts_have_limits(sendgrid: SendGridCaller) -> None:
    """30,000 contacts or 6 MB, and lists that exist."""
    rows = [{"external_id": f"u{number}"} for number in range(30_001)]
    assert refusal(sendgrid.upsert(*rows)) == (400, "contacts")
    assert refusal(sendgrid.upsert(*[{"external_id": "x" * 250}] * 25_000)) == (413, None)
    assert refusal(sendgrid.upsert({"external_id": "x"}, lists=("no-list",))) == (400, "list_ids")
    assert refusal(sendgrid.upsert()) == (400, "contacts")
    assert sendgrid.job(sendgrid.upsert(*rows[:5_000]))["results"]["created_count"] == 5_000


def test_rows_fail_within_a_job(sendgrid: SendGridCaller) -> None:
    """All of a contact's identifiers must be there; what failed stands in a file that wants no key."""
    sendgrid.upsert({"email": "ada@example.com", "external_id": "u-1"}, {"email": "bob@example.com"})
    sendgrid.fault(path="*/contacts", method="PUT", effect="reject_rows", positions=[2])
    told = sendgrid.job(
        sendgrid.upsert(
            {"email": "ada@example.com", "first_name": "Ada"},
            {"email": "bob@example.com", "external_id": "u-1"},
            {"email": "cleo@example.com"},
            {"email": "dan@example.com"},
        )
    )
    assert (told["status"], told["results"]["errored_count"]) == ("errored", 3)
    address = told["results"]["errors_url"]
    lines = requests.get(address, timeout=30).text.splitlines()
    assert [line.partition(",")[0] for line in lines] == [
        "identifier",
        "ada@example.com",
        "bob@example.com",
        "cleo@example.com",
    ]
    assert sendgrid.session.get(address, timeout=30).status_code == 400
    assert sendgrid.people().keys() == {"ada@example.com", "bob@example.com", "dan@example.com"}
    sendgrid.sandbox.advance_clock(2 * DAY)
    assert requests.get(address, timeout=30).status_code == 403


def test_members_are_removed_by_ids(sendgrid: SendGridCaller) -> None:
    """A hundred at most; one id that is unknown refuses all; they stay contacts."""
    vip = sendgrid.new_list()
    sendgrid.job(sendgrid.upsert({"email": "a@example.com"}, {"email": "b@example.com"}, lists=(vip,)))
    found = sendgrid.sought("a@example.com", "b@example.com").json()["result"]
    ids = [one["contact"]["id"] for one in found.values()]
    unknown = "00000000-0000-4000-8000-000000000000"
    assert refusal(sendgrid.remove(vip, ids[0], unknown)) == (404, "contact_ids")
    assert refusal(sendgrid.remove(unknown, ids[0])) == (404, None)
    assert refusal(sendgrid.remove(vip, *[ids[0]] * 101)) == (400, "contact_ids")
    assert refusal(sendgrid.remove(vip)) == (400, "contact_ids")
    sendgrid.fault(path="*/contacts", method="DELETE", effect="reject_rows", positions=[1])
    assert sendgrid.job(sendgrid.remove(vip, *ids))["results"]["errored_count"] == 1
    assert sendgrid.members(vip) == ["b@example.com"]
    assert len(sendgrid.people()) == 2


def test_people_are_sought_by_each_identifier(sendgrid: SendGridCaller) -> None:
    """A hundred a call; 404 for nobody; 400 for an address that is none."""
    person = {
        "email": "ada@example.com",
        "phone_number_id": "+15005550006",
        "external_id": "u-1",
        "anonymous_id": "anon",
    }
    sendgrid.job(sendgrid.upsert(person))
    for kind, value in person.items():
        path = f"{CONTACTS}/search/identifiers/{kind}"
        found = sendgrid.call("POST", path, json={"identifiers": [value]}).json()["result"]
        assert found[value]["contact"]["email"] == "ada@example.com"
    contact = found[value]["contact"]["id"]
    assert sendgrid.call("GET", f"{CONTACTS}/{contact}").json()["external_id"] == "u-1"
    batch = sendgrid.call("POST", f"{CONTACTS}/batch", json={"ids": [contact, "x"]}).json()
    assert len(batch["result"]) == 1
    assert sendgrid.call("GET", CONTACTS).json()["contact_count"] == 1
    assert sendgrid.call("GET", f"{CONTACTS}/count").json()["contact_count"] == 1
    wrong = sendgrid.call("POST", f"{CONTACTS}/search/identifiers/name", json={"identifiers": ["x"]})
    assert wrong.status_code == 400
    assert refusal(sendgrid.sought("nobody")) == (400, "emails")
    assert refusal(sendgrid.sought(*["a@example.com"] * 101)) == (400, "emails")


@pytest.mark.parametrize("file_type", ["json", "csv"])
def test_members_are_read_by_an_export(sendgrid: SendGridCaller, file_type: str) -> None:
    """Pending, then ready with compressed files of a size, whose addresses want no key and end after a day."""
    vip = sendgrid.new_list()
    long = "x" * 90
    rows = [{"email": f"p{number}@example.com", "address_line_1": long} for number in range(2_000)]
    sendgrid.job(sendgrid.upsert(*rows, lists=(vip,)))
    sendgrid.upsert({"email": "elsewhere@example.com"})
    sendgrid.switch(email_processing_seconds=60)
    wish = {"list_ids": [vip], "file_type": file_type, "max_file_size": 1}
    taken = sendgrid.call("POST", f"{CONTACTS}/exports", json=wish)
    path = f"{CONTACTS}/exports/{taken.json()['id']}"
    assert (taken.status_code, sendgrid.call("GET", path).json()["status"]) == (202, "pending")
    sendgrid.sandbox.advance_clock(60)
    told = sendgrid.call("GET", path).json()
    assert (told["status"], told["contact_count"]) == ("ready", 2_000)
    texts = [gzip.decompress(requests.get(url, timeout=30).content).decode() for url in told["urls"]]
    if file_type == "json":
        assert len(texts) > 1
        found = [json.loads(line)["email"] for text in texts for line in text.splitlines()]
    else:
        found = [line.partition(",")[0] for text in texts for line in text.splitlines()[1:]]
    assert found == [row["email"] for row in rows]
    assert refusal(sendgrid.call("POST", f"{CONTACTS}/exports", json={**wish, "list_ids": ["x"]})) == (
        400,
        "list_ids",
    )
    sendgrid.sandbox.advance_clock(2 * DAY)
    assert requests.get(told["urls"][0], timeout=30).status_code == 403


def test_jobs_may_fail_or_never_end(sendgrid: SendGridCaller) -> None:
    """A failed import is failed, a failed export is a failure, and another is pending for ever."""
    vip = sendgrid.new_list()
    for effect, status in (("job_fails", "failed"), ("job_never_ends", "pending")):
        sendgrid.fault(path="*/contacts", method="PUT", effect=effect)
        answer = sendgrid.upsert({"email": "ada@example.com"}, lists=(vip,))
        sendgrid.sandbox.advance_clock(3_600)
        told = sendgrid.job(answer)
        assert (told["status"], told["results"]["requested_count"], sendgrid.members(vip)) == (status, 1, [])
    sendgrid.fault(path="*/exports", method="POST", effect="job_fails")
    job = sendgrid.call("POST", f"{CONTACTS}/exports", json={"list_ids": [vip]}).json()["id"]
    assert sendgrid.call("GET", f"{CONTACTS}/exports/{job}").json()["status"] == "failure"
    assert refusal(sendgrid.call("GET", f"{CONTACTS}/imports/{job}")) == (404, None)


def test_people_can_be_deleted(sendgrid: SendGridCaller) -> None:
    """Some, everybody, those of a list, or by address: the calls that an audience never needs."""
    for one in "abcd":
        sendgrid.put(f"{one}@example.com")
    assert refusal(sendgrid.call("DELETE", CONTACTS)) == (400, "ids")
    sendgrid.job(sendgrid.call("DELETE", CONTACTS, params={"ids": sendgrid.people()["a@example.com"].id}))
    erased = {"email_addresses": ["B@example.com"]}
    assert sendgrid.call("POST", "/v3/recipients/erasejob", json=erased).status_code == 202
    too_many = {"email_addresses": [f"{number}@example.com" for number in range(5_001)]}
    assert sendgrid.call("POST", "/v3/recipients/erasejob", json=too_many).status_code == 400
    vip = sendgrid.new_list()
    sendgrid.job(sendgrid.upsert({"email": "c@example.com"}, lists=(vip,)))
    gone = sendgrid.call("DELETE", f"{LISTS}/{vip}", params={"delete_contacts": "true"})
    assert (gone.status_code, list(sendgrid.people())) == (200, ["d@example.com"])
    sendgrid.job(sendgrid.call("DELETE", CONTACTS, params={"delete_all_contacts": "true"}))
    assert sendgrid.people() == {}


def test_fields_are_defined_first(sendgrid: SendGridCaller) -> None:
    """Custom fields are written by their ids; a name may exist once, whatever its case."""
    made = sendgrid.call(
        "POST", "/v3/marketing/field_definitions", json={"name": "tier", "field_type": "Text"}
    ).json()
    for name in ("TIER", "city", ""):
        wish = {"name": name, "field_type": "Text"}
        assert refusal(sendgrid.call("POST", "/v3/marketing/field_definitions", json=wish)) == (400, "name")
    shown = sendgrid.call("GET", "/v3/marketing/field_definitions").json()["custom_fields"]
    assert shown == [{"id": "e1_T", "name": "tier", "field_type": "Text"}] == [made]
    sendgrid.job(sendgrid.upsert({"email": "ada@example.com", "custom_fields": {"e1_T": "gold"}}))
    ada = sendgrid.sought("ada@example.com").json()["result"]["ada@example.com"]["contact"]
    assert ada["custom_fields"] == {"e1_T": "gold"}


def test_keys_and_rates(sendgrid: SendGridCaller) -> None:
    """What is left stands on every answer; 401 for a key that is none or was revoked."""
    sendgrid.allow(1)
    first, second = sendgrid.call("GET", LISTS), sendgrid.call("GET", LISTS)
    assert [first.headers["X-RateLimit-Remaining"], second.headers["X-RateLimit-Remaining"]] == ["0", "0"]
    assert (refusal(second), second.headers["X-RateLimit-Limit"]) == ((429, None), "1")
    assert second.headers["X-RateLimit-Reset"].isdecimal()
    sendgrid.switch(email_requests_per_minute=0, email_token_revoked=True)
    assert refusal(sendgrid.call("GET", LISTS)) == (401, None)
    sendgrid.switch(email_token_revoked=False)
    assert refusal(sendgrid.call("GET", LISTS, headers={"Authorization": "Bearer other"})) == (401, None)


def test_what_is_sent_and_answered_is_as_described(sendgrid: SendGridCaller) -> None:
    """The path of an audience, held against the official description; other tests hold theirs by the way."""
    if sendgrid.official is None:
        pytest.skip("the official description is not at hand")
    sendgrid.official.seen.clear()
    vip = sendgrid.new_list()
    sendgrid.job(sendgrid.upsert({"email": "ada@example.com"}, lists=(vip,)))
    ada = sendgrid.sought("ada@example.com").json()["result"]["ada@example.com"]["contact"]["id"]
    sendgrid.job(sendgrid.remove(vip, ada))
    assert sendgrid.official.seen == {
        ("POST", LISTS, 201),
        ("PUT", CONTACTS, 202),
        ("GET", f"{CONTACTS}/imports/{{id}}", 200),
        ("POST", f"{CONTACTS}/search/emails", 200),
        ("DELETE", f"{LISTS}/{{id}}/contacts", 202),
    }
