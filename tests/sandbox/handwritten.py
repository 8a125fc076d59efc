"""Operations of email tools in the project's own words: a second reading of what a tool is sent and answers."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import requests
from openapi_schema_validator import OAS31Validator

OPTIONAL = frozenset({"paging", "ids"})
"""What an answer may lack: the last page, an error that names nobody."""
FILE = Path(__file__).parents[2] / "../shared/specs/handwritten/email-tools.operations.json"


@dataclass
class Operations:
    """Checks one tool's calls that were answered well; remembers which operations it has seen."""

    known: list[dict[str, Any]]
    seen: set[str] = field(default_factory=set)

    def check(self, path: str, answer: requests.Response) -> None:
        """Fails where the body that was sent is not as described, or the answer lacks what the example holds."""
        operation = self._operation(str(answer.request.method), path)
        told = [one for one in (operation or {}).get("responses", []) if "example" in one]
        examples = {one["status"]: one["example"] for one in told}
        if operation is None or answer.status_code not in examples or answer.status_code >= 300:
            return
        if "body_schema" in operation:
            errors = list(
                OAS31Validator(operation["body_schema"]).iter_errors(json.loads(answer.request.body or ""))
            )
            assert not errors, (operation["id"], errors[0].message)
        _compare(examples[answer.status_code], answer.json(), operation["id"])
        self.seen.add(operation["id"])

    def _operation(self, method: str, path: str) -> dict[str, Any] | None:
        for operation in self.known:
            pattern = re.sub(r"\{\w+\}", "[^/]+", operation["path"])
            if operation["method"] == method and re.fullmatch(pattern, path):
                return operation
        return None


def _compare(example: Any, value: Any, place: str) -> None:
    """Every key of the example is in the value, and what stands there is of the same kind."""
    if isinstance(example, dict):
        assert isinstance(value, dict), place
        for name, part in example.items():
            if name in OPTIONAL - set(value):
                continue
            assert name in value, f"{place}.{name}"
            _compare(part, value[name], f"{place}.{name}")
    elif isinstance(example, list):
        assert isinstance(value, list), place
        for item in value:
            if example:
                _compare(example[0], item, f"{place}[]")
    else:
        assert type(example) is type(value), f"{place}: {type(value).__name__}"


@cache
def operations(tool: str) -> Operations | None:
    """The checker of a tool, or None where the description is not at hand."""
    if not FILE.exists():
        return None
    described = json.loads(FILE.read_text("utf-8"))["operations"]
    return Operations([operation for operation in described if operation["tool"] == tool])
