"""Mailchimp's contacts: what is refused, and above all what happens to a subscription."""

from __future__ import annotations

import threading
import time

import pytest

from connectors.sandbox import SANDBOX_MAILCHIMP_KEY, SandboxServer
from connectors.sandbox.faults.reading import parse_faults
from tests.sandbox.conftest import MailchimpCaller, md5, problem


@pytest.mark.parametrize(
    ("authorization", "title"),
    [
        (None, "API Key Missing"),
        ("Bearer wrong-us1", "API Key Invalid"),
        ("Basic !!!", "API Key Missing"),
        ("Basic YW55Og==", "API Key Missing"),
        ("Basic YW55Ondyb25nLXVzMQ==", "API Key Invalid"),
    ],
)
def test_a_key_is_needed(mailchimp: MailchimpCaller, authorization: str | None, title: str) -> None:
    """A missing key and a wrong one are both 401, under their own titles."""
    mailchimp.session.auth = None
    headers = {"Authorization": authorization} if authorization else {}
    assert problem(mailchimp.call("GET", "/ping", headers=headers)) == (401, title)


def test_the_key_works_as_password_and_as_bearer(sandbox: SandboxServer, mailchimp: MailchimpCaller) -> None:
    """Both ways of sending the key work, until it is revoked."""
    assert mailchimp.call("GET", "/ping").json() == {"health_status": "Everything's Chimpy!"}
    mailchimp.session.auth = None
    mailchimp.session.headers["Authorization"] = f"Bearer {SANDBOX_MAILCHIMP_KEY}"
    assert mailchimp.call("GET", "/ping").status_code == 200
    sandbox.state.set_switches(mailchimp_key_revoked=True)
    assert problem(mailchimp.call("GET", "/ping")) == (401, "API Key Invalid")


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/nothing", (404, "Resource Not Found")),
        ("GET", "/lists/ffffffffff", (404, "Resource Not Found")),
        ("GET", "/lists/a1b2c3d4e5/members/" + "0" * 32, (404, "Resource Not Found")),
        ("GET", "/lists/a1b2c3d4e5/segments/5", (404, "Resource Not Found")),
        ("PUT", "/ping", (405, "Method Not Allowed")),
        ("GET", "/lists?count=1001", (400, "Invalid Resource")),
        ("GET", "/lists?cuont=5", (400, "Invalid Resource")),
    ],
)
def test_what_does_not_exist_is_said_so(
    mailchimp: MailchimpCaller, method: str, path: str, expected: tuple[int, str]
) -> None:
    """Unknown resources, methods and parameters each have their problem document."""
    name, _, query = path.partition("?")
    assert problem(mailchimp.call(method, name, params=query)) == expected


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email_address": "a@b.co"}, "status_if_new"),
        ({"status_if_new": "transactional"}, "email_address"),
        ({"email_address": "a@b.co", "status_if_new": "archived"}, "status_if_new"),
        ({"email_address": "a@b.co", "status_if_new": "transactional", "stauts": "x"}, "stauts"),
        ({"email_address": "not an address", "status_if_new": "transactional"}, "email_address"),
        ({"email_address": "other@b.co", "status_if_new": "transactional"}, "email_address"),
        ({"email_address": "a@b.co", "status_if_new": "transactional", "vip": "yes"}, "vip"),
        (
            {"email_address": "a@b.co", "status_if_new": "transactional", "merge_fields": {"ADDRESS": "x"}},
            "ADDRESS",
        ),
        (
            {
                "email_address": "a@b.co",
                "status_if_new": "transactional",
                "merge_fields": {"BIRTHDAY": "1990"},
            },
            "BIRTHDAY",
        ),
    ],
)
def test_an_upsert_is_validated_field_by_field(
    mailchimp: MailchimpCaller, body: dict[str, object], field: str
) -> None:
    """Missing, unknown and malformed fields are 400 with the field's name in errors[]."""
    answer = mailchimp.in_list("PUT", f"/members/{md5('a@b.co')}", json=body)
    assert problem(answer) == (400, "Invalid Resource")
    assert field in [fault["field"] for fault in answer.json()["errors"]]


