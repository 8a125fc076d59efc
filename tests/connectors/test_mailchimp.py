"""Mailchimp: who is tagged, who is left alone, and what never leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceRequest,
    AuthFailed,
    Batch,
    QuotaExhausted,
    Receipt,
    Refused,
    RowsRefused,
    Uncertain,
)
from connectors.clock import Clock
from connectors.consent_guard import ForbiddenRequest
from connectors.mailchimp import MailchimpConnector
from connectors.mailchimp.answers import reason_of
from connectors.mailchimp.guard import FORBIDDEN_FIELDS, guard
from connectors.mailchimp.settings import MailchimpSettings
from connectors.sandbox import SandboxServer
from connectors.testing import FastTime
from tests.connectors.server import Reply, Scripted
from tests.contract.rigs import MailchimpRig

TAG = Audience("49377", "vip")


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxServer]:
    """A sandboxed Mailchimp."""
    with SandboxServer(tmp_path / "sandbox") as running:
        yield running


def connector(server: Scripted, time: FastTime, **changes: object) -> MailchimpConnector:
    settings = MailchimpSettings(
        api_key="key-of-the-test-us21",  # type: ignore[arg-type]
        list_id="a1b2c3",
        base_url=server.url + "/3.0",
        **changes,  # type: ignore[arg-type]
    )
    opened = MailchimpConnector("mailchimp", settings)
    opened.http.use_clock(time.clock)
    return opened


def table(emails: list[str]) -> pa.Table:
    nothing = pa.array([None] * len(emails), pa.string())
    return pa.table({"EMAIL": pa.array(emails, pa.string()), "FNAME": nothing, "LNAME": nothing})


def add(opened: MailchimpConnector, tag: Audience, emails: list[str]) -> Receipt:
    return opened.add(tag, table(emails), Batch("01JD000000000000000000000A", "add", 1, 1, len(emails)))


def remove(opened: MailchimpConnector, tag: Audience, emails: list[str]) -> Receipt:
    rows = table(emails).select(["EMAIL"])
    return opened.remove(tag, rows, Batch("01JD000000000000000000000B", "remove", 1, 1, len(emails)))


def opened_tag(rig: MailchimpRig) -> Audience:
    return rig.connector.open_audience(AudienceRequest("vip", "turnout:vip", None), rig.options)


@pytest.mark.fault(
    "F35",
    injected="contacts unsubscribed, cleaned, archived in the sandbox",
    outcome="their status stays through add, remove and add",
)
@pytest.mark.privacy("P12")
@pytest.mark.parametrize("create_missing", [False, True])
def test_nobody_is_ever_resubscribed(sandbox: SandboxServer, create_missing: bool) -> None:
    """Unsubscribed, cleaned, archived people keep their state through add, remove and add, whatever the settings."""
    states = ["subscribed", "unsubscribed", "cleaned", "archived", "pending", "transactional"]
    emails = []
    rig = MailchimpRig(sandbox, create_missing=create_missing, status_if_new="subscribed")
    for state in states:
        for leaver in ("self", "api") if state == "unsubscribed" else (None,):
            email = f"{state}-{leaver}@example.com".lower()
            sandbox.state.put_contacts([email], state, left_by=leaver)  # type: ignore[arg-type]
            emails.append(email)
    before = {contact.email: contact.status for contact in sandbox.state.contacts()}
    tag = opened_tag(rig)
    opened = rig.connector
    assert isinstance(opened, MailchimpConnector)
    for _ in range(2):
        add(opened, tag, emails)
        remove(opened, tag, emails)
    add(opened, tag, emails)
    assert {contact.email: contact.status for contact in sandbox.state.contacts()} == before
    assert sandbox.state.resubscribed() == []


@pytest.mark.fault(
    "F09",
    injected="200 with errors that name addresses",
    outcome="those rows are rejected, the others are in",
)
def test_missing_people_are_reported_and_not_created(sandbox: SandboxServer) -> None:
    """By default nobody new comes into the list; whoever is not there is an unknown person, by position."""
    rig = MailchimpRig(sandbox)
    sandbox.state.put_contacts(["in@example.com"])
    assert isinstance(rig.connector, MailchimpConnector)
    receipt = add(rig.connector, opened_tag(rig), ["new@example.com", "in@example.com"])
    assert dict(receipt.rejected) == {0: "unknown_person"}
    assert [contact.email for contact in sandbox.state.contacts()] == ["in@example.com"]


def test_missing_people_are_created_only_when_asked(sandbox: SandboxServer) -> None:
    """With ``create_missing`` a new contact has the configured status and name; the others are not touched."""
    rig = MailchimpRig(sandbox, create_missing=True)
    sandbox.state.put_contacts(["in@example.com"])
    tag = opened_tag(rig)
    rows = pa.table(
        {"EMAIL": ["new@example.com", "in@example.com"], "FNAME": ["Ann", "Bo"], "LNAME": [None, "Li"]}
    )
    receipt = rig.connector.add(tag, rows, Batch("01JD000000000000000000000A", "add", 1, 1, 2))
    assert not receipt.rejected
    contacts = {contact.email: contact for contact in sandbox.state.contacts()}
    assert contacts["new@example.com"].status == "transactional"
    assert contacts["new@example.com"].merge_fields["FNAME"] == "Ann"
    assert contacts["in@example.com"].status == "subscribed"
    assert contacts["in@example.com"].merge_fields.get("FNAME", "") == ""
    assert rig.members(tag) == 2
    writes = [r.method for r in sandbox.state.requests("mailchimp") if r.method == "PUT"]
    assert len(writes) == 1


def test_many_missing_people_are_created_as_one_batch(sandbox: SandboxServer) -> None:
    """Above the setting new contacts go as one background batch; nobody in the list changes, none is lost."""
    sandbox.state.set_switches(mailchimp_batch_seconds=0)
    rig = MailchimpRig(sandbox, create_missing=True, create_singly=10, batch_poll_seconds=0.05)
    assert isinstance(rig.connector, MailchimpConnector)
    rig.connector.http.use_clock(Clock())
    sandbox.state.put_contacts(["left@example.com"], "unsubscribed")
    tag = opened_tag(rig)
    emails = ["left@example.com", *(f"new{n}@example.com" for n in range(30))]
    receipt = add(rig.connector, tag, emails)
    contacts = {contact.email: contact.status for contact in sandbox.state.contacts()}
    assert contacts.pop("left@example.com") == "unsubscribed"
    assert contacts == {f"new{n}@example.com": "transactional" for n in range(30)}
    assert set(receipt.rejected) <= {0}
    assert rig.members(tag) >= 30
    asked = [(r.method, r.path) for r in sandbox.state.requests("mailchimp")]
    assert [method for method, path in asked if path.endswith("/batches")] == ["POST"]
    assert [method for method, _ in asked if method == "PUT"] == []
    assert sandbox.state.resubscribed() == []


@pytest.mark.fault(
    "F22",
    injected="a background batch that does not end in time",
    outcome="nothing is claimed; the next run asks again",
)
def test_a_batch_that_takes_too_long_leaves_doubt(sandbox: SandboxServer) -> None:
    """The contacts may be there by the next run: nothing is claimed."""
    sandbox.state.set_switches(mailchimp_batch_seconds=3600)
    rig = MailchimpRig(sandbox, create_missing=True, create_singly=0, batch_wait_seconds=60)
    assert isinstance(rig.connector, MailchimpConnector)
    with pytest.raises(Uncertain, match="creating contacts takes longer than 60 seconds"):
        add(rig.connector, opened_tag(rig), ["new@example.com"])


@pytest.mark.parametrize(
    "operation",
    [
        {"method": "PUT", "path": "/lists/a1/members/" + "0" * 32, "body": '{"status": "subscribed"}'},
        {"method": "PUT", "path": "/lists/a1/members/" + "0" * 32, "body": '{"status_if_new": "subscribed"}'},
        {"method": "DELETE", "path": "/lists/a1/members/" + "0" * 32},
        {"method": "POST", "path": "/lists/a1", "body": "{}"},
        {"method": "PUT", "path": "/lists/a1/members/" + "0" * 32, "body": "{"},
    ],
)
def test_a_batch_hides_nothing_from_the_guard(operation: dict[str, str]) -> None:
    """Each operation of a batch is looked at as the request that it stands for."""
    with pytest.raises(ForbiddenRequest):
        guard("transactional").check("POST", "/batches", None, {"operations": [operation]})


def test_removing_strangers_is_a_success(sandbox: SandboxServer) -> None:
    """Somebody who is not in the list is out of the tag already."""
    rig = MailchimpRig(sandbox)
    assert isinstance(rig.connector, MailchimpConnector)
    assert remove(rig.connector, opened_tag(rig), ["stranger@example.com"]).rejected == {}


@pytest.mark.fault(
    "F11",
    injected="a row error inside a 200 that says to try later",
    outcome="the batch is uncertain, no row is rejected",
)
@pytest.mark.parametrize("op", [add, remove])
def test_a_passing_fault_of_one_row_is_no_verdict(server: Scripted, time: FastTime, op: object) -> None:
    """A row error inside a 200 that says "try later" leaves the batch uncertain."""
    server.answers(
        Reply(body={"errors": [{"email_addresses": ["a@x.com"], "error": "Try later."}], "error_count": 1})
    )
    with pytest.raises(Uncertain):
        op(connector(server, time), TAG, ["a@x.com"])  # type: ignore[operator]


@pytest.mark.bad_input("B105")
@pytest.mark.fault(
    "F10", injected="more errors than named rows", outcome="counted without guessing whom they mean"
)
def test_errors_that_name_no_row_are_counted(server: Scripted, time: FastTime) -> None:
    """More errors than named addresses, or strangers' addresses, count as unlocated."""
    errors = [
        {"email_addresses": ["B@x.com", "nobody@x.com"], "error": "Email address does not exist on this list"}
    ]
    server.answers(Reply(body={"errors": errors, "error_count": 3}))
    receipt = add(connector(server, time), TAG, ["a@x.com", "b@x.com"])
    assert dict(receipt.rejected) == {1: "unknown_person"}
    assert receipt.rejected_unlocated == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("archived@x.com looks fake or invalid, please enter a real email address.", "invalid_address"),
        (
            "Member In Compliance State: a@x.com is already a list member in compliance state",
            "consent_blocked",
        ),
        (
            "Forgotten Email Not Subscribed: a@x.com was permanently deleted and cannot be re-imported",
            "forgotten",
        ),
        ("The contact is archived", "archived"),
        ("a@x.com is already in this segment", "already_there"),
        ("a@x.com: internal error, try again", "try_later"),
        ("The moon is full", "whatever is documented"),
    ],
)
def test_reasons_are_short_codes(text: str, reason: str) -> None:
    """Mailchimp's sentences become codes, and words inside an address do not mislead."""
    assert reason_of(text, "whatever is documented") == reason


