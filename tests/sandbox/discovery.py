"""Google's discovery document, to hold what the sandbox is sent and what it answers against."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import requests
from requests.models import PreparedRequest

FILE = Path(__file__).parents[2] / "../shared/specs/google-datamanager/datamanager.v1.json"

_PLAIN: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


@dataclass
class Discovered:
    """Checks calls by method and path; remembers which methods of the API it has seen answered."""

    document: dict[str, Any]
    seen: set[str] = field(default_factory=set)

    def check(self, answer: requests.Response) -> None:
        """Fails where a call that was answered well is not as described: a field, a type, a value of an enum."""
        sent = answer.request
        method = self._method(sent)
        assert method is not None, f"{sent.method} {sent.path_url} is not in the document"
        if answer.status_code != 200:
            return
        if sent.body:
            self._compare(method["request"], json.loads(sent.body), method["id"])
        self._compare(method["response"], answer.json(), method["id"])
        self.seen.add(method["id"])

    def _method(self, sent: PreparedRequest) -> dict[str, Any] | None:
        path, _, query = sent.path_url.removeprefix("/google/").partition("?")
        for method in _methods(self.document):
            pattern = re.sub(r"\{\w+\}", "[^/:]+", method["flatPath"])
            if method["httpMethod"] == sent.method and re.fullmatch(pattern, path):
                names = {part.partition("=")[0] for part in query.split("&") if part}
                assert names <= set(method["parameters"]), (method["id"], names)
                return dict(method)
        return None

    def _compare(self, schema: dict[str, Any], value: Any, place: str) -> None:
        if "$ref" in schema:
            schema = {"type": "object", **self.document["schemas"][schema["$ref"]]}
        match schema["type"]:
            case "object":
                assert isinstance(value, dict), place
                known = schema.get("properties", {})
                assert set(value) <= set(known), f"{place}: {set(value) - set(known)} are not in the document"
                for name, part in value.items():
                    self._compare(known[name], part, f"{place}.{name}")
            case "array":
                assert isinstance(value, list), place
                for part in value:
                    self._compare(schema["items"], part, f"{place}[]")
            case plain:
                assert isinstance(value, _PLAIN[plain]), f"{place} is no {plain}"
                assert value in schema.get("enum", [value]), f"{place}: {value}"
                if schema.get("format") == "int64":
                    assert value.isdecimal(), f"{place} is no number"


def _methods(part: dict[str, Any]) -> list[dict[str, Any]]:
    below = [method for inner in part.get("resources", {}).values() for method in _methods(inner)]
    return [*part.get("methods", {}).values(), *below]


@cache
def discovered() -> Discovered | None:
    """The checker, or None where the document is not at hand."""
    return Discovered(json.loads(FILE.read_text("utf-8"))) if FILE.exists() else None