def test_a_body_must_be_json(mailchimp: MailchimpCaller) -> None:
    """Broken JSON and another content type are refused before anything is looked at."""
    path = f"/members/{md5('a@b.co')}"
    json_type = {"Content-Type": "application/json"}
    assert problem(mailchimp.in_list("PUT", path, data="{", headers=json_type)) == (400, "JSON Parse Error")
    assert problem(mailchimp.in_list("PUT", path, data="[]", headers=json_type)) == (400, "Invalid Resource")
    assert problem(mailchimp.in_list("PUT", path, data={"email_address": "a@b.co"}))[0] == 415


def test_a_new_contact_gets_status_if_new(mailchimp: MailchimpCaller) -> None:
    """status_if_new counts for new contacts and never again."""
    assert mailchimp.put("a@b.co", status_if_new="subscribed").json()["status"] == "subscribed"
    assert mailchimp.put("a@b.co", status_if_new="unsubscribed").json()["status"] == "subscribed"


@pytest.mark.parametrize("left_by", ["self", "api", "bounce"])
def test_status_if_new_resubscribes_nobody(
    sandbox: SandboxServer, mailchimp: MailchimpCaller, left_by: str
) -> None:
    """Whoever left, in whatever way, keeps that status under an upsert without `status`."""
    status = "cleaned" if left_by == "bounce" else "unsubscribed"
    sandbox.state.put_contacts(["a@b.co"], status, left_by=left_by)  # type: ignore[arg-type]
    answer = mailchimp.put("a@b.co", status_if_new="subscribed", merge_fields={"FNAME": "Ada"})
    assert (answer.status_code, answer.json()["status"], answer.json()["full_name"]) == (200, status, "Ada")
    assert sandbox.state.resubscribed() == []


@pytest.mark.parametrize(
    ("left_by", "status", "outcome"),
    [
        ("self", "subscribed", "Member In Compliance State"),
        ("self", "transactional", "Member In Compliance State"),
        ("self", "pending", None),
        ("bounce", "subscribed", "Member In Compliance State"),
        ("bounce", "pending", "Member In Compliance State"),
        ("api", "subscribed", None),
    ],
)
def test_status_overwrites_unless_compliance_forbids(
    sandbox: SandboxServer, mailchimp: MailchimpCaller, left_by: str, status: str, outcome: str | None
) -> None:
    """`status` resubscribes who was unsubscribed by API, silently: the state shows it for ever."""
    before = "cleaned" if left_by == "bounce" else "unsubscribed"
    sandbox.state.put_contacts(["a@b.co"], before, left_by=left_by)  # type: ignore[arg-type]
    answer = mailchimp.put("a@b.co", status=status)
    if outcome:
        assert problem(answer) == (400, outcome)
        assert sandbox.state.resubscribed() == []
    else:
        assert answer.json()["status"] == status
        (change,) = sandbox.state.resubscribed()
        assert (change.before, change.after) == (before, status)


def test_who_left_by_themselves_stays_protected_while_pending(
    sandbox: SandboxServer, mailchimp: MailchimpCaller
) -> None:
    """Asking again (`pending`) or archiving does not wash off that somebody left."""
    sandbox.state.put_contacts(["a@b.co"], "unsubscribed")
    mailchimp.put("a@b.co", status="pending")
    assert problem(mailchimp.put("a@b.co", status="subscribed"))[1] == "Member In Compliance State"
    mailchimp.in_list("DELETE", f"/members/{md5('a@b.co')}")
    assert problem(mailchimp.put("a@b.co", status="subscribed"))[1] == "Member In Compliance State"


