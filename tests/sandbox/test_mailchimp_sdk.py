"""Mailchimp's official client works against the sandbox, and every answer fits the official description."""

from __future__ import annotations

import time

import pytest

from connectors.sandbox import SANDBOX_MAILCHIMP_KEY, SANDBOX_MAILCHIMP_LIST, SandboxServer
from tests.sandbox.conftest import MailchimpCaller, md5
from tests.sandbox.openapi import OfficialAnswers, official_answers

mailchimp_marketing = pytest.importorskip(
    "mailchimp_marketing", reason="the official client is not installed"
)
from mailchimp_marketing.api_client import ApiClientError  # noqa: E402

LIST = SANDBOX_MAILCHIMP_LIST


@pytest.fixture
def client(sandbox: SandboxServer) -> mailchimp_marketing.Client:
    """The official client; only its address is another."""
    client = mailchimp_marketing.Client({"api_key": SANDBOX_MAILCHIMP_KEY})
    client.api_client.host = sandbox.mailchimp_url
    return client


def test_contacts_and_tags(sandbox: SandboxServer, client: mailchimp_marketing.Client) -> None:
    """Ping, lists, upsert, tags, segments in bulk, read back, archive and delete for ever."""
    assert client.ping.get()["health_status"] == "Everything's Chimpy!"
    assert client.lists.get_all_lists()["lists"][0]["id"] == LIST
    for email in ("ada@example.com", "ben@example.com"):
        wish = {"email_address": email, "status_if_new": "subscribed", "merge_fields": {"FNAME": "A"}}
        assert client.lists.set_list_member(LIST, md5(email), wish)["status"] == "subscribed"
    tags = {"tags": [{"name": "vip", "status": "active"}], "is_syncing": True}
    client.lists.update_list_member_tags(LIST, md5("ada@example.com"), tags)
    segment = client.lists.tag_search(LIST, name="vip")["tags"][0]["id"]
    wish = {"members_to_add": ["ben@example.com"], "members_to_remove": ["ada@example.com"]}
    edited = client.lists.batch_segment_members(wish, LIST, str(segment))
    assert (edited["total_added"], edited["total_removed"]) == (1, 1)
    members = client.lists.get_segment_members_list(LIST, str(segment), count=1000, include_unsubscribed=True)
    assert [member["email_address"] for member in members["members"]] == ["ben@example.com"]
    client.lists.delete_list_member(LIST, md5("ada@example.com"))
    client.lists.delete_list_member_permanent(LIST, md5("ben@example.com"))
    assert [(c.email, c.status) for c in sandbox.state.contacts()] == [("ada@example.com", "archived")]


def test_segments(sandbox: SandboxServer, client: mailchimp_marketing.Client) -> None:
    """Create, list, rename and delete a segment."""
    created = client.lists.create_segment(LIST, {"name": "gold", "static_segment": []})
    assert client.lists.list_segments(LIST, type="static")["segments"][0]["name"] == "gold"
    client.lists.update_segment(LIST, str(created["id"]), {"name": "silver"})
    assert sandbox.state.audience("mailchimp", "silver").id == str(created["id"])
    client.lists.delete_segment(LIST, str(created["id"]))
    assert sandbox.state.audiences("mailchimp") == []


def test_batches(sandbox: SandboxServer, client: mailchimp_marketing.Client) -> None:
    """A batch through the client: submit, poll, finished."""
    operation = {
        "method": "PUT",
        "path": f"/lists/{LIST}/members/{md5('ada@example.com')}",
        "operation_id": "row-1",
        "body": '{"email_address": "ada@example.com", "status_if_new": "transactional"}',
    }
    batch = client.batches.start({"operations": [operation]})
    deadline = time.monotonic() + 10
    while (status := client.batches.status(batch["id"]))["status"] != "finished":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (status["errored_operations"], sandbox.state.contacts()[0].status) == (0, "transactional")


def test_refusals_are_understood(sandbox: SandboxServer, client: mailchimp_marketing.Client) -> None:
    """The client raises with the status and the problem document."""
    sandbox.state.put_contacts(["ada@example.com"], "unsubscribed")
    wish = {"email_address": "ada@example.com", "status_if_new": "subscribed", "status": "subscribed"}
    with pytest.raises(ApiClientError) as caught:
        client.lists.set_list_member(LIST, md5("ada@example.com"), wish)
    assert caught.value.status_code == 400
    assert "Member In Compliance State" in str(caught.value.text)


@pytest.mark.skipif(official_answers() is None, reason="the official OpenAPI description is not at hand")
def test_every_answer_fits_the_official_description(sandbox: SandboxServer) -> None:
    """Each kind of success is validated against the official description, and none is left out."""
    shared = official_answers()
    assert shared is not None
    official = OfficialAnswers(shared.paths)
    caller = MailchimpCaller(sandbox.mailchimp_url, official)
    options = {"match": "any", "conditions": [{"condition_type": "VIP", "field": "gmonkey", "op": "member"}]}
    caller.put("ada@b.co", status_if_new="subscribed", merge_fields={"FNAME": "Ada", "LNAME": "L"}, vip=True)
    member = f"/members/{md5('ada@b.co')}"
    caller.in_list("POST", "/members", json={"email_address": "ben@b.co", "status": "pending", "tags": ["x"]})
    caller.in_list("PATCH", member, json={"language": "de", "location": {"latitude": 1.5, "longitude": 2.5}})
    caller.in_list("POST", f"{member}/tags", json={"tags": [{"name": "vip", "status": "active"}]})
    segment = caller.segment("gold")
    caller.in_list("POST", "/segments", json={"name": "dynamic", "options": options})
    caller.edit(segment, add=["ada@b.co", "stranger@b.co"])
    caller.in_list("PATCH", f"/segments/{segment}", json={"name": "silver"})
    caller.in_list("POST", f"/segments/{segment}/members", json={"email_address": "ben@b.co"})
    caller.in_list("POST", "/merge-fields", json={"name": "Score", "type": "number", "tag": "SCORE"})
    caller.in_list("PATCH", "/merge-fields/6", json={"name": "Points"})
    rows = [{"email_address": email, "status": "subscribed"} for email in ("ada@b.co", "cy@b.co")]
    caller.in_list("POST", "", json={"members": rows})
    caller.in_list("POST", "", json={"members": rows, "update_existing": True})
    batch = caller.call("POST", "/batches", json={"operations": [{"method": "GET", "path": "/ping"}]}).json()[
        "id"
    ]
    for path in ("/", "/ping", "/lists", "/batches", f"/batches/{batch}"):
        caller.call("GET", path)
    caller.call("GET", "/search-members", params={"query": "ada@b.co"})
    for path in ("", "/members", member, f"{member}/tags", "/segments", f"/segments/{segment}",
                 f"/segments/{segment}/members", "/tag-search", "/merge-fields", "/merge-fields/6"):  # fmt: skip
        caller.in_list("GET", path)
    covered = {(method, template) for method, template, status in official.seen if status == 200}
    left_out = {
        (method.upper(), template)
        for template, operations in official.paths.items()
        for method, operation in operations.items()
        if method in ("get", "post", "put", "patch") and "200" in operation["responses"]
        if "interest" not in template
        and (method, template) not in {("post", "/lists"), ("patch", "/lists/{list_id}")}
    } - covered
    assert left_out == set()
