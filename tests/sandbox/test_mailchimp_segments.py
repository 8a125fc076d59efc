"""Mailchimp's tags: the same thing as static segments, written one by one or in bulk."""

from __future__ import annotations

import pytest

from connectors.sandbox import SandboxServer
from tests.sandbox.conftest import MailchimpCaller, md5, problem

EVERYBODY = {"include_unsubscribed": "true", "include_cleaned": "true", "include_transactional": "true"}


@pytest.mark.parametrize(
    "body",
    [
        {"name": "vip"},
        {"name": "vip", "static_segment": [], "options": {"match": "any", "conditions": []}},
        {"static_segment": []},
        {"name": "", "static_segment": []},
        {"name": "vip", "static_segment": [], "type": "static"},
        {"name": "x" * 101, "static_segment": []},
        {"name": "vip", "static_segment": ["a@b.co"] * 501},
    ],
)
def test_a_segment_is_static_or_saved(mailchimp: MailchimpCaller, body: dict[str, object]) -> None:
    """Neither, both, no name, an unknown field, too long a name or list: refused."""
    assert problem(mailchimp.in_list("POST", "/segments", json=body)) == (400, "Invalid Resource")


def test_a_name_is_used_once(mailchimp: MailchimpCaller) -> None:
    """A second segment of the same name is refused, also by renaming."""
    segment = mailchimp.segment("vip")
    assert (
        problem(mailchimp.in_list("POST", "/segments", json={"name": "vip", "static_segment": []}))[0] == 400
    )
    other = mailchimp.segment("other")
    assert problem(mailchimp.in_list("PATCH", f"/segments/{other}", json={"name": "vip"}))[0] == 400
    assert mailchimp.in_list("PATCH", f"/segments/{segment}", json={"name": "gold"}).json()["name"] == "gold"


def test_bulk_edits_report_who_is_not_in_the_list(sandbox: SandboxServer, mailchimp: MailchimpCaller) -> None:
    """A 200 can hold failures: strangers and archived contacts are in errors[], the others are in the segment."""
    sandbox.state.put_contacts(["a@b.co", "b@b.co"])
    sandbox.state.put_contacts(["archived@b.co"], "archived")
    segment = mailchimp.segment()
    content = mailchimp.edit(segment, add=["A@b.co", "stranger@b.co", "archived@b.co"]).json()
    assert (content["total_added"], content["error_count"]) == (1, 2)
    assert sorted(e for fault in content["errors"] for e in fault["email_addresses"]) == [
        "archived@b.co",
        "stranger@b.co",
    ]
    again = mailchimp.edit(segment, add=["a@b.co", "b@b.co"], remove=["nobody@b.co"]).json()
    assert (again["total_added"], again["total_removed"], again["error_count"]) == (1, 0, 1)
    gone = mailchimp.edit(segment, remove=["a@b.co", "b@b.co"]).json()
    assert (gone["total_removed"], gone["error_count"]) == (2, 0)
    assert mailchimp.edit(segment, remove=["a@b.co"]).json()["error_count"] == 0, (
        "an absent contact is no error"
    )
    assert [c.size for c in sandbox.state.changes("mailchimp", str(segment))] == [1, 2, 0]


def test_500_addresses_are_the_limit_of_each_array(
    sandbox: SandboxServer, mailchimp: MailchimpCaller
) -> None:
    """501 are refused whole; 500 are taken."""
    emails = [f"p{n}@b.co" for n in range(501)]
    sandbox.state.put_contacts(emails)
    segment = mailchimp.segment()
    assert problem(mailchimp.edit(segment, add=emails)) == (400, "Invalid Resource")
    assert sandbox.state.mailchimp_members(str(segment)) == []
    assert mailchimp.edit(segment, add=emails[:500]).json()["total_added"] == 500


def test_saved_segments_have_no_members_of_their_own(mailchimp: MailchimpCaller) -> None:
    """Bulk edits of a conditional segment are refused."""
    options = {"match": "any", "conditions": [{"condition_type": "VIP", "field": "gmonkey", "op": "member"}]}
    saved = mailchimp.in_list("POST", "/segments", json={"name": "dynamic", "options": options}).json()
    assert saved["type"] == "saved"
    assert problem(mailchimp.edit(saved["id"], add=["a@b.co"]))[0] == 400


def test_reading_back_shows_only_the_subscribed_unless_asked(
    sandbox: SandboxServer, mailchimp: MailchimpCaller
) -> None:
    """Without the three include flags others are absent and would look like drift."""
    for status in ("subscribed", "unsubscribed", "cleaned", "transactional"):
        sandbox.state.put_contacts([f"{status}@b.co"], status)  # type: ignore[list-item, arg-type]
    segment = mailchimp.segment()
    mailchimp.edit(segment, add=[contact.email for contact in sandbox.state.contacts()])
    path = f"/segments/{segment}/members"
    assert [m["status"] for m in mailchimp.in_list("GET", path).json()["members"]] == ["subscribed"]
    assert mailchimp.in_list("GET", path, params=EVERYBODY).json()["total_items"] == 4
    assert mailchimp.in_list("GET", f"/segments/{segment}").json()["member_count"] == 1
    assert mailchimp.in_list("GET", f"/segments/{segment}", params=EVERYBODY).json()["member_count"] == 4