def test_the_archived_stay_archived(sandbox: SandboxServer, mailchimp: MailchimpCaller) -> None:
    """DELETE archives; an upsert leaves the contact archived; lists show archived contacts only when asked."""
    mailchimp.put("a@b.co", status_if_new="subscribed")
    assert mailchimp.in_list("DELETE", f"/members/{md5('a@b.co')}").status_code == 204
    assert mailchimp.put("a@b.co", status_if_new="subscribed").json()["status"] == "archived"
    assert mailchimp.in_list("GET", "/members").json()["total_items"] == 0
    assert mailchimp.in_list("GET", "/members", params={"status": "archived"}).json()["total_items"] == 1
    assert mailchimp.in_list("DELETE", f"/members/{md5('a@b.co')}").status_code == 405
    assert sandbox.state.resubscribed() == []


def test_the_forgotten_never_come_back(sandbox: SandboxServer, mailchimp: MailchimpCaller) -> None:
    """A permanent deletion leaves no address behind and refuses it for ever, by PUT, POST and in bulk."""
    segment = mailchimp.segment()
    mailchimp.put("A@b.co")
    mailchimp.edit(segment, add=["a@b.co"])
    assert mailchimp.in_list("POST", f"/members/{md5('a@b.co')}/actions/delete-permanent").status_code == 204
    assert sandbox.state.contacts() == []
    assert sandbox.state.audience("mailchimp", "vip").size == 0
    assert problem(mailchimp.put("a@b.co"))[1] == "Forgotten Email Not Subscribed"
    body = {"email_address": "a@b.co", "status": "subscribed"}
    assert problem(mailchimp.in_list("POST", "/members", json=body))[1] == "Forgotten Email Not Subscribed"
    bulk = mailchimp.in_list("POST", "", json={"members": [body], "update_existing": True}).json()
    assert (bulk["error_count"], bulk["errors"][0]["error_code"]) == (1, "ERROR_GENERIC")


def test_post_is_for_new_contacts_only(mailchimp: MailchimpCaller) -> None:
    """A second POST of an address is Member Exists, whatever its case."""
    body = {"email_address": "a@b.co", "status": "subscribed", "tags": ["vip"]}
    created = mailchimp.in_list("POST", "/members", json=body).json()
    assert (created["status"], [tag["name"] for tag in created["tags"]]) == ("subscribed", ["vip"])
    again = mailchimp.in_list("POST", "/members", json={**body, "email_address": "A@B.CO"})
    assert problem(again) == (400, "Member Exists")


def test_patch_needs_an_existing_contact(mailchimp: MailchimpCaller) -> None:
    """PATCH changes what is there, moves an address, and is 404 for strangers."""
    assert problem(mailchimp.in_list("PATCH", f"/members/{md5('a@b.co')}", json={"vip": True}))[0] == 404
    mailchimp.put("a@b.co")
    moved = mailchimp.in_list(
        "PATCH", f"/members/{md5('a@b.co')}", json={"email_address": "new@b.co", "vip": True}
    )
    assert (moved.json()["id"], moved.json()["vip"]) == (md5("new@b.co"), True)


def test_a_contact_answers_to_hash_address_and_id(mailchimp: MailchimpCaller) -> None:
    """The three names of a contact lead to the same one."""
    created = mailchimp.put("Ada@b.co").json()
    for name in (created["id"], created["contact_id"], "ada@b.co", "Ada@b.co"):
        assert mailchimp.in_list("GET", f"/members/{name}").json()["email_address"] == "Ada@b.co"


def test_reserved_domains_are_refused_only_on_request(
    sandbox: SandboxServer, mailchimp: MailchimpCaller
) -> None:
    """The real platform takes no example.com; the sandbox does, unless told to be as strict."""
    assert mailchimp.put("ada@example.com").status_code == 200
    sandbox.state.set_switches(mailchimp_refuses_reserved_domains=True)
    answer = mailchimp.put("ben@mail.example.com")
    assert "looks fake or invalid" in answer.json()["errors"][0]["message"]
    assert mailchimp.put("ben@bexample.com").status_code == 200


