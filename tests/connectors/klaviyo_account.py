"""A scripted Klaviyo account: profiles, one list, import jobs; and the official description of its requests."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pyarrow as pa
from openapi_schema_validator import OAS30Validator

from connectors.base import Audience, Batch, Op
from connectors.klaviyo import KlaviyoConnector
from connectors.klaviyo.settings import KlaviyoSettings
from connectors.testing import FastTime
from tests.connectors.server import Reply, Scripted, Seen
from tests.sandbox.email_openapi import description

LIST = Audience("Y6nRLr", "Lapsed")
KEY = "pk_of-the-test"
LISTS, PROFILES, JOBS = "/api/lists", "/api/profiles", "/api/profile-bulk-import-jobs"
MEMBERS = f"{LISTS}/{LIST.id}/relationships/profiles"
JOB = "01GSQPBF74KQ5YTDEPP41T1BZH"


def opened(server: Scripted, time: FastTime, **more: Any) -> KlaviyoConnector:
    """A connector whose Klaviyo is the server."""
    settings: dict[str, Any] = {"api_key": KEY, "base_url": server.url, **more}
    connector = KlaviyoConnector("klaviyo", KlaviyoSettings(_env_file=None, **settings))
    connector.http.use_clock(time.clock)
    return connector


def profile_id(name: str) -> str:
    """Of the profile with the address ``<name>@example.com``."""
    return f"01GDDKAS-{name}"


def profile(name: str, **attributes: object) -> dict[str, object]:
    """As Klaviyo shows it."""
    shown = {"email": f"{name.title()}@example.com", **attributes}
    return {"type": "profile", "id": profile_id(name), "attributes": shown}


def resources(*items: dict[str, object], cursor: str | None = None) -> Reply:
    """A page; the link to the next one names another host, of which only the query is believed."""
    following = f"https://elsewhere.invalid/api/x?page%5Bcursor%5D={cursor}" if cursor else None
    return Reply(body={"data": list(items), "links": {"next": following}})


def a_list(id_: str, name: str) -> dict[str, object]:
    """A list as Klaviyo shows it."""
    return {"type": "list", "id": id_, "attributes": {"name": name}}


def the_list(**attributes: object) -> Reply:
    """The list, alone."""
    shown = {"name": LIST.name, **attributes}
    return Reply(body={"data": {**a_list(LIST.id, LIST.name), "attributes": shown}})


def job(status: str, failed: int = 0) -> Reply:
    """How an import stands."""
    counts = {"total_count": 3, "completed_count": 3 - failed, "failed_count": failed}
    data = {"type": "profile-bulk-import-job", "id": JOB, "attributes": {"status": status, **counts}}
    return Reply(202 if status == "queued" else 200, {"data": data})


def refusal(status: int, *pointers: str, code: str = "invalid") -> Reply:
    """Errors that point at these places of the request; it quotes somebody."""
    errors = [
        {"id": "e-1", "status": status, "code": code, "title": "x", "detail": "ann@example.com is odd"}
        | {"source": {"pointer": pointer}}
        for pointer in pointers or ("/data",)
    ]
    return Reply(status, {"errors": errors}, {"Content-Type": "application/vnd.api+json"})


class Account:
    """Answers as Klaviyo does, or as a test says for a method and path."""

    def __init__(self, server: Scripted, *known: str) -> None:
        self.server = server
        self.known = list(known)
        """Names of those who have a profile."""
        self.replies: dict[tuple[str, str], list[Reply]] = {}
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
        path = urlsplit(seen.path).path
        scripted = self.replies.get((seen.method, path))
        if scripted:
            return scripted.pop(0) if len(scripted) > 1 else scripted[0]
        if (seen.method, path) == ("GET", PROFILES):
            wanted = query(seen).get("filter", "")
            return resources(*(profile(name) for name in self.known if f'"{name}@example.com"' in wanted))
        if seen.method in ("POST", "DELETE") and path == MEMBERS:
            return Reply(204, b"")
        if (seen.method, path) == ("POST", JOBS):
            return job("queued")
        if (seen.method, path) == ("GET", f"{LISTS}/{LIST.id}"):
            return the_list()
        raise AssertionError(f"nobody expected {seen.method} {seen.path}")


def query(seen: Seen) -> dict[str, str]:
    """Of a request."""
    return dict(parse_qsl(urlsplit(seen.path).query))


def ids(*names: str) -> dict[str, object]:
    """The body that names these profiles."""
    return {"data": [{"type": "profile", "id": profile_id(name)} for name in names]}


def people(
    *names: str, remembered: dict[str, str] | None = None, **attributes: dict[str, object]
) -> pa.Table:
    """Rows as the engine hands them over."""
    known = remembered or {}
    columns: dict[str, list[str | None]] = {
        "EMAIL": [f"{name}@example.com" for name in names],
        "remote_id": [known.get(name) for name in names],
        "attributes": [
            orjson.dumps(attributes[name]).decode() if name in attributes else None for name in names
        ],
    }
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def batch(op: Op, size: int = 3) -> Batch:
    """A batch."""
    return Batch("01JD000000000000000000000A", op, 1, 1, size)


def described(seen: Seen) -> str | None:
    """The operation that a request is, after its query and body were held against the official description.

    None where the description is not at hand.
    """
    official = description("klaviyo")
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
    parameters = {one["name"]: one["schema"] for one in operation["parameters"] if one["in"] == "query"}
    for name, value in query(seen).items():
        schema = parameters[name]
        choices = schema.get("items", schema).get("enum")
        assert choices is None or set(value.split(",")) <= set(choices), f"{name} of {seen.path}"
    if "filter" in query(seen):
        _filter_is_allowed(operation["parameters"], query(seen)["filter"])
    assert bool(seen.body) == ("requestBody" in operation)
    if seen.body:
        (media,) = operation["requestBody"]["content"].values()
        schema = {"allOf": [media["schema"]], "components": whole["components"]}
        assert [fault.message for fault in OAS30Validator(schema).iter_errors(orjson.loads(seen.body))] == []


def _filter_is_allowed(parameters: list[dict[str, Any]], wanted: str) -> None:
    """The description names fields and operators in its text on the parameter."""
    operator, _, rest = wanted.partition("(")
    (text,) = [one["description"] for one in parameters if one["name"] == "filter"]
    allowed = re.findall(r"`([\w.]+)`: ((?:`[\w-]+`(?:, )?)+)", text)
    assert operator in re.findall(r"`([\w-]+)`", dict(allowed)[rest.partition(",")[0]])
