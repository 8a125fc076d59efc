"""The official description of Mailchimp's API, to hold the sandbox's answers against."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import requests
from openapi_schema_validator import OAS30Validator

FOLDER = Path(__file__).parents[2] / "../shared/specs/mailchimp"


@dataclass
class OfficialAnswers:
    """Checks answers by path, method and status; remembers which operations it has seen."""

    paths: dict[str, Any]
    seen: set[tuple[str, str, int]] = field(default_factory=set)

    def check(self, method: str, path: str, answer: requests.Response) -> None:
        """Fails where an answer differs from the description, or is not in it."""
        template = self._template(path)
        if template is None:
            assert answer.status_code in (401, 404), f"{method} {path} is not in the description"
            return
        operation = self.paths[template].get(method.lower())
        if operation is None:
            assert answer.status_code == 405, f"{method} {template} is not in the description"
            return
        if answer.status_code == 429 or "json" not in answer.headers.get("content-type", ""):
            assert answer.status_code in (204, 429), (answer.status_code, template)
            return
        described = operation["responses"].get(str(answer.status_code), operation["responses"]["default"])
        schema = described["content"]["application/json"]["schema"]
        errors = list(OAS30Validator(schema).iter_errors(answer.json()))
        assert not errors, (
            f"{method} {template} → {answer.status_code}: {errors[0].message} at {errors[0].json_path}"
        )
        if answer.status_code == 200:
            known, present = set(schema["properties"]), set(answer.json())
            assert present <= known, f"{method} {template}: {present - known} are not in the description"
        self.seen.add((method, template, answer.status_code))

    def _template(self, path: str) -> str | None:
        for template in self.paths:
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                return template
        return None


@cache
def official_answers() -> OfficialAnswers | None:
    """The checker, or None where the description is not at hand."""
    files = sorted(FOLDER.glob("*.openapi.json"))
    return (
        OfficialAnswers(_without_discriminators(json.loads(files[0].read_text("utf-8"))["paths"]))
        if files
        else None
    )


def _without_discriminators(part: Any) -> Any:
    """The description's discriminators name schemas that are not in it; `oneOf` alone says as much."""
    if isinstance(part, dict):
        return {
            name: _without_discriminators(value) for name, value in part.items() if name != "discriminator"
        }
    return [_without_discriminators(item) for item in part] if isinstance(part, list) else part