def test_merge_fields_must_exist_first(mailchimp: MailchimpCaller) -> None:
    """Unknown tags are dropped in silence; a created one is kept; required ones are demanded unless skipped."""
    assert mailchimp.put("a@b.co", merge_fields={"SCORE": 5, "FNAME": "Ada"}).json()["merge_fields"] == {
        "FNAME": "Ada"
    }
    field = {"name": "Score", "type": "number", "tag": "SCORE", "required": True}
    assert mailchimp.in_list("POST", "/merge-fields", json=field).json()["merge_id"] == 6
    assert problem(mailchimp.in_list("POST", "/merge-fields", json=field))[0] == 400
    assert mailchimp.put("a@b.co", merge_fields={"SCORE": 5}).json()["merge_fields"] == {
        "FNAME": "Ada",
        "SCORE": 5,
    }
    assert problem(mailchimp.put("b@b.co")) == (400, "Invalid Resource")
    body = {"email_address": "b@b.co", "status_if_new": "transactional"}
    skipped = mailchimp.in_list(
        "PUT", f"/members/{md5('b@b.co')}", json=body, params={"skip_merge_validation": "true"}
    )
    assert skipped.status_code == 200
    tags = [f["tag"] for f in mailchimp.in_list("GET", "/merge-fields").json()["merge_fields"]]
    assert tags == ["FNAME", "LNAME", "ADDRESS", "PHONE", "BIRTHDAY", "SCORE"]
    too_long = {"name": "x", "type": "text", "tag": "ELEVENCHARS"}
    assert problem(mailchimp.in_list("POST", "/merge-fields", json=too_long))[0] == 400


def test_bulk_subscription_overwrites_only_when_told(
    sandbox: SandboxServer, mailchimp: MailchimpCaller
) -> None:
    """Without update_existing those present are errors; with it their status changes, and the state shows it."""
    sandbox.state.put_contacts(["a@b.co"], "unsubscribed", left_by="api")
    members = [{"email_address": email, "status": "subscribed"} for email in ("a@b.co", "b@b.co", "b@b.co")]
    first = mailchimp.in_list("POST", "", json={"members": members}).json()
    assert (first["total_created"], first["total_updated"], first["error_count"]) == (1, 0, 2)
    assert first["errors"][0]["error_code"] == "ERROR_CONTACT_EXISTS"
    assert sandbox.state.resubscribed() == []
    mailchimp.in_list("POST", "", json={"members": members[:1], "update_existing": True})
    assert [change.email for change in sandbox.state.resubscribed()] == ["a@b.co"]
    too_many = [{"email_address": f"p{n}@b.co", "status": "subscribed"} for n in range(501)]
    assert problem(mailchimp.in_list("POST", "", json={"members": too_many})) == (400, "Invalid Resource")


def test_the_eleventh_connection_is_refused(sandbox: SandboxServer, mailchimp: MailchimpCaller) -> None:
    """Ten requests under way for one key are the limit; there is no Retry-After."""
    sandbox.faults.replace(
        parse_faults([{"platform": "mailchimp", "effect": "delay", "seconds": 5.0, "path": "*/lists"}])
    )
    answers: list[int] = []
    slow = [
        threading.Thread(
            target=lambda: answers.append(
                MailchimpCaller(sandbox.mailchimp_url, None).call("GET", "/lists").status_code
            )
        )
        for _ in range(10)
    ]
    for thread in slow:
        thread.start()
    while len([r for r in sandbox.state.requests() if r.path.endswith("/lists")]) < 10:
        time.sleep(0.01)
    refused = mailchimp.call("GET", "/ping")
    for thread in slow:
        thread.join()
    assert problem(refused) == (429, "Too Many Requests")
    assert "retry-after" not in refused.headers
    assert answers == [200] * 10
    assert mailchimp.call("GET", "/ping").status_code == 200
