"""How Klaviyo's reading calls are asked: filters, sparse fields, pages."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from connectors.sandbox.email.klaviyo_words import error, errors
from connectors.sandbox.email.platform import Refusal
from connectors.sandbox.wire import Call, Json

MAX_ANY = 100
"""Values of one ``any``; the documents name no number."""

MOMENTS = ("greater-or-equal", "greater-than", "less-or-equal", "less-than")
"""How moments are compared."""

_TEXT = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
_VALUE = rf"\[(?:(?:{_TEXT})(?:,\s*)?)*\]|{_TEXT}|[0-9TZ:+.\-]+"
_CONDITION = re.compile(rf"([a-z-]+)\(([A-Za-z_.]+),\s*({_VALUE})\)(?:,(?=[a-z])|$)")


def refuse(parameter: str, detail: str) -> Refusal:
    """400 for what stands in the query."""
    return Refusal(errors([error("invalid", detail, parameter=parameter)]))


@dataclass(frozen=True, slots=True)
class Condition:
    """One part of a filter; all have to hold."""

    operator: str
    field: str
    values: tuple[str, ...]

    def holds(self, value: str | float | None) -> bool:
        """Whether a text is among the values, or a moment lies as it should."""
        if isinstance(value, float):
            moment = datetime.fromisoformat(self.values[0].replace("Z", "+00:00")).timestamp()
            return {
                "greater-than": value > moment,
                "greater-or-equal": value >= moment,
                "less-than": value < moment,
                "less-or-equal": value <= moment,
            }[self.operator]
        return value is not None and value in self.values


def check_names(call: Call, known: Collection[str]) -> None:
    """Raises Refusal for a parameter that the call does not take."""
    for name in call.query:
        if name not in known:
            raise refuse(name, f"'{name}' is not a parameter of this resource.")


def conditions(call: Call, allowed: Mapping[str, Collection[str]]) -> list[Condition]:
    """The filter, empty without one; ``allowed`` are the operators by field. Raises Refusal."""
    text = call.query.get("filter", "")
    found: list[Condition] = []
    at = 0
    while at < len(text):
        part = _CONDITION.match(text, at)
        if part is None:
            raise refuse("filter", "The filter is malformed.")
        operator, field, written = part.groups()
        if operator not in allowed.get(field, ()):
            raise refuse("filter", f"'{operator}' is not supported for '{field}'.")
        values = tuple(_unquoted(one) for one in re.findall(_TEXT, written)) or (written,)
        is_list = written.startswith("[")
        if operator == "any" and (not is_list or not re.findall(_TEXT, written) or len(values) > MAX_ANY):
            raise refuse("filter", f"'any' takes a list of 1 to {MAX_ANY} values.")
        if operator != "any" and len(values) > 1:
            raise refuse("filter", f"'{operator}' takes one value.")
        if operator not in ("any", "equals") and not _is_moment(values[0]):
            raise refuse("filter", f"'{field}' is compared with a moment.")
        if field == "email":
            values = tuple(value.lower() for value in values)
        found.append(Condition(operator, field, values))
        at = part.end()
    return found


def page_size(call: Call, default: int, maximum: int) -> int:
    """``page[size]``. Raises Refusal."""
    given = call.query.get("page[size]", str(default))
    if not re.fullmatch(r"[0-9]{1,4}", given) or not 1 <= int(given) <= maximum:
        raise refuse("page[size]", f"Must be between 1 and {maximum}.")
    return int(given)


def cursor(call: Call) -> str:
    """What ``page[cursor]`` says, empty without it. Raises Refusal for one that was never given out."""
    given = call.query.get("page[cursor]", "")
    try:
        kind, _, place = urlsafe_b64decode(given.encode("ascii")).decode("ascii").partition("::")
    except ValueError:
        kind, place = "", ""
    if given and (kind != "next" or not place):
        raise refuse("page[cursor]", "Invalid cursor.")
    return place


def number_cursor(call: Call) -> int:
    """A cursor that counts. Raises Refusal."""
    place = cursor(call) or "0"
    if not place.isdecimal():
        raise refuse("page[cursor]", "Invalid cursor.")
    return int(place)


def links(call: Call, following: object = None) -> dict[str, Json]:
    """This page's address and, where more follows, the next one's."""
    here = f"{call.base_url}{call.path}"
    kept = {name: value for name, value in call.query.items() if name != "page[cursor]"}
    shown: dict[str, Json] = {"self": f"{here}?{_query(kept)}" if kept else here}
    if following is not None:
        token = urlsafe_b64encode(f"next::{following}".encode()).decode()
        shown["next"] = f"{here}?{_query({**kept, 'page[cursor]': token})}"
    return shown


def chosen(call: Call, kind: str, known: Collection[str]) -> frozenset[str]:
    """The fields that are wanted: all that are known unless ``fields[…]`` names some. Raises Refusal."""
    name = f"fields[{kind}]"
    if name not in call.query:
        return frozenset(known)
    wanted = frozenset(part.strip() for part in call.query[name].split(",") if part.strip())
    if not wanted <= {*known, "id"}:
        raise refuse(name, "A field of this resource is unknown.")
    return wanted


def also(call: Call, kind: str, known: Collection[str]) -> frozenset[str]:
    """What ``additional-fields[…]`` asks for. Raises Refusal."""
    name = f"additional-fields[{kind}]"
    wanted = frozenset(part for part in call.query.get(name, "").split(",") if part)
    if not wanted <= set(known):
        raise refuse(name, "An additional field of this resource is unknown.")
    return wanted


def _query(parameters: Mapping[str, str]) -> str:
    return "&".join(f"{quote(name)}={quote(value)}" for name, value in parameters.items())


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _is_moment(text: str) -> bool:
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True