def test_members_are_paged_and_narrowed_by_fields(sandbox: SandboxServer, mailchimp: MailchimpCaller) -> None:
    """Ten at a time by default, a thousand at most, and only the fields asked for."""
    emails = [f"p{n:02}@b.co" for n in range(23)]
    sandbox.state.put_contacts(emails)
    segment = mailchimp.segment()
    mailchimp.edit(segment, add=emails)
    path = f"/segments/{segment}/members"
    assert len(mailchimp.in_list("GET", path).json()["members"]) == 10
    seen = []
    for offset in (0, 10, 20):
        params = {"count": 10, "offset": offset, "fields": "members.id,members.email_address,total_items"}
        page = mailchimp.in_list("GET", path, params=params).json()
        assert page["total_items"] == 23
        assert all(set(member) == {"id", "email_address"} for member in page["members"])
        seen += [member["email_address"] for member in page["members"]]
    assert sorted(seen) == emails
    without = mailchimp.in_list("GET", path, params={"exclude_fields": "members.stats,total_items"}).json()
    assert "total_items" not in without
    assert "stats" not in without["members"][0]
    assert problem(mailchimp.in_list("GET", path, params={"count": 1001}))[0] == 400


def test_tags_of_one_contact(sandbox: SandboxServer, mailchimp: MailchimpCaller) -> None:
    """An unknown active tag is created, inactive takes it off, and the tag is a segment that tag-search finds."""
    mailchimp.put("a@b.co")
    path = f"/members/{md5('a@b.co')}/tags"
    on = {
        "tags": [{"name": "VIP", "status": "active"}, {"name": "new", "status": "active"}],
        "is_syncing": True,
    }
    assert mailchimp.in_list("POST", path, json=on).status_code == 204
    assert [tag["name"] for tag in mailchimp.in_list("GET", path).json()["tags"]] == ["VIP", "new"]
    found = mailchimp.in_list("GET", "/tag-search", params={"name": "vi"}).json()["tags"]
    assert [tag["name"] for tag in found] == ["VIP"]
    assert sandbox.state.mailchimp_members(str(found[0]["id"])) == ["a@b.co"]
    off = {"tags": [{"name": "VIP", "status": "inactive"}, {"name": "never", "status": "inactive"}]}
    assert mailchimp.in_list("POST", path, json=off).status_code == 204
    assert sandbox.state.contacts()[0].tags == ("new",)
    assert problem(mailchimp.in_list("POST", path, json={"tags": [{"name": "x", "status": "on"}]}))[0] == 400
    assert problem(mailchimp.in_list("POST", path, json={"tags": []}))[0] == 400


def test_segments_are_listed_by_type_and_deleted(sandbox: SandboxServer, mailchimp: MailchimpCaller) -> None:
    """Deleting a segment keeps its contacts; the list shows what is left."""
    sandbox.state.put_contacts(["a@b.co"])
    ids = [mailchimp.segment(f"s{n}") for n in range(12)]
    mailchimp.edit(ids[0], add=["a@b.co"])
    listed = mailchimp.in_list("GET", "/segments", params={"type": "static", "count": 1000}).json()
    assert [segment["id"] for segment in listed["segments"]] == ids
    assert mailchimp.in_list("DELETE", f"/segments/{ids[0]}").status_code == 204
    assert problem(mailchimp.edit(ids[0], add=["a@b.co"]))[0] == 404
    assert mailchimp.in_list("GET", "/segments").json()["total_items"] == 11
    assert len(sandbox.state.contacts()) == 1


def test_a_patch_replaces_all_members(sandbox: SandboxServer, mailchimp: MailchimpCaller) -> None:
    """static_segment in a PATCH is the whole new membership, an empty one included."""
    sandbox.state.put_contacts(["a@b.co", "b@b.co"])
    segment = mailchimp.segment()
    mailchimp.edit(segment, add=["a@b.co"])
    mailchimp.in_list("PATCH", f"/segments/{segment}", json={"static_segment": ["b@b.co"]})
    assert sandbox.state.mailchimp_members(str(segment)) == ["b@b.co"]
    mailchimp.in_list("PATCH", f"/segments/{segment}", json={"static_segment": []})
    assert sandbox.state.audience("mailchimp", str(segment)).size == 0


def test_single_members_of_a_segment(sandbox: SandboxServer, mailchimp: MailchimpCaller) -> None:
    """One contact can be put in and taken out alone; strangers are refused."""
    sandbox.state.put_contacts(["a@b.co"])
    segment = mailchimp.segment()
    path = f"/segments/{segment}/members"
    assert (
        mailchimp.in_list("POST", path, json={"email_address": "a@b.co"}).json()["email_address"] == "a@b.co"
    )
    assert problem(mailchimp.in_list("POST", path, json={"email_address": "no@b.co"}))[0] == 400
    assert mailchimp.in_list("DELETE", f"{path}/{md5('a@b.co')}").status_code == 204
    assert problem(mailchimp.in_list("DELETE", f"{path}/{md5('a@b.co')}"))[0] == 404
