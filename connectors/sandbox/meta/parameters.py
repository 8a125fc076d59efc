"""The parameters of a Graph call: query, form or JSON body in one mapping, as the Graph API merges them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qsl

import orjson
from pydantic import BaseModel, ValidationError

from connectors.sandbox.meta.errors import GraphError, GraphRefusal, invalid
from connectors.sandbox.wire import Call, Json

M = TypeVar("M", bound=BaseModel)

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
ANYWHERE = frozenset(
    {"access_token", "appsecret_proof", "appsecret_time", "method", "format", "locale", "pretty"}
)
"""Parameters that every call may carry besides its own."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """Named values of one call. Values from a query or form are text; those from a JSON body are typed."""

    values: Mapping[str, Json]
    method: str
    """The method meant: ``method=DELETE`` in a POST makes it a DELETE."""

    def text(self, name: str) -> str | None:
        """A parameter as text, or None."""
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def model(self, kind: type[M]) -> M:
        """The call's own parameters as a request model. Raises GraphRefusal (#100) naming the first fault."""
        own = {name: value for name, value in self.values.items() if name not in ANYWHERE}
        decoded = {name: _decoded(kind, name, value) for name, value in own.items()}
        try:
            return kind.model_validate(decoded)
        except ValidationError as error:
            raise GraphRefusal(_as_graph_error(error)) from None


def read_parameters(call: Call) -> Parameters:
    """Merge query and body. Raises GraphRefusal for a body that is not what its content type says."""
    values: dict[str, Json] = dict(call.query)
    content_type = call.headers.get("content-type", "").split(";")[0].strip().lower()
    if call.body and content_type == JSON:
        values.update(_json_body(call.body))
    elif call.body and content_type == FORM:
        try:
            values.update(parse_qsl(call.body.decode("utf-8"), keep_blank_values=True, strict_parsing=True))
        except ValueError:
            raise GraphRefusal(invalid("The request body is not valid form data")) from None
    override = values.get("method")
    if override is None or call.method != "POST":
        return Parameters(values, call.method)
    if not isinstance(override, str) or override.upper() not in ("GET", "POST", "DELETE"):
        raise GraphRefusal(invalid("Param method must be one of {GET, POST, DELETE}"))
    return Parameters(values, override.upper())


def _json_body(body: bytes) -> dict[str, Json]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise GraphRefusal(invalid("The request body is not valid JSON")) from None
    if not isinstance(parsed, dict):
        raise GraphRefusal(invalid("The request body must be a JSON object"))
    return parsed


def _decoded(kind: type[BaseModel], name: str, value: Json) -> Json:
    """Form and query values of other types than text are JSON, as the Graph API reads them."""
    field = kind.model_fields.get(name)
    if field is None or not isinstance(value, str) or field.annotation in (str, str | None):
        return value
    if "Literal" in str(field.annotation):
        return value
    try:
        parsed: Json = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise GraphRefusal(invalid(f"Param {name} must be valid JSON")) from None
    return parsed


def _as_graph_error(error: ValidationError) -> GraphError:
    first = error.errors(include_url=False, include_input=False)[0]
    where = [str(part) for part in first["loc"]]
    name = "".join([where[0], *(f"[{part}]" for part in where[1:])]) if where else "body"
    if first["type"] == "missing":
        return invalid(f"The parameter {name} is required")
    if first["type"] == "extra_forbidden":
        return invalid(f"Unknown parameter {name}")
    return invalid(f"Param {name}: {first['msg']}")