@pytest.mark.fault(
    "F28",
    injected="each documented problem of Mailchimp",
    outcome="each has its consequence; none is dropped",
)
@pytest.mark.parametrize(
    ("reply", "raised", "says"),
    [
        (Reply(401, {"title": "API Key Invalid", "status": 401}), AuthFailed, "TURNOUT_MAILCHIMP_API_KEY"),
        (Reply(403, {"title": "User Disabled", "status": 403}), AuthFailed, "User Disabled"),
        (Reply(403, b"<html>Request Blocked</html>"), QuotaExhausted, "403"),
        (Reply(503, b"<html>Request Blocked</html>"), QuotaExhausted, "503"),
        (Reply(503, {"title": "Service Unavailable"}), Uncertain, "503"),
        (Reply(500, {"title": "Internal Server Error"}), Uncertain, "500"),
        (Reply(405, {"title": "Method Not Allowed"}), Refused, "405"),
        (Reply(422, {"title": "Unprocessable"}), Refused, "422"),
        (Reply(426, {"title": "Upgrade Required"}), ActionNeeded, "426"),
        (Reply(429, {"title": "Too Many Requests"}), QuotaExhausted, "too many"),
        (Reply(302, {}, {"Location": "https://x.invalid"}), ActionNeeded, "redirects"),
    ],
    ids=lambda v: str(getattr(v, "status", v)),
)
def test_every_problem_has_its_consequence(
    server: Scripted, time: FastTime, reply: Reply, raised: type[Exception], says: str
) -> None:
    """Status, title and the bare pages of the edge each lead to the right error."""
    server.answers(reply)
    with pytest.raises(raised, match=says) as failed:
        add(connector(server, time), TAG, ["ann@example.com"])
    assert type(failed.value) is raised


