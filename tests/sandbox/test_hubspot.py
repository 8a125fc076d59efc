"""HubSpot as the sandbox plays it: lists of record ids, read by pages."""

from __future__ import annotations

import pytest

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import SANDBOX_HUBSPOT_TOKEN
from tests.sandbox.handwritten import operations
from tests.sandbox.hubspot_caller import LISTS, HubSpotCaller, refusal


@pytest.fixture
def hubspot(sandbox: SandboxServer) -> HubSpotCaller:
    return HubSpotCaller(sandbox, "hubspot", {"Authorization": f"Bearer {SANDBOX_HUBSPOT_TOKEN}"})


def test_a_list_is_created_found_and_deleted(hubspot: HubSpotCaller) -> None:
    """By id, exact name, search and legacy id; a name is given once; a deleted list is not there any more."""
    made = hubspot.new_list("VIP customers")
    found = hubspot.call("GET", f"{LISTS}/{made}").json()["list"]
    assert (found["listId"], found["processingType"], found["objectTypeId"]) == (made, "MANUAL", "0-1")
    assert hubspot.call("GET", f"{LISTS}/object-type-id/0-1/name/VIP customers").json()["list"] == found
    assert refusal(hubspot.call("GET", f"{LISTS}/object-type-id/0-1/name/vip")) == (404, "OBJECT_NOT_FOUND")
    again = hubspot.call(
        "POST",
        "/crm/v3/lists",
        json={"name": "VIP customers", "objectTypeId": "0-1", "processingType": "MANUAL"},
    )
    assert refusal(again) == (400, "VALIDATION_ERROR")
    assert again.json()["subCategory"] == "ILS.DUPLICATE_LIST_NAMES"
    legacy = str(int(made) + 10_000)
    mapped = hubspot.call("GET", f"{LISTS}/idmapping", params={"legacyListId": legacy}).json()
    assert mapped == {"listId": made, "legacyListId": legacy}
    assert hubspot.call("DELETE", f"{LISTS}/{made}").status_code == 204
    for gone in (hubspot.call("GET", f"{LISTS}/{made}"), hubspot.edit(made, "add", ["1"])):
        assert refusal(gone) == (404, "OBJECT_NOT_FOUND")


def test_lists_are_searched_by_pages(hubspot: HubSpotCaller) -> None:
    """By a part of the name and by kind; the size only where it is asked for."""
    made = [hubspot.new_list(f"segment {number}") for number in range(3)]
    hubspot.new_list("segment x", "DYNAMIC", filterBranch={"filterBranchType": "OR"})
    wish = {"query": "SEGMENT", "processingTypes": ["MANUAL"], "count": 2, "offset": 0}
    hubspot.edit(made[0], "add", hubspot.ids("ada@example.com"))
    first = hubspot.call(
        "POST", f"{LISTS}/search", json={**wish, "additionalProperties": ["hs_list_size"]}
    ).json()
    second = hubspot.call("POST", f"{LISTS}/search", json={**wish, "offset": first["offset"]}).json()
    assert [each["listId"] for each in first["lists"] + second["lists"]] == made
    assert (first["total"], first["hasMore"], second["hasMore"]) == (3, True, False)
    assert [each["additionalProperties"] for each in first["lists"]] == [
        {"hs_list_size": "1"},
        {"hs_list_size": "0"},
    ]
    assert second["lists"][0]["additionalProperties"] == {}
    too_many = hubspot.call("POST", f"{LISTS}/search", json={"count": 501})
    assert refusal(too_many) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "wish",
    [
        {"name": "", "objectTypeId": "0-1", "processingType": "MANUAL"},
        {"name": "x", "objectTypeId": "0-2", "processingType": "MANUAL"},
        {"name": "x", "objectTypeId": "0-1", "processingType": "DYNAMIC"},
        {"name": "x", "objectTypeId": "0-1", "processingType": "STATIC"},
        {"name": "x", "objectTypeId": "0-1", "processingType": "MANUAL", "more": 1},
    ],
)
def test_creation_of_lists_is_strict(hubspot: HubSpotCaller, wish: dict[str, object]) -> None:
    """Wrong and unknown fields are refused."""
    assert refusal(hubspot.call("POST", LISTS, json=wish)) == (400, "VALIDATION_ERROR")


