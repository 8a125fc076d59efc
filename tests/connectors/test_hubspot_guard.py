"""What may never leave for HubSpot."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import Refused
from connectors.consent_guard import ForbiddenRequest
from connectors.hubspot import HubSpotConnector
from connectors.testing import FastTime
from tests.connectors.hubspot_account import LISTS, NEVER, OBJECTS, READ, UPSERT, opened
from tests.connectors.server import Scripted

MEMBERS = f"{LISTS}/123/memberships"


@pytest.fixture
def hubspot(server: Scripted, time: FastTime) -> HubSpotConnector:
    """An account that creates nobody."""
    return opened(server, time)


@pytest.mark.parametrize("name", NEVER)
def test_consent_is_never_sent(server: Scripted, time: FastTime, name: str) -> None:
    """Neither as a property of an update nor of a creation, nor in a query."""
    account = opened(server, time, create_missing=True)
    for path in (f"{OBJECTS}/batch/update", UPSERT):
        with pytest.raises(ForbiddenRequest, match="must never be sent"):
            account.ask("POST", path, {"inputs": [{"id": "101", "properties": {name: "false"}}]})
    with pytest.raises(ForbiddenRequest):
        account.ask("GET", f"{LISTS}/123", params={name: "false"})
    assert account.guard().forbids_field(name)
    assert server.seen == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/communication-preferences/v3/subscribe"),
        ("POST", "/communication-preferences/v3/unsubscribe"),
        ("GET", "/communication-preferences/v3/status/email/ann@example.com"),
        ("POST", f"{OBJECTS}/gdpr-delete"),
        ("POST", f"{OBJECTS}/batch/archive"),
        ("POST", f"{OBJECTS}/batch/create"),
        ("POST", OBJECTS),
        ("POST", f"{OBJECTS}/merge"),
        ("PATCH", f"{OBJECTS}/101"),
        ("DELETE", f"{OBJECTS}/101"),
        ("DELETE", MEMBERS),
        ("PUT", f"{MEMBERS}/add-and-remove"),
        ("PUT", f"{MEMBERS}/add-from/124"),
        ("DELETE", f"{LISTS}/123"),
        ("POST", UPSERT),
    ],
)
def test_only_what_a_sync_needs_is_called(
    server: Scripted, hubspot: HubSpotConnector, method: str, path: str
) -> None:
    """Nobody is subscribed, erased or blocklisted, no list emptied, and nobody created unless that is set."""
    with pytest.raises(ForbiddenRequest, match="not part of an audience sync"):
        hubspot.ask(method, path, {})
    assert server.seen == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (LISTS, {"name": "x", "objectTypeId": "0-1", "processingType": "DYNAMIC"}),
        (LISTS, {"name": "x", "objectTypeId": "0-2", "processingType": "MANUAL"}),
        (READ, {"idProperty": "hs_object_id", "inputs": []}),
    ],
)
def test_fields_with_one_value_keep_it(
    server: Scripted, hubspot: HubSpotConnector, path: str, body: dict[str, Any]
) -> None:
    """Static lists, of contacts, who are found by address."""
    with pytest.raises(Refused, match="must not hold this value"):
        hubspot.ask("POST", path, body)
    assert server.seen == []
