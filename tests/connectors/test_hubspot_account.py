"""HubSpot's lists, what it tells of people and account, and what may never leave for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AudienceRequest,
    Reported,
    SyncOptions,
    Uncertain,
)
from connectors.hubspot import HubSpotConnector
from connectors.people import FieldType, Present, Unreachable
from connectors.testing import FastTime
from tests.connectors.hubspot_account import (
    LIST,
    LISTS,
    NEVER,
    OBJECTS,
    READ,
    changed,
    contact,
    contacts,
    error,
    opened,
    people,
)
from tests.connectors.lapsed import REQUEST, known
from tests.connectors.oauth_account import batch
from tests.connectors.server import Reply, Scripted

MEMBERS = f"{LISTS}/123/memberships"
SEARCH = f"{OBJECTS}/search"
MISSING = error(404, "OBJECT_NOT_FOUND")


@pytest.fixture
def hubspot(server: Scripted, time: FastTime) -> HubSpotConnector:
    """An account that creates nobody."""
    return opened(server, time)


def a_list(**more: object) -> Reply:
    """The answer about a list."""
    there = {"listId": "123", "name": "Lapsed", "objectTypeId": "0-1", "processingType": "MANUAL"}
    return Reply(body={"list": {**there, **more}})


# --- the list ------------------------------------------------------------------------------------------------


def test_a_list_is_found_by_its_name(server: Scripted, hubspot: HubSpotConnector) -> None:
    """Whatever characters it has."""
    server.answers(a_list(name="Lapsed / é?"))
    request = AudienceRequest("Lapsed / é?", "turnout:lapsed", None)
    assert hubspot.open_audience(request, SyncOptions()) == Audience("123", "Lapsed / é?")
    (seen,) = server.seen
    name = seen.path.removeprefix(f"{LISTS}/object-type-id/0-1/name/")
    assert "/" not in name
    assert "?" not in name
    assert unquote(name) == "Lapsed / é?"


def test_a_list_is_made_once(server: Scripted, hubspot: HubSpotConnector) -> None:
    """Static, of contacts, when there is none of the very name; without an answer it is looked for next time."""
    server.answers(MISSING, a_list())
    assert hubspot.open_audience(REQUEST, SyncOptions()) == Audience("123", "Lapsed", created=True)
    wanted = {"name": "Lapsed", "objectTypeId": "0-1", "processingType": "MANUAL"}
    assert (server.seen[1].method, server.seen[1].path, server.seen[1].json) == ("POST", LISTS, wanted)
    server.answers(MISSING, Reply(how="reset"))
    with pytest.raises(Uncertain):
        hubspot.open_audience(REQUEST, SyncOptions())
    assert len(server.seen) == 4
    server.answers(
        a_list(name="lapsed"), error(400, "VALIDATION_ERROR", subCategory="ILS.DUPLICATE_LIST_NAMES")
    )
    with pytest.raises(ActionNeeded, match="rename"):
        hubspot.open_audience(REQUEST, SyncOptions())


@pytest.mark.parametrize(
    ("answer", "consequence"),
    [
        (MISSING, AudienceGone),
        (a_list(deletedAt="2026-11-01T00:00:00Z"), AudienceGone),
        (a_list(processingType="DYNAMIC"), ActionNeeded),
        (a_list(objectTypeId="0-2"), ActionNeeded),
        (Reply(body={"list": {"name": "Lapsed"}}), Uncertain),
    ],
)
def test_a_known_list_may_be_of_no_use(
    server: Scripted, hubspot: HubSpotConnector, answer: Reply, consequence: type[Exception]
) -> None:
    """Gone, deleted but restorable, filled by filters, or of companies."""
    server.answers(answer)
    with pytest.raises(consequence):
        hubspot.open_audience(known("123"), SyncOptions())


@pytest.mark.parametrize("kind", ["MANUAL", "SNAPSHOT"])
def test_a_known_list_is_read_by_its_id(server: Scripted, hubspot: HubSpotConnector, kind: str) -> None:
    """A list that was filled once by filters takes members too."""
    server.answers(a_list(processingType=kind))
    assert hubspot.open_audience(known("123"), SyncOptions()) == LIST
    assert (server.seen[0].method, server.seen[0].path) == ("GET", f"{LISTS}/123")


@pytest.mark.parametrize(
    ("version", "there"), [("2026-03", "/crm/lists/2026-03/123"), ("v3", "/crm/v3/lists/123")]
)
def test_other_versions_have_other_addresses(
    server: Scripted, time: FastTime, version: str, there: str
) -> None:
    """Every family of calls moves with the version."""
    server.answers(a_list(), changed())
    account = opened(server, time, api_version=version)
    account.open_audience(known("123"), SyncOptions())
    account.remove(LIST, people("ann", ids=["101"]), batch("remove", 1))
    assert [seen.path for seen in server.seen] == [there, f"{there}/memberships/remove"]


# --- what HubSpot tells --------------------------------------------------------------------------------------


def test_the_size_is_read_back(server: Scripted, hubspot: HubSpotConnector) -> None:
    """The total of the shortest page."""
    server.answers(Reply(body={"results": [], "total": 4_200}))
    assert hubspot.read_back(LIST) == Reported(4_200, 4_200)
    assert server.seen[0].path == f"{MEMBERS}?limit=1"


def test_members_come_page_by_page(server: Scripted, hubspot: HubSpotConnector) -> None:
    """Record ids, then their addresses by a hundred, normalised; whoever has none is there by id."""
    ids = [str(number) for number in range(101, 221)]
    first = {"results": [{"recordId": i} for i in ids], "total": 121, "paging": {"next": {"after": "MjIw"}}}
    server.answers(
        Reply(body=first),
        contacts(*[contact(i, f"P{i}@Example.com") for i in ids[:100]]),
        contacts(*[contact(i, None) for i in ids[100:]]),
        Reply(body={"results": [{"recordId": "300"}], "total": 121}),
        contacts(errors=[{"category": "OBJECT_NOT_FOUND", "context": {"ids": ["300"]}}]),
    )
    pages = list(hubspot.members(LIST))
    assert [len(page) for page in pages] == [120, 1]
    assert pages[0][0] == Present("101", {"EMAIL": "p101@example.com"})
    assert (pages[0][110], pages[1][0]) == (Present("211"), Present("300"))
    assert [seen.path for seen in server.seen] == [
        f"{MEMBERS}?limit=250", READ, READ, f"{MEMBERS}?limit=250&after=MjIw", READ,
    ]  # fmt: skip
    assert server.seen[1].json == {
        "properties": ["email", "hs_additional_emails"],
        "propertiesWithHistory": [],
        "inputs": [{"id": i} for i in ids[:100]],
    }


def test_members_of_a_missing_list_are_nobodys(server: Scripted, hubspot: HubSpotConnector) -> None:
    """No drift is seen where there is no list, and a listing that repeats itself ends."""
    server.answers(MISSING)
    with pytest.raises(AudienceGone):
        list(hubspot.members(LIST))
    server.answers(Reply(body={"results": [], "paging": {"next": {"after": "x"}}}))
    with pytest.raises(ActionNeeded):
        list(hubspot.members(LIST))


def test_who_left_is_searched_page_by_page(server: Scripted, hubspot: HubSpotConnector) -> None:
    """A search for each reason, by record id, since HubSpot ends one after 10,000; every address counts."""
    full = [contact(str(number), f"p{number}@example.com") for number in range(1, 201)]
    server.answers(
        contacts(*full),
        contacts(contact("900", "Ann@Example.com", hs_additional_emails="old@example.com")),
        contacts(contact("901", "bob@example.com")),
        contacts(contact("902", "cy@example.com")),
    )
    found = list(hubspot.unreachable(datetime(2026, 11, 1, tzinfo=UTC)))
    assert found[200:] == [
        Unreachable("unsubscribed", None, "ann@example.com"),
        Unreachable("unsubscribed", None, "old@example.com"),
        Unreachable("bounced", None, "bob@example.com"),
        Unreachable("suppressed", None, "cy@example.com"),
    ]
    since = {"propertyName": "lastmodifieddate", "operator": "GTE", "value": "1793491200000"}

    def search(after: str, *conditions: dict[str, str]) -> dict[str, Any]:
        further = {"propertyName": "hs_object_id", "operator": "GT", "value": after}
        return {
            "filterGroups": [{"filters": [conditions[0], further, since]}],
            "sorts": ["hs_object_id"],
            "properties": ["email", "hs_additional_emails"],
            "limit": 200,
        }

    out = {"propertyName": "hs_email_optout", "operator": "EQ", "value": "true"}
    bounced = {"propertyName": "hs_email_hard_bounce_reason_enum", "operator": "HAS_PROPERTY"}
    quarantined = {"propertyName": "hs_email_quarantined", "operator": "EQ", "value": "true"}
    assert {(seen.method, seen.path) for seen in server.seen} == {("POST", SEARCH)}
    assert [seen.json for seen in server.seen] == [
        search("0", out), search("200", out), search("0", bounced), search("0", quarantined),
    ]  # fmt: skip


def test_everybody_who_ever_left_is_asked_for(server: Scripted, hubspot: HubSpotConnector) -> None:
    """Without a moment there is no filter by time; a search out of order is no listing."""
    server.answers(contacts())
    assert list(hubspot.unreachable(None)) == []
    assert not [seen for seen in server.seen if b"lastmodifieddate" in seen.body]
    server.answers(contacts(*[contact("7", "ann@example.com")] * 200))
    with pytest.raises(ActionNeeded):
        list(hubspot.unreachable(None))


def test_fields_are_properties_that_may_be_set(server: Scripted, hubspot: HubSpotConnector) -> None:
    """Typed, asked for once; read-only ones, the address and what people agreed to are none."""

    def prop(name: str, kind: str, **more: object) -> dict[str, object]:
        return {"name": name, "type": kind, **more}

    server.answers(
        Reply(
            body={
                "results": [
                    prop("tier", "string"),
                    prop("mobile", "phone_number"),
                    prop("orders", "number"),
                    prop("vip", "bool"),
                    prop("since", "date", modificationMetadata={"readOnlyValue": False}),
                    prop("seen_at", "datetime"),
                    prop("colour", "enumeration"),
                    prop("place", "object_coordinates"),
                    prop("createdate", "datetime", modificationMetadata={"readOnlyValue": True}),
                    prop("email", "string"),
                    *(prop(name, "bool") for name in NEVER),
                ]
            }
        )
    )
    wanted = {
        "tier": FieldType.TEXT,
        "mobile": FieldType.TEXT,
        "orders": FieldType.NUMBER,
        "vip": FieldType.BOOLEAN,
        "since": FieldType.DATE,
        "seen_at": FieldType.DATE,
        "colour": FieldType.ANY,
        "place": FieldType.ANY,
    }
    assert hubspot.fields() == hubspot.fields() == wanted
    assert [(seen.method, seen.path) for seen in server.seen] == [("GET", "/crm/properties/2026-09/contacts")]


def test_the_doctor_looks_at_lists_contacts_and_properties(
    server: Scripted, hubspot: HubSpotConnector
) -> None:
    """Nothing is changed; properties are needed by attributes alone."""
    server.answers(Reply(body={"lists": []}), contacts(), Reply(body={"results": []}))
    assert [(finding.step, finding.ok) for finding in hubspot.examine()] == [
        ("lists", True), ("contacts", True), ("properties", True),
    ]  # fmt: skip
    assert [(seen.method, seen.path) for seen in server.seen] == [
        ("POST", f"{LISTS}/search"), ("POST", READ), ("GET", "/crm/properties/2026-09/contacts"),
    ]  # fmt: skip
    refused = error(403, "MISSING_SCOPES")
    server.answers(Reply(body={"lists": []}), contacts(), refused)
    last = list(opened(server, FastTime()).examine())[-1]
    assert last.ok
    assert "crm.schemas.contacts.read" in last.says
    server.answers(refused)
    (first,) = hubspot.examine()
    assert not first.ok
    assert "TURNOUT_HUBSPOT_ACCESS_TOKEN" in first.says
