"""The official description of Pinterest's API, to hold requests and the sandbox's answers against."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import requests
from openapi_schema_validator import OAS30Validator

FOLDER = Path(__file__).parents[2] / "../shared/specs/pinterest"


@dataclass
class PinterestDescription:
    """Checks a request that was taken, and every answer."""

    whole: dict[str, Any]

    def check(self, method: str, path: str, body: object, answer: requests.Response) -> None:
        """Fails where either differs from the description, or is not in it."""
        operation = self._operation(method, path)
        if operation is None:
            assert answer.status_code in (401, 404), f"{method} {path} is not in the description"
            return
        if body is not None and answer.ok:
            (media,) = operation["requestBody"]["content"].values()
            self._hold(media["schema"], body, f"{method} {path}")
        described = operation["responses"].get(str(answer.status_code), operation["responses"]["default"])
        schema = described["content"]["application/json"]["schema"]
        self._hold(schema, answer.json(), f"{method} {path} → {answer.status_code}")

    def check_request(self, method: str, address: str, body: object) -> None:
        """Fails where a request differs from the description, in its body or the names in its query."""
        path, _, query = address.partition("?")
        operation = self._operation(method, path)
        assert operation is not None, f"{method} {path} is not in the description"
        named = {self._referred_parameter(parameter)["name"] for parameter in operation["parameters"]}
        assert {name for name, _ in parse_qsl(query)} <= named, f"{method} {path}: {query}"
        assert (body is None) == ("requestBody" not in operation), f"{method} {path}"
        if body is not None:
            (media,) = operation["requestBody"]["content"].values()
            self._hold(media["schema"], body, f"{method} {path}")

    def _hold(self, schema: Any, value: Any, where: str) -> None:
        resolved = self._resolved(schema)
        errors = list(OAS30Validator(resolved).iter_errors(value))
        assert not errors, f"{where}: {errors[0].message} at {errors[0].json_path}"
        unknown = set(value) - _properties(resolved)
        assert self._varies(schema) or not unknown, f"{where}: {unknown} are not in the description"

    def _operation(self, method: str, path: str) -> Any:
        for template, operations in self.whole["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                return operations.get(method.lower())
        return None

    def _varies(self, schema: Any) -> bool:
        """Further properties depend on a discriminator."""
        return "discriminator" in self._referred(schema)

    def _referred(self, part: Any) -> Any:
        """What a reference refers to, or the part itself."""
        if "$ref" not in part:
            return part
        return self.whole["components"]["schemas"][part["$ref"].rpartition("/")[2]]

    def _referred_parameter(self, part: Any) -> Any:
        return (
            self.whole["components"]["parameters"][part["$ref"].rpartition("/")[2]]
            if "$ref" in part
            else part
        )

    def _resolved(self, part: Any) -> Any:
        """Without references, and without discriminators: those name schemas that are not in the file."""
        if isinstance(part, list):
            return [self._resolved(item) for item in part]
        if not isinstance(part, dict):
            return part
        if "$ref" in part:
            return self._resolved(self._referred(part))
        return {name: self._resolved(value) for name, value in part.items() if name != "discriminator"}


def _properties(schema: dict[str, Any]) -> set[str]:
    return set(schema.get("properties", ())).union(*(_properties(part) for part in schema.get("allOf", ())))


@cache
def pinterest_description() -> PinterestDescription | None:
    """The checker, or None where the description is not at hand."""
    files = sorted(FOLDER.glob("*.openapi.json"))
    return PinterestDescription(json.loads(files[0].read_text("utf-8"))) if files else None
