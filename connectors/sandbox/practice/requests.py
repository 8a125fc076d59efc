"""Request models of the practice platform. Unknown fields are refused."""

from __future__ import annotations

from typing import Literal, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.sandbox.practice.errors import PracticeRefusal, invalid
from connectors.sandbox.wire import Call

MAX_ROWS = 10_000
"""Rows in one request."""
MAX_NAME = 80

Op = Literal["add", "remove"]
Delivering = Literal["direct", "session", "job"]
Verdicts = Literal["per_row", "whole_request", "count_and_samples", "count", "none"]
Positions = Literal["zero_based", "one_based", "text", "key"]


class PracticeRequest(BaseModel):
    """Strict: no coercion, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CreateAudience(PracticeRequest):
    """``POST /audiences``: the same marker is the same audience."""

    name: str = Field(min_length=1, max_length=MAX_NAME)
    marker: str = Field(min_length=1)
    delivery: Delivering = "direct"
    verdicts: Verdicts = "per_row"
    blame: bool = True
    """Whether a request that is refused as a whole names the rows to blame."""
    positions: Positions = "zero_based"
    errors_in_success: bool = False
    """Whether errors about this audience's members come in an HTTP 200."""


class Row(PracticeRequest):
    """One person: SHA-256 in hex, null where unknown. ``key`` is the caller's own, for answers by key."""

    email: str | None = None
    phone: str | None = None
    key: str | None = None


class EditMembers(PracticeRequest):
    """``POST /audiences/{id}/members`` and ``…/jobs``."""

    op: Op
    rows: list[Row] = Field(min_length=1, max_length=MAX_ROWS)


class OpenSession(PracticeRequest):
    """``POST /audiences/{id}/sessions``."""

    op: Op


class SessionBatch(PracticeRequest):
    """``POST /audiences/{id}/sessions/{session}/batches``: numbered from 1; the last one closes the session."""

    number: int = Field(ge=1)
    last: bool = False
    rows: list[Row] = Field(min_length=1, max_length=MAX_ROWS)


Model = TypeVar("Model", bound=PracticeRequest)


def read(call: Call, model: type[Model]) -> Model:
    """The call's body. Raises PracticeRefusal (400) naming the first field that is wrong, never its value."""
    if call.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise PracticeRefusal(invalid("The body must be declared as application/json."))
    try:
        return model.model_validate(orjson.loads(call.body))
    except orjson.JSONDecodeError:
        raise PracticeRefusal(invalid("The body is no JSON.")) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PracticeRefusal(invalid(f"{place or 'body'}: {first['msg']}")) from None
