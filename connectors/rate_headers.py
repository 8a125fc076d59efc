"""What a platform's answer says of the requests that are left, in the headers that many have in common.

Known: ``RateLimit`` with ``r`` and ``t`` beside ``RateLimit-Policy`` with ``q``, and ``RateLimit-Remaining`` with
``-Reset`` (IETF draft "RateLimit header fields for HTTP"), and the older ``X-RateLimit-*`` and ``X-Rate-Limit-*`` of
many platforms, whose reset is in seconds from now or a moment in Unix time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.base import Window

_PREFIXES = ("RateLimit-", "X-RateLimit-", "X-Rate-Limit-")
_FIRST_MOMENT = 1_000_000_000
"""Numbers from here on are moments in Unix time: no platform asks to wait for thirty years."""


@dataclass(frozen=True, slots=True)
class Left:
    """Requests that a window takes yet."""

    requests: int
    resets_in: float | None
    """Seconds until it is full again, None when the answer does not say."""
    limit: int | None
    """Requests that the whole window takes, None when the answer does not say."""


def left(headers: Mapping[str, str], now: datetime) -> Iterator[Left]:
    """What an answer's headers say is left; nothing when they say nothing that can be read."""
    quotas = {_name(policy): _parameter(policy, "q") for policy in _listed(headers, "RateLimit-Policy")}
    for policy in _listed(headers, "RateLimit"):
        remaining, reset = _parameter(policy, "r"), _parameter(policy, "t")
        if remaining is not None:
            yield Left(remaining, None if reset is None else float(reset), quotas.get(_name(policy)))
    for prefix in _PREFIXES:
        requests = _number(headers.get(f"{prefix}Remaining"))
        if requests is not None:
            limit = _number(headers.get(f"{prefix}Limit"))
            resets_in = _seconds(headers.get(f"{prefix}Reset"), now)
            yield Left(int(requests), resets_in, None if limit is None else int(limit))


def window_of(told: Left, windows: Sequence[Window]) -> Window | None:
    """Which declared window the platform speaks of: of the size it names, else the shortest that lasts long enough."""
    sized = [window for window in windows if window.requests == told.limit]
    lasting = [window for window in windows if window.per.total_seconds() >= (told.resets_in or 0)]
    return min(sized or lasting, key=lambda window: window.per, default=None)


def _listed(headers: Mapping[str, str], name: str) -> list[str]:
    return headers.get(name, "").split(",")


def _name(policy: str) -> str:
    return policy.partition(";")[0].strip()


def _parameter(policy: str, name: str) -> int | None:
    found = re.search(rf"\b{name}=([0-9]{{1,15}})", policy)
    return int(found[1]) if found else None


def _number(text: str | None) -> float | None:
    """The first number of a header's value (``100, 100;w=60``), None without one; never negative."""
    found = re.match(r"\s*(-?[0-9]{1,15}(?:\.[0-9]+)?)\s*(?:[,;]|$)", text or "")
    return max(0.0, float(found[1])) if found else None


def _seconds(text: str | None, now: datetime) -> float | None:
    number = _number(text)
    if number is None or number < _FIRST_MOMENT:
        return number
    return max(0.0, number - now.timestamp())
