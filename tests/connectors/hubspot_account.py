"""A scripted HubSpot account, which answers as the test says."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from connectors.base import Audience
from connectors.hubspot import HubSpotConnector
from connectors.hubspot.settings import HubSpotSettings
from connectors.testing import FastTime
from tests.connectors.server import Reply, Scripted

LIST = Audience("123", "Lapsed")
TOKEN = "pat-eu1-of-the-test"
LISTS, OBJECTS = "/crm/lists/2026-09", "/crm/objects/2026-09/contacts"
ADD, REMOVE = f"{LISTS}/123/memberships/add", f"{LISTS}/123/memberships/remove"
READ, UPDATE, UPSERT = (f"{OBJECTS}/batch/{how}" for how in ("read", "update", "upsert"))

NEVER = (
    "hs_email_optout", "HS_Email_OptOut", "hs_email_optout_1001", "hs_marketable_status", "hs_legal_basis",
    "hs_additional_emails",
)  # fmt: skip
"""Properties that must not be set."""


def opened(server: Scripted, time: FastTime, **more: Any) -> HubSpotConnector:
    """A connector whose HubSpot is the server."""
    settings: dict[str, Any] = {"access_token": TOKEN, "base_url": server.url, **more}
    connector = HubSpotConnector("hubspot", HubSpotSettings(_env_file=None, **settings))
    connector.http.use_clock(time.clock)
    return connector


def people(
    *names: str, ids: list[str | None] | None = None, attributes: list[str | None] | None = None
) -> pa.Table:
    """Rows as the engine hands them over."""
    columns = {"EMAIL": [f"{name}@example.com" for name in names]}
    more = {"remote_id": ids, "attributes": attributes}
    given = {**columns, **{name: values for name, values in more.items() if values is not None}}
    return pa.table({name: pa.array(values, pa.string()) for name, values in given.items()})


def contact(record: str, email: str | None, **properties: object) -> dict[str, object]:
    """A contact in an answer."""
    return {"id": record, "properties": {"email": email, **properties}}


def contacts(*found: dict[str, object], errors: list[dict[str, object]] | None = None) -> Reply:
    """The answer to a batch of contacts: partial where there are errors."""
    body: dict[str, object] = {"status": "COMPLETE", "results": list(found)}
    if errors is None:
        return Reply(body=body)
    return Reply(207, {**body, "numErrors": len(errors), "errors": errors})


def of_row(category: str, *ids: str) -> dict[str, object]:
    """One contact's error in a partial answer."""
    return {
        "status": "error",
        "category": category,
        "message": "no",
        "context": {"ids": list(ids)},
        "errors": [],
    }


def changed(*missing: str, **more: object) -> Reply:
    """The answer of a list."""
    return Reply(
        body={"recordsIdsAdded": [], "recordIdsRemoved": [], "recordIdsMissing": list(missing), **more}
    )


def error(code: int, category: str, **more: object) -> Reply:
    """An error envelope that quotes somebody."""
    told = {
        "status": "error",
        "message": "no ann@example.com here",
        "correlationId": "c-1",
        "category": category,
    }
    return Reply(code, {**told, **more})
