"""Holding requests to Mailchimp's official OpenAPI file, which lies beside a developer's checkout only."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from openapi_schema_validator import OAS30WriteValidator
from referencing import Registry
from referencing.jsonschema import DRAFT4
from requests.adapters import HTTPAdapter

SPEC = (
    Path(__file__).parents[2] / "../shared/specs/mailchimp/mailchimp-marketing-3.0.55.audience.openapi.json"
)
WHY_ABSENT = "Mailchimp's OpenAPI file is not beside this checkout"


@cache
def _spec() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SPEC.read_text())
    return found


class OpenApiAdapter(HTTPAdapter):
    """Sends a request only after the official description has nothing against it."""

    def __init__(self) -> None:
        super().__init__(pool_maxsize=10)
        self.checked = 0

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        problems = violations(request)
        assert problems == [], f"{request.method} violates the OpenAPI file: {problems}"
        self.checked += 1
        return super().send(request, *args, **kwargs)


def violations(request: requests.PreparedRequest) -> list[str]:
    """What the official description has against a request; empty when nothing."""
    parts = urlsplit(str(request.url))
    path = parts.path.partition("/3.0")[2]
    operation = _operation(str(request.method), path)
    if operation is None:
        return [f"no operation {request.method} {path}"]
    known = {p["name"] for p in operation.get("parameters", []) if p["in"] == "query"}
    problems = [f"unknown query parameter {name}" for name, _ in parse_qsl(parts.query) if name not in known]
    body = operation.get("requestBody")
    if request.body is None:
        return problems + (["body missing"] if body and body.get("required") else [])
    if body is None:
        return [*problems, "a body where none belongs"]
    schema = body["content"]["application/json"]["schema"]
    instance = json.loads(request.body)
    if "$ref" in schema:
        schema = _spec()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    unknown = set(instance) - set(schema.get("properties", {}))
    registry = Registry().with_resource("", DRAFT4.create_resource(_spec()))
    errors = OAS30WriteValidator(schema, registry=registry).iter_errors(instance)
    return problems + [f"unknown field {name}" for name in unknown] + [error.message for error in errors]


def _operation(method: str, path: str) -> dict[str, Any] | None:
    for template, operations in _spec()["paths"].items():
        pattern = re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, path) and method.lower() in operations:
            found: dict[str, Any] = operations[method.lower()]
            return found
    return None