def test_members_come_and_go(hubspot: HubSpotCaller) -> None:
    """Who was added, who was removed, who does not exist; the present and the absent are passed over."""
    vip = hubspot.new_list()
    ada, bob, eve = hubspot.ids("ada@example.com", "bob@example.com", "eve@example.com")
    assert hubspot.edit(vip, "add", [ada, bob, "77"]).json() == {
        "recordsIdsAdded": [ada, bob],
        "recordIdsRemoved": [],
        "recordIdsMissing": ["77"],
    }
    both = hubspot.edit(vip, "add-and-remove", {"recordIdsToAdd": [bob, eve], "recordIdsToRemove": [ada]})
    assert (both.json()["recordsIdsAdded"], both.json()["recordIdsRemoved"]) == ([eve], [ada])
    assert hubspot.edit(vip, "remove", [ada]).json()["recordIdsRemoved"] == []
    assert hubspot.members(vip) == ["bob@example.com", "eve@example.com"]
    places = hubspot.call("GET", f"{LISTS}/records/0-1/{bob}/memberships").json()["results"]
    assert [place["listId"] for place in places] == [vip]
    hubspot.fault(effect="reject_rows", holding=["ada@example.com"])
    assert hubspot.edit(vip, "add", [ada]).json()["recordIdsMissing"] == [ada]
    assert hubspot.call("DELETE", f"{LISTS}/{vip}/memberships").status_code == 204
    assert hubspot.members(vip) == []
    assert hubspot.widened() == []


@pytest.mark.parametrize(
    ("op", "body"),
    [
        ("add", []),
        ("add", [101]),
        ("add", ["ada@example.com"]),
        ("remove", {"recordIds": ["101"]}),
        ("add-and-remove", {"recordIdsToAdd": ["101"]}),
        ("add", ["101"] * 100_001),
    ],
)
def test_changes_of_members_are_read_strictly(hubspot: HubSpotCaller, op: str, body: object) -> None:
    """Record ids as texts, in the shape of each call, up to the limit; both keys where there are two."""
    assert refusal(hubspot.edit(hubspot.new_list(), op, body)) == (400, "VALIDATION_ERROR")


def test_dynamic_lists_refuse_writes(hubspot: HubSpotCaller) -> None:
    """A snapshot takes them."""
    dynamic = hubspot.new_list("d", "DYNAMIC", filterBranch={})
    assert refusal(hubspot.edit(dynamic, "add", ["1"])) == (400, "VALIDATION_ERROR")
    assert (
        hubspot.edit(hubspot.new_list("s", "SNAPSHOT"), "add", hubspot.ids("a@example.com")).status_code
        == 200
    )


def test_members_are_read_by_pages(hubspot: HubSpotCaller) -> None:
    """By record id or by the moment they came; at most 250; the last page leads nowhere."""
    vip = hubspot.new_list()
    people = hubspot.ids(*(f"p{number}@example.com" for number in range(5)))
    hubspot.edit(vip, "add", people[::-1])
    for order, expected in (("", people), ("/join-order", people[::-1])):
        read: list[str] = []
        page = hubspot.page(vip, order, limit=2)
        read += [row["recordId"] for row in page["results"]]
        while "paging" in page:
            page = hubspot.page(vip, order, limit=2, after=page["paging"]["next"]["after"])
            read += [row["recordId"] for row in page["results"]]
        assert (read, page["total"]) == (expected, 5)
    for query in ({"limit": 251}, {"limit": 0}, {"after": "?"}, {"page": 1}):
        answer = hubspot.call("GET", f"{LISTS}/{vip}/memberships", params=query)
        assert refusal(answer) == (400, "VALIDATION_ERROR")


def test_who_calls_and_how_often(hubspot: HubSpotCaller) -> None:
    """An unknown token; the short window's policy without a time to wait; what is left in every answer."""
    answer = hubspot.call("GET", "/account-info/v3/details")
    assert answer.json()["portalId"]
    assert answer.headers["X-HubSpot-RateLimit-Max"] == "190"
    hubspot.allow(1)
    hubspot.new_list()
    limited = hubspot.call("GET", f"{LISTS}/1")
    assert refusal(limited) == (429, "RATE_LIMITS")
    assert limited.json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert (limited.headers["X-HubSpot-RateLimit-Remaining"], "Retry-After" in limited.headers) == (
        "0",
        False,
    )
    hubspot.fault(effect="quota_gone")
    assert hubspot.call("GET", f"{LISTS}/1").json()["policyName"] == "DAILY"
    hubspot.fault(effect="expire_token")
    assert refusal(hubspot.call("GET", f"{LISTS}/1")) == (401, "EXPIRED_AUTHENTICATION")
    hubspot.sandbox.faults.replace([])
    hubspot.switch(email_token_revoked=True)
    unknown = hubspot.call("GET", f"{LISTS}/1")
    assert refusal(unknown) == (401, "INVALID_AUTHENTICATION")
    assert "X-HubSpot-RateLimit-Max" not in unknown.headers


def test_the_description_is_followed(hubspot: HubSpotCaller) -> None:
    """Every operation that is described was played, and agreed with the description."""
    described = operations("hubspot")
    if described is None:
        pytest.skip("the description of the operations is not at hand")
    vip, (ada,) = hubspot.new_list(), hubspot.ids("ada@example.com")
    hubspot.edit(vip, "add", [ada])
    hubspot.edit(vip, "remove", [ada])
    hubspot.edit(vip, "add-and-remove", {"recordIdsToAdd": [ada], "recordIdsToRemove": []})
    hubspot.page(vip)
    assert described.seen == {operation["id"] for operation in described.known}
