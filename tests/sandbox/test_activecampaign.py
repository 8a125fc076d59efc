"""ActiveCampaign as the sandbox plays it: tags by association, lists that are consent, contacts by id."""

from __future__ import annotations

import pytest

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import SANDBOX_ACTIVECAMPAIGN_KEY
from connectors.sandbox.email import people
from connectors.sandbox.wire import Platform
from tests.sandbox.activecampaign_caller import LIST, ActiveCampaignCaller, message, refusal
from tests.sandbox.handwritten import operations


@pytest.fixture
def campaign(sandbox: SandboxServer) -> ActiveCampaignCaller:
    return ActiveCampaignCaller(sandbox, "activecampaign", {"Api-Token": SANDBOX_ACTIVECAMPAIGN_KEY})


def test_tags_are_created_found_and_deleted(campaign: ActiveCampaignCaller) -> None:
    """By filters of the name or a search in it, by pages; a name is given once, whatever its case."""
    made = [campaign.tag(f"aud:{name}") for name in ("vip", "lapsed", "new")]
    assert refusal(
        campaign.call("POST", "/tags", json={"tag": {"tag": "AUD:vip", "tagType": "contact"}})
    ) == (
        422,
        "duplicate",
    )
    for query, expected in (
        ({"filters[search][eq]": "aud:vip"}, made[:1]),
        ({"filters[search][neq]": "aud:vip"}, made[1:]),
        ({"filters[search][contains]": "LAPS"}, made[1:2]),
        ({"filters[search][starts_with]": "aud:"}, made),
        ({"search": "new"}, made[2:]),
        ({"limit": "2", "offset": "2"}, made[2:]),
    ):
        found = campaign.call("GET", "/tags", params=query).json()
        assert [tag["id"] for tag in found["tags"]] == expected
    assert found["meta"] == {"total": "3"}
    assert campaign.call("GET", f"/tags/{made[0]}").json()["tag"]["tag"] == "aud:vip"
    assert campaign.call("DELETE", f"/tags/{made[0]}").json() == {}
    assert message(campaign.call("GET", f"/tags/{made[0]}"))[0] == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/tags", {"tag": {"tag": "", "tagType": "contact"}}),
        ("/tags", {"tag": {"tag": "x", "tagType": "audience"}}),
        ("/tags", {"tag": "x", "tagType": "contact"}),
        ("/lists", {"list": {name: value for name, value in LIST.items() if name != "sender_url"}}),
        ("/contact/sync", {"contact": {"email": "ada@example.com", "more": 1}}),
        ("/contact/sync", {"contact": {"email": "nobody"}}),
        ("/contact/sync", {"contact": {"firstName": "Ada"}}),
        (
            "/contact/sync",
            {"contact": {"email": "ada@example.com", "fieldValues": [{"field": "9", "value": "x"}]}},
        ),
        ("/contactTags", {"contactTag": {"contact": "x", "tag": "1"}}),
        ("/contactLists", {"contactList": {"contact": "1", "list": "1", "status": 4}}),
    ],
)
def test_bodies_are_read_strictly(campaign: ActiveCampaignCaller, path: str, body: dict[str, object]) -> None:
    """Wrong, missing and unknown fields are a 422, and nothing is made."""
    answer = campaign.call("POST", path, json=body)
    assert refusal(answer)[0] == 422
    assert (campaign.people(), "nobody" in answer.text) == ({}, False)


def test_contacts_are_synced_by_address(campaign: ActiveCampaignCaller) -> None:
    """201 when new, 200 after that; custom fields by id; nobody has agreed to anything by that."""
    wish = {"field": {"type": "text", "title": "Tier", "perstag": "TIER"}}
    field = campaign.call("POST", "/fields", json=wish).json()["field"]["id"]
    listed = campaign.call("GET", "/fields", params={"limit": "100"}).json()
    assert ([each["title"] for each in listed["fields"]], listed["meta"]["total"]) == (["Tier"], "1")
    first = campaign.sync("Ada@example.com", firstName="Ada")
    again = campaign.sync("ada@example.com", fieldValues=[{"field": field, "value": "gold"}])
    assert (first.status_code, again.status_code) == (201, 200)
    ada = first.json()["contact"]["id"]
    read = campaign.call("GET", f"/contacts/{ada}").json()
    assert (read["contact"]["email"], read["contact"]["firstName"]) == ("ada@example.com", "Ada")
    assert read["fieldValues"] == again.json()["fieldValues"]
    assert read["fieldValues"] == [{"contact": ada, "field": field, "value": "gold"}]
    assert (campaign.consent(ada), campaign.status(ada)) == ("unknown", {})


