"""The official descriptions of email tools' APIs, to hold requests and the sandbox's answers against."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import requests
from openapi_schema_validator import OAS30Validator, OAS31Validator

FOLDER = Path(__file__).parents[2] / "../shared/specs"


@dataclass
class Description:
    """One tool's files; checks what was taken and what was answered, and remembers which operations it has seen."""

    files: list[dict[str, Any]]
    seen: set[tuple[str, str, int]] = field(default_factory=set)

    def check(self, path: str, answer: requests.Response) -> None:
        """Fails where a request that was taken, or any answer, differs from the description, or is not in it."""
        method = str(answer.request.method)
        found = self._operation(method, path)
        if found is None:
            assert answer.status_code in (401, 404), f"{method} {path} is not in the description"
            return
        template, operation, whole = found
        where = f"{method} {template} → {answer.status_code}"
        sent = answer.request.body
        if sent and answer.ok:
            (media,) = _referred(operation["requestBody"], whole)["content"].values()
            _hold(media["schema"], json.loads(sent), whole, f"{method} {template}")
        responses = operation["responses"]
        code = str(answer.status_code)
        described = responses.get(code, responses.get(f"{code[0]}XX"))
        if described is None:
            assert not answer.ok, f"{where} is not in the description"
            return
        described = _referred(described, whole)
        if answer.ok and answer.content:
            (media,) = described["content"].values()
            _hold(media["schema"], answer.json(), whole, where)
        self.seen.add((method, template, answer.status_code))

    def _operation(self, method: str, path: str) -> tuple[str, Any, Any] | None:
        for whole in self.files:
            for template, operations in sorted(whole["paths"].items(), key=lambda entry: entry[0].count("{")):
                pattern = re.sub(r"\{\w+\}", "[^/]+", template)
                if re.fullmatch(pattern, unquote(path)) and method.lower() in operations:
                    return template, operations[method.lower()], whole
        return None


def _hold(schema: Any, value: Any, whole: Any, where: str) -> None:
    validator = OAS31Validator if whole["openapi"].startswith("3.1") else OAS30Validator
    errors = list(validator({"allOf": [schema], "components": whole["components"]}).iter_errors(value))
    assert not errors, f"{where}: {errors[0].message} at {errors[0].json_path}"
    unknown = list(_unknown(schema, value, whole, "$"))
    assert not unknown, f"{where}: {unknown} are not in the description"


def _unknown(schema: Any, value: Any, whole: Any, place: str) -> Iterator[str]:
    """Places of members that the description does not name."""
    if isinstance(value, list):
        items = {"allOf": list(_items(schema, whole))}
        for part in value:
            yield from _unknown(items, part, whole, f"{place}[]")
    elif isinstance(value, dict):
        known: dict[str, Any] = {}
        for name, described in _properties(schema, whole):
            known.setdefault(name, {"allOf": []})["allOf"].append(described)
        for name, part in value.items() if known else ():
            if name not in known:
                yield f"{place}.{name}"
            else:
                yield from _unknown(known[name], part, whole, f"{place}.{name}")


def _parts(schema: Any, whole: Any) -> Iterator[Any]:
    """A schema without references, and those that it is made of."""
    referred = _referred(schema, whole)
    yield referred
    for part in (*referred.get("oneOf", ()), *referred.get("anyOf", ()), *referred.get("allOf", ())):
        yield from _parts(part, whole)


def _items(schema: Any, whole: Any) -> Iterator[Any]:
    return (part["items"] for part in _parts(schema, whole) if "items" in part)


def _properties(schema: Any, whole: Any) -> Iterator[tuple[str, Any]]:
    for part in _parts(schema, whole):
        yield from part.get("properties", {}).items()


def _referred(part: Any, whole: Any) -> Any:
    """What a reference refers to, or the part itself."""
    while "$ref" in part:
        found = whole
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


@cache
def description(tool: str) -> Description | None:
    """The checker, or None where the descriptions are not at hand."""
    files = sorted((FOLDER / tool).glob("*.json"))
    return Description([_plain(json.loads(file.read_text("utf-8"))) for file in files]) if files else None


def _plain(part: Any) -> Any:
    """The description as it is meant: null is among the choices where it may be chosen, a job's id is a text, and
    the one custom field is an example."""
    if isinstance(part, list):
        return [_plain(item) for item in part]
    if not isinstance(part, dict):
        return part
    plain = {name: _plain(value) for name, value in part.items()}
    if plain.get("nullable") is True and "oneOf" in plain:
        plain["oneOf"] = [*plain["oneOf"], {"type": "string", "nullable": True, "enum": [None]}]
    if isinstance(plain.get("job_id"), dict):
        plain["job_id"] = {"type": "string"}
    if isinstance(plain.get("custom_fields"), dict) and plain["custom_fields"].get("type") == "object":
        plain["custom_fields"] = {"type": "object"}
    return plain
