"""What a connector sent, held to the second reading of its tool: operations in the project's own words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from openapi_schema_validator import OAS31Validator

from tests.connectors.server import Seen
from tests.sandbox.handwritten import FILE


def as_described(tool: str, seen: Iterable[Seen]) -> list[str]:
    """Ids of the operations that the requests are, each held to its description; others are passed by.

    Skips where the description is not at hand.
    """
    if not FILE.exists():
        pytest.skip("the description of the email tools' operations is not at hand")
    operations = [one for one in json.loads(FILE.read_text("utf-8"))["operations"] if one["tool"] == tool]
    return [found["id"] for one in seen if (found := _operation(operations, one)) is not None]


def _operation(operations: list[dict[str, Any]], seen: Seen) -> dict[str, Any] | None:
    parts = urlsplit(seen.path)
    for operation in operations:
        pattern = re.sub(r"\{\w+\}", "[^/]+", operation["path"])
        if operation["method"] == seen.method and re.fullmatch(pattern, parts.path):
            _hold(operation, seen, parse_qs(parts.query))
            return operation
    return None


def _hold(operation: dict[str, Any], seen: Seen, query: dict[str, list[str]]) -> None:
    assert set(operation["required_headers"]) <= set(seen.headers), operation["id"]
    assert len(seen.body) <= operation.get("max_body_bytes", len(seen.body)), operation["id"]
    assert set(query) <= set(operation.get("query", {})), operation["id"]
    if "body_schema" in operation:
        errors = list(OAS31Validator(operation["body_schema"]).iter_errors(seen.json))
        assert not errors, (operation["id"], errors[0].message)
