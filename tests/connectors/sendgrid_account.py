"""A scripted SendGrid account: contacts, lists, jobs; every request is held against the official description."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pyarrow as pa
from openapi_schema_validator import OAS30Validator

from connectors.base import Audience
from connectors.sendgrid import SendGridConnector
from connectors.sendgrid.settings import SendGridSettings
from connectors.testing import FastTime
from tests.connectors.server import Reply, Scripted, Seen
from tests.sandbox.email_openapi import description

LIST = Audience("00000000-0000-4000-8000-000000000001", "Lapsed")
KEY = "SG.key-1.of-the-test"
LISTS, CONTACTS = "/v3/marketing/lists", "/v3/marketing/contacts"
SEARCH, JOBS = f"{CONTACTS}/search/identifiers/email", f"{CONTACTS}/imports"
MEMBERS, COUNT = f"{LISTS}/{LIST.id}/contacts", f"{LISTS}/{LIST.id}/contacts/count"
DEFINITIONS = "/v3/marketing/field_definitions"


def contact_id(number: int) -> str:
    """Of the contact with this number."""
    return f"00000000-0000-4000-9000-{number:012}"


def opened(server: Scripted, time: FastTime, **more: Any) -> SendGridConnector:
    """A connector whose SendGrid is the server."""
    settings: dict[str, Any] = {"api_key": KEY, "base_url": server.url, **more}
    connector = SendGridConnector("sendgrid", SendGridSettings(_env_file=None, **settings))
    connector.http.use_clock(time.clock)
    return connector


class Account:
    """Answers as SendGrid does, or as a test says for a method and path."""

    def __init__(self, server: Scripted, **contacts: dict[str, Any]) -> None:
        self.server = server
        self.contacts = contacts
        """By the name before ``@example.com``."""
        self.replies: dict[tuple[str, str], list[Reply]] = {}
        self.jobs = 0
        server.script = self._answer

    def says(self, method: str, path: str, *replies: Reply) -> None:
        """Answer such requests with these in turn, the last again and again."""
        self.replies[method, path] = list(replies)

    def asked(self, method: str, path: str) -> list[Seen]:
        """Requests of a method to a path, its query aside."""
        return [s for s in self.server.seen if (s.method, urlsplit(s.path).path) == (method, path)]

    def _answer(self, seen: Seen) -> Reply:
        path = urlsplit(seen.path).path
        scripted = self.replies.get((seen.method, path))
        if scripted:
            return scripted.pop(0) if len(scripted) > 1 else scripted[0]
        if (seen.method, path) == ("POST", SEARCH):
            return self._search(seen)
        if (seen.method, path) in (("PUT", CONTACTS), ("DELETE", MEMBERS)):
            self.jobs += 1
            return Reply(202, {"job_id": f"job-{self.jobs}"})
        if path.startswith(JOBS):
            return Reply(body={"id": "x", "status": "completed", "results": {}})
        if path == f"{LISTS}/{LIST.id}":
            return Reply(body={"id": LIST.id, "name": LIST.name, "contact_count": 0})
        raise AssertionError(f"nobody expected {seen.method} {seen.path}")

    def _search(self, seen: Seen) -> Reply:
        asked = orjson.loads(seen.body)["identifiers"]
        found = {
            address: {"contact": self.contacts[name]}
            if (name := address.partition("@")[0]) in self.contacts
            else {"error": "contact not found"}
            for address in asked
        }
        if not any("contact" in one for one in found.values()):
            return Reply(404, {"errors": [{"message": "contact not found"}]})
        return Reply(body={"result": found})


def contact(number: int, name: str, **more: Any) -> dict[str, Any]:
    """A contact as a search finds it."""
    return {
        "id": contact_id(number),
        "email": f"{name}@example.com",
        "list_ids": [],
        "segment_ids": [],
    } | more


def query(seen: Seen) -> dict[str, str]:
    """Of a request."""
    return dict(parse_qsl(urlsplit(seen.path).query))


def people(*names: str, ids: dict[str, str] | None = None, attributes: str | None = None) -> pa.Table:
    """Rows as the engine hands them over."""
    known = ids or {}
    columns: dict[str, list[str | None]] = {
        "EMAIL": [f"{name}@example.com" for name in names],
        "remote_id": [known.get(name) for name in names],
    }
    if attributes is not None:
        columns["attributes"] = [attributes] * len(names)
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def described(seen: Seen) -> str | None:
    """The operation that a request is, after its query and body were held against the official description.

    None where the description is not at hand.
    """
    official = description("sendgrid")
    if official is None:
        return None
    path = urlsplit(seen.path).path
    for whole in official.files:
        for template, operations in sorted(whole["paths"].items(), key=lambda entry: entry[0].count("{")):
            operation = operations.get(seen.method.lower())
            if operation and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                _hold(whole, operation, seen)
                return f"{seen.method} {template}"
    raise AssertionError(f"{seen.method} {path} is not in the description")


def _hold(whole: dict[str, Any], operation: dict[str, Any], seen: Seen) -> None:
    parameters = [
        whole["components"]["parameters"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
        for one in operation.get("parameters", [])
    ]
    named = {one["name"] for one in parameters if one["in"] == "query"}
    required = {one["name"] for one in parameters if one["in"] == "query" and one.get("required")}
    assert required <= set(query(seen)) <= named, seen.path.partition("?")[0]
    assert bool(seen.body) == ("requestBody" in operation)
    if seen.body:
        (media,) = operation["requestBody"]["content"].values()
        schema = {"allOf": [media["schema"]], "components": whole["components"]}
        faults = [fault.message for fault in OAS30Validator(schema).iter_errors(orjson.loads(seen.body))]
        assert not faults
        assert set(orjson.loads(seen.body)) <= set(media["schema"]["properties"])
