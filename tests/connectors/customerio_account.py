"""A scripted Customer.io workspace with its two APIs; requests are held against a second reading of its documents."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pyarrow as pa
from openapi_schema_validator import OAS31Validator

from connectors.base import Audience, Batch, Op
from connectors.customerio import CustomerioConnector
from connectors.customerio.settings import CustomerioSettings
from connectors.testing import FastTime
from tests.connectors.server import Reply, Scripted, Seen
from tests.sandbox.handwritten import FILE

SEGMENT = Audience("7", "Lapsed")
SITE, TRACK_KEY, APP_KEY = "site-of-the-test", "track-of-the-test", "app-of-the-test"
TRACK, APP = "/track", "/app"
"""Below which path of the server each API is."""
ADD, REMOVE = (f"{TRACK}/api/v1/segments/7/{op}_customers" for op in ("add", "remove"))
BATCH, REGION = f"{TRACK}/api/v2/batch", f"{TRACK}/api/v1/accounts/region"
SEGMENTS = f"{APP}/v1/segments"
THE_SEGMENT, COUNT, MEMBERS = f"{SEGMENTS}/7", f"{SEGMENTS}/7/customer_count", f"{SEGMENTS}/7/membership"

CUSTOMERS, LOST = f"{APP}/v1/customers", f"{APP}/v1/esp/suppression"
BOUNCES, COMPLAINTS = f"{LOST}/bounces", f"{LOST}/spam_reports"


def opened(server: Scripted, time: FastTime, **more: Any) -> CustomerioConnector:
    """A connector whose Customer.io is the server."""
    settings: dict[str, Any] = {
        "site_id": SITE,
        "track_key": TRACK_KEY,
        "api_key": APP_KEY,
        "base_url": server.url + TRACK,
        "app_url": server.url + APP,
        **more,
    }
    connector = CustomerioConnector("customerio", CustomerioSettings(_env_file=None, **settings))
    connector.http.use_clock(time.clock)
    return connector


def segment(number: int = 7, name: str = "Lapsed", kind: str = "manual") -> dict[str, object]:
    """As the App API shows it."""
    return {"id": number, "name": name, "type": kind, "state": "finished", "progress": None, "tags": None}


class Workspace:
    """Answers as Customer.io does, or as a test says for a method and path."""

    def __init__(self, server: Scripted) -> None:
        self.server = server
        self.replies: dict[tuple[str, str], list[Reply]] = {
            ("POST", ADD): [Reply()],
            ("POST", REMOVE): [Reply()],
            ("POST", BATCH): [Reply()],
            ("GET", THE_SEGMENT): [Reply(body={"segment": segment()})],
        }
        server.script = self._answer

    def says(self, method: str, path: str, *replies: Reply) -> None:
        """Answer such requests with these in turn, the last again and again."""
        self.replies[method, path] = list(replies)

    def asked(self, method: str, path: str) -> list[Seen]:
        """Requests of a method to a path, its query aside."""
        return [
            seen for seen in self.server.seen if (seen.method, urlsplit(seen.path).path) == (method, path)
        ]

    def _answer(self, seen: Seen) -> Reply:
        scripted = self.replies.get((seen.method, urlsplit(seen.path).path))
        if not scripted:
            raise AssertionError(f"nobody expected {seen.method} {seen.path}")
        return scripted.pop(0) if len(scripted) > 1 else scripted[0]


def query(seen: Seen) -> dict[str, str]:
    """Of a request."""
    return dict(parse_qsl(urlsplit(seen.path).query))


def people(*names: str, column: str = "EMAIL", **attributes: dict[str, object]) -> pa.Table:
    """Rows as the engine hands them over: addresses, or ids by which somebody is known."""
    ending = "@example.com" if column == "EMAIL" else ""
    columns: dict[str, list[str | None]] = {
        column: [f"{name}{ending}" for name in names],
        "attributes": [
            orjson.dumps(attributes[name]).decode() if name in attributes else None for name in names
        ],
    }
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def batch(op: Op, size: int = 3) -> Batch:
    """A batch."""
    return Batch("01JD000000000000000000000A", op, 1, 1, size)


def identified(name: str, **attributes: object) -> dict[str, object]:
    """Somebody in a batch request."""
    return {
        "type": "person",
        "action": "identify",
        "identifiers": {"email": f"{name}@example.com"},
        "attributes": attributes,
    }


@cache
def operations() -> list[dict[str, Any]]:
    """The second reading, empty where it is not at hand."""
    known = json.loads(FILE.read_text("utf-8"))["operations"] if FILE.exists() else []
    return [one for one in known if one["tool"] == "customerio"]


def described(seen: Seen) -> str | None:
    """The operation that a request is, after it was held against the second reading; None for one not in it."""
    path = urlsplit(seen.path).path.removeprefix(TRACK).removeprefix(APP)
    for operation in operations():
        pattern = re.sub(r"\{\w+\}", "[^/]+", operation["path"])
        if operation["method"] == seen.method and re.fullmatch(pattern, path):
            parameters = operation.get("query", {})
            assert set(query(seen)) <= set(parameters)
            for name, value in query(seen).items():
                assert value in parameters[name].get("enum", [value])
            if "body_schema" in operation:
                assert not list(OAS31Validator(operation["body_schema"]).iter_errors(json.loads(seen.body)))
                assert len(seen.body) <= operation.get("max_body_bytes", len(seen.body))
            return str(operation["id"])
    return None