def test_single_contacts(campaign: ActiveCampaignCaller) -> None:
    """An address is one contact's; a deleted contact is gone with its tags."""
    ada, bob = campaign.contact("ada@example.com"), campaign.contact("bob@example.com")
    twice = campaign.call("POST", "/contacts", json={"contact": {"email": "ADA@example.com"}})
    taken = campaign.call("PUT", f"/contacts/{bob}", json={"contact": {"email": "ada@example.com"}})
    assert refusal(twice) == refusal(taken) == (422, "duplicate")
    changed = campaign.call("PUT", f"/contacts/{bob}", json={"contact": {"email": "rob@example.com"}})
    assert changed.json()["contact"]["email"] == "rob@example.com"
    tag = campaign.tag()
    campaign.add(ada, tag)
    assert campaign.call("DELETE", f"/contacts/{ada}").json() == {}
    assert campaign.members(tag) == []
    assert message(campaign.call("GET", f"/contacts/{ada}")) == (
        404,
        f"No Result found for Subscriber with id {ada}",
    )


def test_tags_come_and_go_by_association(campaign: ActiveCampaignCaller) -> None:
    """201 and the association's id, 200 when it was there; removal is by that id, and a second one is a 404."""
    tag, other, ada = campaign.tag(), campaign.tag("other"), campaign.contact("ada@example.com")
    campaign.add(ada, other)
    first, again = campaign.add(ada, tag), campaign.add(ada, tag)
    association = first.json()["contactTag"]["id"]
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["contactTag"]["id"] == association
    listed = campaign.call("GET", f"/contacts/{ada}/contactTags").json()["contactTags"]
    assert [(each["id"], each["tag"]) for each in listed][1:] == [(association, tag)]
    assert campaign.members(tag) == ["ada@example.com"]
    assert campaign.call("DELETE", f"/contactTags/{association}").json() == {}
    gone = campaign.call("DELETE", f"/contactTags/{association}")
    assert message(gone) == (404, f"No Result found for SubscriberTag with id {association}")
    assert (campaign.members(tag), campaign.members(other)) == ([], ["ada@example.com"])
    for contact, wrong in (("77", tag), (ada, "77"), (ada, campaign.newsletter())):
        answer = campaign.add(contact, wrong)
        assert (answer.status_code, answer.json()["errors"][0]["title"]) == (404, "Not Found")
    campaign.fault(effect="reject_rows", holding=["ada@example.com"])
    assert refusal(campaign.add(ada, tag))[0] == 422
    assert campaign.widened() == []


def test_contacts_are_read_by_pages(campaign: ActiveCampaignCaller) -> None:
    """Those of a tag after an id; at most a hundred; the total is a text."""
    tag = campaign.tag()
    people = [campaign.contact(f"p{number}@example.com") for number in range(5)]
    for contact in people[::-1]:
        campaign.add(contact, tag)
    campaign.contact("else@example.com")
    read: list[str] = []
    page = ["0"]
    while page:
        query = {"tagid": tag, "limit": "2", "id_greater": page[-1], "orders[id]": "ASC"}
        answer = campaign.call("GET", "/contacts", params=query).json()
        assert answer["meta"]["total"] == "5"
        page = [contact["id"] for contact in answer["contacts"]]
        read += page
    assert read == people
    everybody = campaign.call("GET", "/contacts", params={"limit": "100", "offset": "1"}).json()
    assert (len(everybody["contacts"]), everybody["meta"]["total"]) == (5, "6")
    one = campaign.call("GET", "/contacts", params={"email": "P1@example.com"}).json()["contacts"]
    assert [contact["id"] for contact in one] == [people[1]]
    both = campaign.call("GET", "/contacts", params={"tagid": tag, "search": "p2@"}).json()["contacts"]
    assert [contact["id"] for contact in both] == [people[2]]
    for query in (
        {"limit": "101"},
        {"limit": "0"},
        {"offset": "x"},
        {"orders[id]": "DESC"},
        {"status": "9"},
        {"page": "1"},
    ):
        assert refusal(campaign.call("GET", "/contacts", params=query))[0] == 422
    assert campaign.call("GET", "/contacts", params={"tagid": "77"}).status_code == 404


def test_lists_are_consent(campaign: ActiveCampaignCaller) -> None:
    """Status 1 brings back whoever left, status 2 lets go; both are read back by list and by contact."""
    newsletter, ada = campaign.newsletter(), campaign.contact("ada@example.com")
    left = campaign.put("left@example.com", "unsubscribed")
    assert campaign.status(left) == {newsletter: "2"}
    assert campaign.set_status(ada, newsletter, 1).status_code == 200
    assert (campaign.status(ada), campaign.members(newsletter)) == ({newsletter: "1"}, ["ada@example.com"])
    assert (campaign.consent(ada), campaign.consent(ada, f"list:{newsletter}")) == (
        "subscribed",
        "subscribed",
    )
    campaign.set_status(ada, newsletter, 2)
    assert (campaign.status(ada), campaign.consent(ada)) == ({newsletter: "2"}, "unsubscribed")
    campaign.set_status(left, newsletter, 1)
    assert {change.person for change in campaign.widened()} == {ada, left}
    for status, expected in (("2", ["ada@example.com"]), ("1", ["left@example.com"]), ("3", [])):
        found = campaign.call("GET", "/contacts", params={"listid": newsletter, "status": status}).json()
        assert [contact["email"] for contact in found["contacts"]] == expected
    campaign.sandbox.state.email.suppress("activecampaign", "ada@example.com", "bounced")
    assert campaign.status(ada) == {newsletter: "3"}


