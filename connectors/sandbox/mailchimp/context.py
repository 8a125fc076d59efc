"""What every handler of the Marketing API gets, and how it reads a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from connectors.sandbox.mailchimp.errors import (
    BAD_JSON,
    NOT_JSON,
    FieldFault,
    Problem,
    Refusal,
    from_validation,
    invalid_resource,
)
from connectors.sandbox.mailchimp.requests import NoQuery
from connectors.sandbox.store import Store
from connectors.sandbox.switches import Switches
from connectors.sandbox.wire import Call, Json

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Context:
    """One call on its way through the platform."""

    store: Store
    call: Call
    switches: Switches

    def query(self, kind: type[M]) -> M:
        """The query parameters. Raises Refusal (400) for an unknown or unreadable one."""
        try:
            return kind.model_validate(dict(self.call.query))
        except ValidationError as error:
            raise Refusal(from_validation(error)) from None

    def body(self, kind: type[M]) -> M:
        """The body as a request model. Raises Refusal (400, 415)."""
        content_type = self.call.headers.get("content-type", "").split(";")[0].strip().lower()
        if content_type != "application/json":
            raise Refusal(NOT_JSON)
        try:
            parsed: Json = orjson.loads(self.call.body)
        except orjson.JSONDecodeError:
            raise Refusal(BAD_JSON) from None
        if not isinstance(parsed, dict):
            raise Refusal(
                invalid_resource(FieldFault("", "Schema describes object, other type found instead."))
            )
        try:
            return kind.model_validate(parsed)
        except ValidationError as error:
            raise Refusal(from_validation(error)) from None

    def expect_nothing(self) -> None:
        """For calls that take neither query nor body (``null`` is how some clients send none)."""
        self.query(NoQuery)
        if self.call.body not in (b"", b"null", b"{}"):
            raise Refusal(
                Problem(400, "Bad Request", "Your request could not be processed: no body was expected.")
            )