@pytest.mark.fault(
    "F12", injected="400 with the fields of single rows", outcome="those rows are named for splitting"
)
def test_a_batch_refused_for_a_row_names_it(server: Scripted, time: FastTime) -> None:
    """A 400 with field errors gives 0-based positions; without, the engine has to search."""
    named = {
        "title": "Invalid Resource",
        "errors": [{"field": "members_to_add.item:2", "message": "invalid email"}],
    }
    server.answers(Reply(400, named), Reply(400, {"title": "Invalid Resource"}))
    opened = connector(server, time)
    with pytest.raises(RowsRefused) as refused:
        add(opened, TAG, ["a@x.com", "b"])
    assert refused.value.rows == {1: "invalid_address"}
    with pytest.raises(RowsRefused) as unnamed:
        add(opened, TAG, ["a@x.com", "b"])
    assert unnamed.value.rows == {}


@pytest.mark.fault(
    "F29", injected="the list is gone", outcome="a person is asked to look at the setting; nothing is created"
)
@pytest.mark.parametrize(
    ("error", "left"),
    [
        ("Email address was refused.", {0: "refused"}),
        ("This contact is under review.", {0: "consent_blocked"}),
        ("Email address is not a contact of this list.", {}),
        ("The member doesn't exist.", {}),
        ("Not tagged: not in this segment", {}),
    ],
)
def test_a_refused_removal_leaves_the_person_in(
    server: Scripted, time: FastTime, error: str, left: dict[int, str]
) -> None:
    """Only an error that says that nobody is there counts as removed; any other means that they may still be."""
    server.answers(
        Reply(body={"errors": [{"email_addresses": ["A@b.co"], "error": error}], "error_count": 1})
    )
    assert dict(remove(connector(server, time), TAG, ["a@b.co", "c@b.co"]).rejected) == left


