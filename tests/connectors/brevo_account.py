"""A scripted Brevo account, which answers as the test says."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from connectors.base import Audience
from connectors.brevo import BrevoConnector
from connectors.brevo.settings import BrevoSettings
from connectors.testing import FastTime
from tests.connectors.server import Reply, Scripted, Seen

LIST = Audience("36", "Lapsed")
KEY = "xkeysib-of-the-test"
LISTS = "/v3/contacts/lists"
ADD, REMOVE = f"{LISTS}/36/contacts/add", f"{LISTS}/36/contacts/remove"
NOBODY = Reply(400, {"code": "invalid_parameter", "message": "Contact already in list and/or does not exist"})
UNKNOWN = Reply(404, {"code": "document_not_found", "message": "Contact does not exist"})
DONE = Reply(204, b"")

NEVER = (
    "emailBlacklisted", "EmailBlackListed", "smsBlacklisted", "whatsappBlacklisted", "emailBlacklist", "smsBlacklist",
    "smtpBlacklistSender", "consentGroupIds", "forceMerge", "unlinkListIds", "all", "fileUrl", "fileBody", "notifyUrl",
    "newList", "OPT_IN", "DOUBLE_OPT-IN",
)  # fmt: skip
"""Fields that must not be sent."""


def opened(server: Scripted, time: FastTime, **more: Any) -> BrevoConnector:
    """A connector whose Brevo is the server."""
    settings: dict[str, Any] = {"api_key": KEY, "base_url": f"{server.url}/v3", **more}
    connector = BrevoConnector("brevo", BrevoSettings(_env_file=None, **settings))
    connector.http.use_clock(time.clock)
    return connector


def people(*names: str, attributes: list[str | None] | None = None) -> pa.Table:
    """Rows as the engine hands them over."""
    columns = {"EMAIL": [f"{name}@example.com" for name in names]}
    given = {**columns, **({"attributes": attributes} if attributes is not None else {})}
    return pa.table({name: pa.array(values, pa.string()) for name, values in given.items()})


def moved(*success: str, failure: tuple[str, ...] = ()) -> Reply:
    """Who was added or removed, and who was not."""
    return Reply(201, {"contacts": {"success": list(success), "failure": list(failure)}})


def contact(*lists: int) -> Reply:
    """A contact that is in these lists."""
    return Reply(body={"id": 7, "email": "x@example.com", "emailBlacklisted": False, "listIds": list(lists)})


def attributes(*named: tuple[str, str, str]) -> Reply:
    """The account's attributes: name, category and type."""
    listed = [{"name": name, "category": category, "type": kind} for name, category, kind in named]
    return Reply(body={"attributes": listed})


def asked(server: Scripted) -> list[tuple[str, str, Any]]:
    """Method, path and body of every request."""
    return [(seen.method, seen.path, seen.json) for seen in server.seen]


def looked_at(name: str) -> tuple[str, str, Any]:
    """The request for one contact."""
    return "GET", f"/v3/contacts/{name}%40example.com?identifierType=email_id", None


def by_path(seen: Seen) -> str:
    """The path of a request, without its query."""
    return seen.path.partition("?")[0]
