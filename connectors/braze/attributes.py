"""Custom attributes as audiences: what ours are called, which are there, and whether they can be written."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping

from requests.utils import parse_header_links

from connectors.account import MOST_PAGES, items_of, object_of, query_of
from connectors.base import ActionNeeded
from connectors.wire import Answer

OTHER_TYPES = ("string", "number", "array", "time", "date", "object")
"""How types of attributes begin that take no true or false."""
NOT_WRITABLE = ("block", "black", "trash")
"""How states of attributes begin whose values are dropped without a word."""
LONGEST_NAME = 128

Ask = Callable[[Mapping[str, str]], Answer]


def name_of(prefix: str, audience: str) -> str:
    """The prefix, and the audience's name in letters that any filter takes. Raises ActionNeeded for none."""
    plain = unicodedata.normalize("NFKD", audience).encode("ascii", "ignore").decode().lower()
    words = re.findall(r"[a-z0-9]+", plain)
    name = prefix + "_".join(words)
    if not words or len(name) > LONGEST_NAME:
        raise ActionNeeded(
            "Braze: the audience's name must have Latin letters or digits, and make an attribute of at most "
            f"{LONGEST_NAME} characters"
        )
    return name


def listed(ask: Ask) -> Iterator[Mapping[str, object]]:
    """Every custom attribute, page by page; a link in a header leads to the next one."""
    cursor: Mapping[str, str] = {}
    for _ in range(MOST_PAGES):
        answer = ask(cursor)
        yield from items_of(object_of(answer).get("attributes"))
        links = parse_header_links(answer.headers.get("Link", ""))
        before, cursor = cursor, query_of(next((one["url"] for one in links if one.get("rel") == "next"), ""))
        if not cursor:
            return
        if cursor == before:
            break
    raise ActionNeeded("Braze: the list of custom attributes does not end")


def require_writable(name: str, found: Mapping[str, object]) -> None:
    """Raise ActionNeeded for an attribute whose values Braze refuses, or drops without a word."""
    kind, status = str(found.get("data_type", "")).lower(), str(found.get("status", "")).lower()
    if kind.startswith(OTHER_TYPES):
        raise ActionNeeded(
            f"Braze: the attribute {name} is there and holds no true or false; rename the audience"
        )
    if status.startswith(NOT_WRITABLE):
        raise ActionNeeded(f"Braze: the attribute {name} is blocked; unblock it among the custom attributes")
