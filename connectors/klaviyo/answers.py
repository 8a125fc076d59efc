"""What Klaviyo's answers mean: resources, errors, pages and what is left of a limit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from connectors import rate_headers
from connectors.account import items_of, object_of, query_of
from connectors.meanings import Meaning, Then, Told
from connectors.rate_headers import Left
from connectors.wire import Answer

NAMED_ROWS = "rows"
ERRORS: Mapping[str | int, Meaning] = {
    NAMED_ROWS: Meaning(Then.ROWS, "people of the request are refused"),
    200: Meaning(Then.DOUBT, "an error under HTTP 200, which is not documented"),
    401: Meaning(Then.SIGN_IN, "the API key is not valid"),
    403: Meaning(Then.SIGN_IN, "the API key lacks a scope: it reads and writes lists and profiles"),
    410: Meaning(Then.ACT, "this revision of the API is retired; set {prefix}REVISION to a current one"),
    414: Meaning(Then.REFUSE, "the address is too long; set {prefix}RESOLVES_AT_ONCE lower"),
}
"""By status, as the spelling of Klaviyo's codes is not documented; errors that point at rows before all."""


def error_in(answer: Answer) -> Told | None:
    """The first error, also under HTTP 200, and the rows that any of them points at."""
    found = list(items_of(object_of(answer).get("errors")))
    if answer.status < 400 and not found:
        return None
    rows = dict(filter(None, map(row_of, found))) if answer.status in (400, 404) else {}
    first = found[0] if found else {}
    codes = (NAMED_ROWS,) if rows else (answer.status, str(first.get("code") or ""))
    return Told(codes, str(first.get("detail") or ""), str(first.get("id") or ""), rows=rows)


def row_of(error: Mapping[str, Any]) -> tuple[int, str] | None:
    """The row that an error points at (``/data/3/id``), and why; None for one about something else."""
    pointer = str(object_of(error.get("source")).get("pointer"))
    found = re.match(r"/data/(?:attributes/profiles/data/)?([0-9]{1,6})(?:/|$)", pointer)
    if found is None:
        return None
    code = str(error.get("code"))
    return int(found[1]), code if re.fullmatch(r"[a-z_]{1,40}", code) else "refused"


def data_of(answer: Answer) -> dict[str, Any]:
    """The one resource of an answer."""
    return object_of(object_of(answer).get("data"))


def attributes_of(resource: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of a resource."""
    return object_of(resource.get("attributes"))


def following(page: Mapping[str, Any]) -> Mapping[str, str]:
    """The cursor of the next page."""
    cursor = query_of(object_of(page.get("links")).get("next")).get("page[cursor]")
    return {"page[cursor]": cursor} if cursor else {}


def spent(headers: Mapping[str, str], now: datetime) -> Iterable[Left]:
    """Endpoints are counted one by one; what is left of one says nothing of the others, except that it is nothing."""
    return (left for left in rate_headers.left(headers, now) if not left.requests)
