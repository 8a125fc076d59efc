"""HubSpot's contacts as the sandbox plays them: batches that fail in part, consent beside them."""

from __future__ import annotations

import pytest

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import SANDBOX_HUBSPOT_TOKEN
from tests.sandbox.hubspot_caller import CONTACTS, PREFERENCES, HubSpotCaller, refusal


@pytest.fixture
def hubspot(sandbox: SandboxServer) -> HubSpotCaller:
    return HubSpotCaller(sandbox, "hubspot", {"Authorization": f"Bearer {SANDBOX_HUBSPOT_TOKEN}"})


def test_contacts_are_created_and_updated_in_batches(hubspot: HubSpotCaller) -> None:
    """New ones are told apart; an empty text clears; reading back names who is missing; addresses have no case."""
    first = hubspot.upsert("Ada@example.com", firstname="Ada", phone="+441")
    assert (first.status_code, first.json()["results"][0]["new"]) == (200, True)
    second = hubspot.upsert("ada@example.com", firstname="").json()["results"][0]
    assert (second["new"], second["properties"]["email"], second["properties"]["firstname"]) == (
        False,
        "ada@example.com",
        None,
    )
    asked = {
        "idProperty": "email",
        "properties": ["phone"],
        "inputs": [{"id": "ADA@example.com"}, {"id": "bob@example.com"}],
    }
    read = hubspot.call("POST", f"{CONTACTS}/batch/read", json=asked)
    assert (read.status_code, read.json()["numErrors"]) == (207, 1)
    assert read.json()["errors"][0]["context"] == {"ids": ["bob@example.com"]}
    assert (read.json()["results"][0]["id"], read.json()["results"][0]["properties"]["phone"]) == (
        second["id"],
        "+441",
    )
    assert hubspot.consent(second["id"]) == "unknown"


def test_a_batch_fails_in_part(hubspot: HubSpotCaller) -> None:
    """207 with every bad record by the id it was sent under; the others are written."""
    inputs = [
        {"idProperty": "email", "id": "ada@example.com", "properties": {"tier": "gold"}},
        {"idProperty": "email", "id": "nobody", "properties": {}},
        {"idProperty": "email", "id": "bob@example.com", "properties": {}},
        {"id": "77", "properties": {"firstname": "Eve"}},
    ]
    answer = hubspot.call("POST", f"{CONTACTS}/batch/upsert", json={"inputs": inputs})
    content = answer.json()
    assert (answer.status_code, content["numErrors"], len(content["results"])) == (207, 3, 1)
    assert [(error["context"]["ids"], error["errors"][0]["code"]) for error in content["errors"]] == [
        (["ada@example.com"], "PROPERTY_DOESNT_EXIST"),
        (["nobody"], "INVALID_EMAIL"),
        (["77"], "OBJECT_NOT_FOUND"),
    ]
    assert set(hubspot.people()) == {"bob@example.com"}
    hubspot.fault(effect="reject_rows", holding=["eve@example.com"])
    assert hubspot.upsert("eve@example.com", "fay@example.com").json()["errors"][0]["context"] == {
        "ids": ["eve@example.com"]
    }
    hubspot.fault(effect="reject_rows", positions=[0], unnamed=True)
    unnamed = hubspot.upsert("eve@example.com", "fay@example.com").json()
    assert (unnamed["numErrors"], unnamed["errors"][0]["context"]) == (1, {})
    assert set(hubspot.people()) == {"bob@example.com", "fay@example.com"}


def test_batches_have_limits(hubspot: HubSpotCaller) -> None:
    """A hundred inputs, each of them once, found by a property with unique values."""
    emails = [f"p{number}@example.com" for number in range(101)]
    assert refusal(hubspot.upsert(*emails)) == (400, "VALIDATION_ERROR")
    assert refusal(hubspot.upsert("ada@example.com", "ADA@example.com")) == (400, "VALIDATION_ERROR")
    by_name = {"inputs": [{"id": "Ada"}], "idProperty": "firstname"}
    assert refusal(hubspot.call("POST", f"{CONTACTS}/batch/read", json=by_name)) == (400, "VALIDATION_ERROR")
    assert len(hubspot.ids(*emails[:100])) == 100


def test_properties_are_defined_first(hubspot: HubSpotCaller) -> None:
    """One with unique values finds contacts; no two contacts may have the same."""
    wish = {
        "name": "shop_id",
        "label": "Shop id",
        "type": "string",
        "fieldType": "text",
        "groupName": "contactinformation",
    }
    made = hubspot.call("POST", "/crm/properties/2026-09/contacts", json={**wish, "hasUniqueValue": True})
    assert (made.status_code, made.json()["hasUniqueValue"]) == (201, True)
    assert refusal(hubspot.call("POST", "/crm/v3/properties/contacts", json=wish)) == (409, "CONFLICT")
    listed = hubspot.call("GET", "/crm/properties/2026-09/contacts").json()["results"]
    assert [each["name"] for each in listed if not each.get("hubspotDefined")] == ["shop_id"]
    read_only = [each["name"] for each in listed if each.get("modificationMetadata", {}).get("readOnlyValue")]
    assert read_only == ["createdate", "hs_object_id", "lastmodifieddate"]
    inputs = [{"idProperty": "shop_id", "id": "s-1", "properties": {"email": "ada@example.com"}}]
    (found,) = hubspot.call("POST", f"{CONTACTS}/batch/upsert", json={"inputs": inputs}).json()["results"]
    (again,) = hubspot.call("POST", f"{CONTACTS}/batch/upsert", json={"inputs": inputs}).json()["results"]
    assert (again["id"], again["new"]) == (found["id"], False)
    other = hubspot.upsert("bob@example.com", shop_id="s-1")
    assert (other.status_code, other.json()["errors"][0]["category"]) == (207, "CONFLICT")


