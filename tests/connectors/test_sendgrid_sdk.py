"""What goes to SendGrid, against the client of SendGrid's own Python SDK: both speak to the same scripted server."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import orjson
from python_http_client.client import Client  # type: ignore[import-untyped]

from connectors.base import SyncOptions
from connectors.testing import FastTime
from tests.connectors.lapsed import REQUEST
from tests.connectors.oauth_account import batch
from tests.connectors.sendgrid_account import (
    COUNT,
    DEFINITIONS,
    KEY,
    LIST,
    LISTS,
    Account,
    contact,
    opened,
    people,
    query,
)
from tests.connectors.server import Reply, Scripted, Seen


def test_every_call_is_what_the_sdk_sends(server: Scripted, time: FastTime) -> None:
    """Method, path, query, body and key of a whole sync, each sent again by the SDK's client."""
    account = Account(server, ada=contact(1, "ada"), bob=contact(2, "bob"))
    account.says("GET", LISTS, Reply(body={"result": []}))
    account.says("POST", LISTS, Reply(201, {"id": LIST.id, "name": LIST.name}))
    account.says("GET", COUNT, Reply(body={"contact_count": 1}))
    tier = {"id": "e1_T", "name": "tier", "field_type": "Text"}
    account.says("GET", DEFINITIONS, Reply(body={"custom_fields": [tier], "reserved_fields": []}))
    for listing in ("unsubscribes", "bounces", "spam_reports"):
        account.says("GET", f"/v3/suppression/{listing}", Reply(body=[]))
    connector = opened(server, time)
    connector.open_audience(REQUEST, SyncOptions())
    added = connector.add(LIST, people("ada", "bob", attributes='{"tier": "gold"}'), batch("add", 2))
    connector.poll(LIST, str(added.reference))
    connector.remove(LIST, people("ada", "bob"), batch("remove", 2))
    connector.read_back(LIST)
    list(connector.unreachable(datetime(2026, 11, 1, tzinfo=UTC)))
    ours = list(server.seen)
    assert len(ours) == 12
    for seen in ours:
        sdk = _sent_again(server, seen)
        assert (sdk.method, urlsplit(sdk.path).path) == (seen.method, urlsplit(seen.path).path)
        assert query(sdk) == query(seen)
        assert sdk.json == seen.json
        assert sdk.headers["Authorization"] == seen.headers["Authorization"]
        assert sdk.headers.get("Content-Type") == seen.headers.get("Content-Type")


def _sent_again(server: Scripted, seen: Seen) -> Seen:
    """The same call by the SDK: a path is a chain of attributes there."""
    called = Client(host=server.url, request_headers={"Authorization": f"Bearer {KEY}"})
    for part in urlsplit(seen.path).path.strip("/").split("/"):
        called = called._(part)
    body = orjson.loads(seen.body) if seen.body else None
    getattr(called, seen.method.lower())(request_body=body, query_params=query(seen) or None)
    return server.seen[-1]
