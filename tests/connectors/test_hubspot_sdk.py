"""What goes to HubSpot, against HubSpot's own Python SDK, which speaks v3: both speak to the same scripted server."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.base import AudienceRequest, SyncOptions
from connectors.hubspot import HubSpotConnector
from connectors.testing import FastTime
from tests.connectors.hubspot_account import LIST, TOKEN, changed, contact, contacts, error, opened, people
from tests.connectors.oauth_account import batch
from tests.connectors.server import Reply, Scripted, Seen

LISTS, OBJECTS = "/crm/v3/lists", "/crm/v3/objects/contacts"
PROPERTY = {
    "name": "tier", "label": "Tier", "type": "string", "fieldType": "text", "description": "",
    "groupName": "contactinformation", "options": [],
}  # fmt: skip


@pytest.fixture
def ours(server: Scripted, time: FastTime) -> HubSpotConnector:
    """A connector at the version that the SDK speaks, before an account that knows one contact."""
    here = {
        "listId": "123", "listVersion": 1, "name": "Lapsed", "objectTypeId": "0-1", "processingType": "MANUAL",
        "processingStatus": "COMPLETE",
    }  # fmt: skip
    page = {"results": [{"recordId": "101", "membershipTimestamp": "2026-11-21T10:00:00Z"}], "total": 1}
    times = {"startedAt": "2026-11-21T10:00:00Z", "completedAt": "2026-11-21T10:00:01Z"}
    dates = {"createdAt": "2026-11-21T10:00:00Z", "updatedAt": "2026-11-21T10:00:00Z"}
    ann = {**contact("101", "ann@example.com"), **dates}

    def script(seen: Seen) -> Reply:
        path = urlsplit(seen.path).path.rstrip("/")
        if "/name/" in path:
            return error(404, "OBJECT_NOT_FOUND")
        if path == f"{OBJECTS}/search":
            return Reply(body={"total": 1, "results": [ann]})
        if path == f"{OBJECTS}/batch/read" and b"bob@" in seen.body:
            return Reply(207, {"status": "COMPLETE", "results": [ann], "errors": [], **times})
        if path.startswith(OBJECTS):
            found = contacts({**ann, "new": True}).body
            return Reply(body={**dict(found), **times})  # type: ignore[call-overload]
        if path.endswith(("/add", "/remove")):
            return changed()
        if path.endswith("/memberships"):
            return Reply(body=page)
        if path == "/crm/v3/properties/contacts":
            return Reply(body={"results": [PROPERTY]})
        return Reply(body={"list": here, "lists": [], "offset": 0, "total": 0, "hasMore": False})

    server.script = script
    return opened(server, time, api_version="v3", create_missing=True)


class Sdk:
    """The SDK's client; it takes seconds to import."""

    def __init__(self, server: Scripted) -> None:
        self.server = server
        self.crm = import_module("hubspot").HubSpot(access_token=TOKEN, host=server.url).crm

    def repeats(
        self, seen: Seen, call: Callable[..., Any], *given: object, model: str = "", **query: object
    ) -> Any:
        """Our request's body, read by the SDK's model and sent by its client, is our request; returns its answer."""
        client = call.__self__.api_client  # type: ignore[attr-defined]
        body = [client.deserialize(SimpleNamespace(data=seen.body.decode()), model)] if model else []
        answer = call(*given, *body, **query)
        sdk = self.server.seen[-1]
        assert (sdk.method, urlsplit(sdk.path).path.rstrip("/")) == (seen.method, urlsplit(seen.path).path)
        assert parse_qsl(urlsplit(sdk.path).query) == parse_qsl(urlsplit(seen.path).query)
        assert sdk.json == seen.json
        assert sdk.headers["Authorization"] == seen.headers["Authorization"]
        return answer


@pytest.fixture
def sdk(server: Scripted) -> Sdk:
    """HubSpot's own client."""
    return Sdk(server)


def test_lists_are_made_and_found_as_the_sdk_does(server: Scripted, ours: HubSpotConnector, sdk: Sdk) -> None:
    """By name, by id, and a new one, whose id both read."""
    lists = sdk.crm.lists.lists_api
    made = ours.open_audience(AudienceRequest("Lapsed", "turnout:lapsed", None), SyncOptions())
    ours.open_audience(AudienceRequest("Lapsed", "turnout:lapsed", "123"), SyncOptions())
    named, created, one = list(server.seen)
    answer = sdk.repeats(created, lists.create, model="ListCreateRequest")
    assert answer.list.list_id == made.id
    assert sdk.repeats(one, lists.get_by_id, "123").list.list_id == made.id
    with pytest.raises(Exception, match="404"):
        lists.get_by_name(object_type_id="0-1", list_name="Lapsed")
    assert server.seen[-1].path == named.path


def test_members_are_changed_as_the_sdk_does(server: Scripted, ours: HubSpotConnector, sdk: Sdk) -> None:
    """Both bodies are bare arrays; the answer's odd spelling is the SDK's."""
    ours.add(LIST, people("ann", ids=["101"]), batch("add", 1))
    ours.remove(LIST, people("ann", ids=["101"]), batch("remove", 1))
    added, removed = list(server.seen)
    members = sdk.crm.lists.memberships_api
    assert sdk.repeats(added, members.add, "123", model="list[str]").record_ids_missing == []
    assert sdk.repeats(removed, members.remove, "123", model="list[str]").record_ids_missing == []


def test_members_are_read_as_the_sdk_does(server: Scripted, ours: HubSpotConnector, sdk: Sdk) -> None:
    """Size, page and addresses."""
    assert ours.read_back(LIST).upper == 1
    assert [present.remote_id for page in ours.members(LIST) for present in page] == ["101"]
    size, page, addresses = list(server.seen)
    members = sdk.crm.lists.memberships_api
    assert sdk.repeats(size, members.get_page, "123", limit=1).total == 1
    found = sdk.repeats(page, members.get_page, "123", limit=250)
    assert [one.record_id for one in found.results] == ["101"]
    with_properties = "BatchReadInputSimplePublicObjectId"
    sdk.repeats(addresses, sdk.crm.contacts.batch_api.read, model=with_properties)


def test_contacts_are_written_as_the_sdk_does(server: Scripted, ours: HubSpotConnector, sdk: Sdk) -> None:
    """Looked up, created and updated, and the properties that may be set."""
    ours.add(LIST, people("ann", "bob", attributes=['{"tier": "gold"}'] * 2), batch("add", 2))
    looked_up, listed, created, updated, _ = list(server.seen)
    api = sdk.crm.contacts.batch_api
    sdk.repeats(looked_up, api.read, model="BatchReadInputSimplePublicObjectId")
    sdk.repeats(listed, sdk.crm.properties.core_api.get_all, "contacts")
    answer = sdk.repeats(created, api.upsert, model="BatchInputSimplePublicObjectBatchInputUpsert")
    assert [one.id for one in answer.results] == ["101"]
    sdk.repeats(updated, api.update, model="BatchInputSimplePublicObjectBatchInput")


def test_searches_are_the_sdks(server: Scripted, ours: HubSpotConnector, sdk: Sdk) -> None:
    """Who left, and the doctor's question about lists."""
    assert len(list(ours.unreachable(None))) == 3
    list(ours.examine())
    *searches, lists, _, _ = list(server.seen)
    assert len(searches) == 3
    for seen in searches:
        sdk.repeats(seen, sdk.crm.contacts.search_api.do_search, model="PublicObjectSearchRequest")
    sdk.repeats(lists, sdk.crm.lists.lists_api.do_search, model="ListSearchRequest")