def test_a_problem_in_a_success_is_a_problem(server: Scripted, time: FastTime) -> None:
    """A problem document under HTTP 200 counts by its own status: nothing was removed."""
    problem = {"type": "x", "title": "Internal Server Error", "status": 500, "detail": "x", "instance": "x"}
    server.answers(Reply(body=problem), Reply(body={"errors": [], "error_count": 0}))
    assert remove(connector(server, time), TAG, ["a@b.co"]).status == "applied"
    assert len(server.seen) == 2


def test_a_missing_list_is_no_missing_tag(server: Scripted, time: FastTime) -> None:
    """404 on a known tag because the list is gone asks a person to look at LIST_ID."""
    server.answers(Reply(404, {"title": "Resource Not Found"}))
    opened = connector(server, time)
    with pytest.raises(ActionNeeded, match="TURNOUT_MAILCHIMP_LIST_ID"):
        opened.open_audience(AudienceRequest("vip", "turnout:vip", "49377"), opened.options_type())


@pytest.mark.privacy("P12", "P22")
@pytest.mark.parametrize("field", sorted(FORBIDDEN_FIELDS))
def test_forbidden_fields_never_leave(field: str) -> None:
    """Each field that touches consent is stopped, however deep it hides."""
    body = {"members_to_add": [], "merge_fields": {"x": [{field: "subscribed"}]}}
    with pytest.raises(ForbiddenRequest):
        guard("transactional").check("POST", "/lists/a/segments/1", None, body)


@pytest.mark.privacy("P12")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/lists/a"),
        ("POST", "/batches"),
        ("DELETE", "/lists/a/members/" + "0" * 32),
        ("PATCH", "/lists/a/members/" + "0" * 32),
        ("POST", "/lists/a/members/" + "0" * 32 + "/actions/delete-permanent"),
        ("POST", "/lists/a/members"),
        ("POST", "/lists/a/segments/1/../../x"),
        ("DELETE", "/lists/a/segments/1"),
    ],
)
def test_forbidden_endpoints_are_never_called(method: str, path: str) -> None:
    """Only the few endpoints of an audience sync pass."""
    with pytest.raises(ForbiddenRequest):
        guard("transactional").check(method, path, None, None)


@pytest.mark.privacy("P12")
def test_a_foreign_status_for_new_contacts_never_leaves() -> None:
    """``status_if_new`` is the configured one, and only when creating."""
    path = "/lists/a/members/" + "0" * 32
    guard("transactional").check("PUT", path, None, {"status_if_new": "transactional"})
    with pytest.raises(ForbiddenRequest):
        guard("transactional").check("PUT", path, None, {"status_if_new": "subscribed"})


def test_the_key_names_the_data_centre() -> None:
    """Without a base URL requests go where the key says; a key without that end is an error."""
    settings = MailchimpSettings(api_key="0123456789abcdef-us21", list_id="a1b2c3")  # type: ignore[arg-type]
    assert settings.address == "https://us21.api.mailchimp.com/3.0"
    with pytest.raises(ValueError, match="data centre"):
        MailchimpSettings(api_key="0123456789abcdef", list_id="a1b2c3")  # type: ignore[arg-type]
