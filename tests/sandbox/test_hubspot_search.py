"""HubSpot's search for contacts as the sandbox plays it."""

from __future__ import annotations

import pytest
import requests

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import SANDBOX_HUBSPOT_TOKEN
from connectors.sandbox.wire import Platform
from tests.sandbox.hubspot_caller import CONTACTS, HubSpotCaller, refusal


@pytest.fixture
def hubspot(sandbox: SandboxServer) -> HubSpotCaller:
    return HubSpotCaller(sandbox, "hubspot", {"Authorization": f"Bearer {SANDBOX_HUBSPOT_TOKEN}"})


def condition(name: str, operator: str, value: str | None = None) -> dict[str, str]:
    """One filter."""
    return {"propertyName": name, "operator": operator} | ({} if value is None else {"value": value})


def search(hubspot: HubSpotCaller, *filters: dict[str, str], **more: object) -> requests.Response:
    body = {
        "filterGroups": [{"filters": list(filters)}] if filters else [],
        "sorts": ["hs_object_id"],
        **more,
    }
    return hubspot.call("POST", f"{CONTACTS}/search", json=body)


def test_a_search_goes_on_by_record_id(hubspot: HubSpotCaller) -> None:
    """Ten a page unless told otherwise; the next page by its offset, or by what is after a record id."""
    ids = hubspot.ids(*[f"p{number}@example.com" for number in range(12)])
    first = search(hubspot).json()
    assert (first["total"], [each["id"] for each in first["results"]]) == (12, ids[:10])
    second = search(hubspot, after=first["paging"]["next"]["after"]).json()
    assert ([each["id"] for each in second["results"]], "paging" in second) == (ids[10:], False)
    later = search(hubspot, condition("hs_object_id", "GT", ids[8]), limit=2, properties=["email"]).json()
    assert [each["id"] for each in later["results"]] == ids[9:11]
    assert later["results"][0]["properties"]["email"] == "p9@example.com"


def test_those_who_left_are_found_by_when(hubspot: HubSpotCaller) -> None:
    """All filters must hold; leaving is a change of the contact."""
    left, _ = hubspot.ids("left@example.com", "stays@example.com")
    hubspot.sandbox.state.email.suppress(Platform.HUBSPOT, "left@example.com", "unsubscribed")
    out = condition("hs_email_optout", "EQ", "true")
    for moment, found in (("0", [left]), ("99999999999999", [])):
        answer = search(hubspot, out, condition("lastmodifieddate", "GTE", moment))
        assert [each["id"] for each in answer.json()["results"]] == found
    assert search(hubspot, condition("hs_email_hard_bounce_reason_enum", "HAS_PROPERTY")).json()["total"] == 0
    wrong = [
        condition("firstname", "GT", "1"),
        condition("hs_object_id", "GT", "x"),
        condition("x", "LIKE", "y"),
    ]
    for one in wrong:
        assert refusal(search(hubspot, one)) == (400, "VALIDATION_ERROR")
    for more in ({"limit": 201}, {"sorts": ["createdate"]}, {"after": "x"}):
        assert refusal(search(hubspot, **more)) == (400, "VALIDATION_ERROR")
