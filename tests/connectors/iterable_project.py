"""A scripted Iterable project: what it knows, has forgotten, and answers to changes of its lists."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors.base import Audience
from connectors.iterable import IterableConnector
from connectors.iterable.settings import IterableSettings
from connectors.testing import FastTime
from tests.connectors.oauth_account import table
from tests.connectors.server import Reply, Scripted, Seen

LIST = Audience("123", "vip")
ANN, BOB, EVE = "ann@example.com", "bob@example.com", "eve@example.com"
KINDS = ("invalid", "notFound", "forgotten", "conflict", "invalidData")
LISTS = {"lists": [{"id": 123, "name": "vip", "description": "turnout:vip", "listType": "Standard"}]}


def opened(server: Scripted, time: FastTime, **more: Any) -> IterableConnector:
    """A connector whose platform is the server, in a project that knows addresses and ids."""
    settings = IterableSettings(
        _env_file=None,
        **{"api_key": "key-1-of-iterable", "base_url": server.url, "project": "hybrid"} | more,
    )
    connector = IterableConnector("iterable", settings)
    connector.http.use_clock(time.clock)
    return connector


def took(succeeded: object = 1, failed: object = 0, **named: list[str]) -> Reply:
    """The answer to a change of a list."""
    lists: dict[str, list[str]] = {f"{kind}{ids}": [] for kind in KINDS for ids in ("Emails", "UserIds")}
    counts = {"successCount": succeeded, "failCount": failed, "createdFields": [], "filteredOutFields": []}
    return Reply(body={**counts, "failedUpdates": {**lists, **named}})


def project(
    server: Scripted,
    change: Reply,
    *,
    users: tuple[str, ...] = (),
    forgotten: tuple[str, ...] = (),
    fields: Mapping[str, str] | None = None,
) -> None:
    """A project that knows these users, has forgotten those, and answers every change of a list like this."""

    def script(seen: Seen) -> Reply:
        parts = urlsplit(seen.path)
        match parts.path:
            case "/api/users/forgotten":
                digests = [hashlib.sha256(email.encode()).hexdigest().upper() for email in forgotten]
                return Reply(body={"hashedEmails": digests})
            case "/api/users/getFields":
                return Reply(body={"fields": dict(fields or {})})
            case "/api/users/getByEmail":
                email = parse_qs(parts.query)["email"][0]
                return Reply(body={"user": {"email": email, "dataFields": {}}} if email in users else {})
            case "/api/lists":
                return Reply(body=LISTS)
        return change

    server.script = script


def changes(server: Scripted) -> list[Seen]:
    """Requests that change a list."""
    return [seen for seen in server.seen if seen.method == "POST"]


def rows(*emails: str, **more: list[str | None]) -> Any:
    """People by address."""
    return table(EMAIL=list(emails), **more)