def test_single_contacts(hubspot: HubSpotCaller) -> None:
    """Created once, read by address, changed, deleted; what belongs to another is a conflict."""
    wish = {"properties": {"email": "ada@example.com", "firstname": "Ada"}}
    made = hubspot.call("POST", CONTACTS, json=wish)
    assert made.status_code == 201
    assert refusal(hubspot.call("POST", CONTACTS, json=wish)) == (409, "CONFLICT")
    path = f"{CONTACTS}/ada@example.com"
    assert hubspot.call("GET", path, params={"idProperty": "email"}).json()["id"] == made.json()["id"]
    changed = hubspot.call("PATCH", f"{CONTACTS}/{made.json()['id']}", json={"properties": {"city": "Bath"}})
    assert changed.status_code == 200
    wrong = hubspot.call("PATCH", f"{CONTACTS}/{made.json()['id']}", json={"properties": {"createdate": "1"}})
    assert refusal(wrong) == (400, "VALIDATION_ERROR")
    assert hubspot.call("DELETE", f"{CONTACTS}/{made.json()['id']}").status_code == 204
    assert refusal(hubspot.call("GET", path, params={"idProperty": "email"})) == (404, "OBJECT_NOT_FOUND")
    assert "@" not in "".join(entry.path for entry in hubspot.sandbox.state.requests())


def test_dangerous_calls_change_consent(hubspot: HubSpotCaller) -> None:
    """Opt-outs taken back, subscribing and marketing contacts show as consent that got wider."""
    left = hubspot.put("left@example.com", "unsubscribed")
    hubspot.upsert("left@example.com", firstname="Ada")
    assert hubspot.widened() == []
    asked = {"idProperty": "email", "properties": ["hs_email_optout"], "inputs": [{"id": "left@example.com"}]}
    (read,) = hubspot.call("POST", f"{CONTACTS}/batch/read", json=asked).json()["results"]
    assert read["properties"]["hs_email_optout"] == "true"
    hubspot.upsert("left@example.com", hs_email_optout="false")
    assert (hubspot.consent(left), len(hubspot.widened())) == ("unknown", 1)
    hubspot.upsert("left@example.com", hs_email_optout="true", hs_marketable_status="true")
    assert [change.channel for change in hubspot.widened()] == ["email", "marketing"]
    wish = {"emailAddress": "left@example.com", "subscriptionId": "1001"}
    status = f"{PREFERENCES}/status/email/left@example.com"
    before = hubspot.call("GET", status).json()["subscriptionStatuses"][0]
    assert (before["status"], before["sourceOfStatus"]) == ("NOT_SUBSCRIBED", "PORTAL_WIDE_STATUS")
    assert hubspot.call("POST", f"{PREFERENCES}/subscribe", json=wish).json()["status"] == "SUBSCRIBED"
    assert hubspot.consent(left) == "subscribed"
    assert hubspot.call("POST", f"{PREFERENCES}/unsubscribe", json=wish).json()["status"] == "NOT_SUBSCRIBED"
    unknown = hubspot.call("POST", f"{PREFERENCES}/subscribe", json={**wish, "subscriptionId": "1"})
    assert refusal(unknown) == (400, "VALIDATION_ERROR")


def test_people_leave_by_themselves(hubspot: HubSpotCaller) -> None:
    """What they did shows in the property and in the subscriptions; taking it back is noted."""
    ada = hubspot.put("ada@example.com")
    hubspot.sandbox.state.email.suppress("hubspot", "ada@example.com", "unsubscribed")
    path = f"{CONTACTS}/{ada}"
    read = hubspot.call("GET", path, params={"properties": "hs_email_optout,hs_email_optout_1001"})
    assert read.json()["properties"]["hs_email_optout"] == "true"
    assert read.json()["properties"]["hs_email_optout_1001"] is None
    statuses = hubspot.call("GET", f"{PREFERENCES}/status/email/ada@example.com").json()
    assert {each["status"] for each in statuses["subscriptionStatuses"]} == {"NOT_SUBSCRIBED"}
    hubspot.upsert("ada@example.com", firstname="Ada")
    assert hubspot.widened() == []
    wish = {"emailAddress": "ada@example.com", "subscriptionId": "1001"}
    hubspot.call("POST", f"{PREFERENCES}/subscribe", json=wish)
    assert {change.after for change in hubspot.widened()} == {"unknown", "subscribed"}
    assert hubspot.sandbox.state.email.consent("hubspot", ada) == "subscribed"


def test_erasure_is_for_good(hubspot: HubSpotCaller) -> None:
    """A contact goes with its places; an address that nobody has can never be used again."""
    vip = hubspot.new_list()
    hubspot.edit(vip, "add", hubspot.ids("ada@example.com"))
    for address in ("ada@example.com", "eve@example.com"):
        body = {"objectId": address, "idProperty": "email"}
        assert hubspot.call("POST", f"{CONTACTS}/gdpr-delete", json=body).status_code == 204
    assert (hubspot.people(), hubspot.members(vip)) == ({}, [])
    assert hubspot.upsert("ada@example.com").status_code == 200
    assert hubspot.upsert("eve@example.com").status_code == 207