def test_who_left_or_bounced_is_read_back(campaign: ActiveCampaignCaller) -> None:
    """By status, whatever list they were in, and without any."""
    campaign.contact("ada@example.com")
    campaign.contact("bob@example.com")
    campaign.put("left@example.com", "unsubscribed")
    campaign.sandbox.state.email.suppress("activecampaign", "bob@example.com", "bounced")
    for status, expected in (("2", "left@example.com"), ("3", "bob@example.com")):
        found = campaign.call("GET", "/contacts", params={"status": status}).json()["contacts"]
        assert [contact["email"] for contact in found] == [expected]
    newsletter = campaign.newsletter()
    campaign.bulk_with_consent({"email": "bob@example.com", "subscribe": [{"listid": newsletter}]})
    assert (campaign.members(newsletter), campaign.widened()) == ([], [])


def test_lists_are_found_by_name(campaign: ActiveCampaignCaller) -> None:
    """Tags and lists are told apart."""
    newsletter = campaign.newsletter()
    tag = campaign.tag()
    found = campaign.call("GET", "/lists", params={"filters[name][eq]": "newsletter"}).json()["lists"]
    assert [(each["id"], each["name"], each["stringid"]) for each in found] == [
        (newsletter, "Newsletter", "newsletter")
    ]
    assert campaign.call("GET", f"/lists/{newsletter}").status_code == 200
    assert campaign.call("GET", f"/lists/{tag}").status_code == 404
    assert campaign.call("DELETE", f"/lists/{newsletter}").json() == {}
    assert campaign.call("GET", "/lists").json()["lists"] == []


def test_who_calls_and_how_often(campaign: ActiveCampaignCaller) -> None:
    """A wrong key is a 403 in plain text; too many calls have a time to wait; imports say it in their way."""
    answer = campaign.call("GET", "/users/me")
    assert (answer.json()["user"]["id"], answer.headers["RateLimit-Limit"]) == ("1", "5")
    campaign.allow(1)
    campaign.call("GET", "/users/me")
    limited = campaign.call("GET", "/users/me")
    assert (message(limited), limited.headers["RateLimit-Remaining"]) == ((429, "Rate limit exceeded"), "0")
    assert 0 < int(limited.headers["Retry-After"]) <= 60
    bulk = campaign.bulk({"email": "ada@example.com"})
    assert (bulk.status_code, bulk.json()["failureReasons"]) == (400, ["Rate limit exceeded"])
    campaign.switch(email_requests_per_minute=0, email_token_revoked=True)
    refused = campaign.call("GET", "/users/me")
    assert (refused.status_code, refused.text[:9]) == (403, "Forbidden")
    campaign.switch(email_token_revoked=False)
    campaign.session.headers["Api-Token"] = "other"
    assert campaign.call("GET", "/users/me").status_code == 403
    assert campaign.call("GET", "/nothing").status_code == 403


@pytest.mark.parametrize("key", ["id", "email", "phone", "external_id"])
def test_nobody_is_looked_for_by_walking_through_everybody(sandbox: SandboxServer, key: str) -> None:
    """Whatever a person is found by has an index, and SQLite uses it: accounts may be large."""
    plan: list[str] = []
    with sandbox.state.email.store.reading() as db:
        db.set_trace_callback(plan.append)
        people.find(db, Platform.ACTIVECAMPAIGN, key, "x")  # type: ignore[arg-type]
        db.set_trace_callback(None)
        (asked,) = plan
        steps = [row["detail"] for row in db.execute(f"explain query plan {asked}")]
    assert len(steps) == 1
    assert f"(tool=? AND {key}=?)" in steps[0]


def test_the_description_is_followed(campaign: ActiveCampaignCaller) -> None:
    """Every operation that is described was played, and agreed with the description."""
    described = operations("activecampaign")
    if described is None:
        pytest.skip("the description of the operations is not at hand")
    tag, ada = campaign.tag(), campaign.contact("ada@example.com")
    association = campaign.add(ada, tag).json()["contactTag"]["id"]
    campaign.call("DELETE", f"/contactTags/{association}")
    campaign.imported({"email": "ada@example.com", "tags": ["aud:vip"]})
    assert described.seen == {operation["id"] for operation in described.known}
