"""How much an ad account may be asked, and how much of it is spent by the headers Meta sends with every answer.

Source: Marketing API, "Rate Limiting", v26.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Literal

import orjson

from connectors.base import Window
from connectors.rate_headers import Left

Access = Literal["full", "limited"]

WINDOWS: Mapping[Access, tuple[Window, Window]] = {
    "full": (Window(3_000, timedelta(minutes=5)), Window(190_000, timedelta(hours=1))),
    "limited": (Window(20, timedelta(minutes=5)), Window(5_000, timedelta(hours=1))),
}
"""The account's score (9,000 or 60 points, forgotten after five minutes; a change is worth 3) and calls in an hour.

A question is worth one point only, and every audience adds 40 calls: the headers put that right.
"""

_PERCENTAGES = ("call_count", "total_cputime", "total_time", "acc_id_util_pct")
_FULL_PAUSE_SECONDS = 60.0
"""Pause at 100 % when Meta names no time; less in proportion below."""


def pause_seconds(headers: Mapping[str, str], limit_percent: float) -> float:
    """Seconds to hold back requests: 0 below the limit.

    ``X-Business-Use-Case-Usage`` names its time in minutes, ``X-Ad-Account-Usage`` in seconds.
    """
    return max((_pause(usage, limit_percent) for usage in _usages(headers)), default=0.0)


def regain_seconds(headers: Mapping[str, str]) -> float | None:
    """Seconds until Meta takes requests again, None when it named none."""
    named = max((_named_seconds(usage) for usage in _usages(headers)), default=0.0)
    return named or None


def left(headers: Mapping[str, str], access: Access) -> Iterator[Left]:
    """What the account takes yet, by the shares that Meta says are used.

    A share of all without a time says nothing: it is rounded, and a block comes with an error of its own.
    """
    score, calls = WINDOWS[access]
    for usage in _usages(headers):
        if "acc_id_util_pct" in usage:
            window, used = score, _number(usage["acc_id_util_pct"])
        elif usage.get("type") == "custom_audience":
            window, used = calls, _number(usage.get("call_count"))
        else:
            continue
        named = 60 * _number(usage.get("estimated_time_to_regain_access")) or None
        if used < 100 or named:
            yield Left(int(window.requests * max(0.0, 100 - used) / 100), named, window.requests)


def _pause(usage: Mapping[str, object], limit_percent: float) -> float:
    percent = max(_number(usage.get(key)) for key in _PERCENTAGES)
    if percent <= limit_percent:
        return 0.0
    share = 1.0 if limit_percent >= 100 else (percent - limit_percent) / (100 - limit_percent)
    return max(_named_seconds(usage), _FULL_PAUSE_SECONDS * min(1.0, share))


def _named_seconds(usage: Mapping[str, object]) -> float:
    return max(
        60 * _number(usage.get("estimated_time_to_regain_access")),
        _number(usage.get("reset_time_duration")),
    )


def _usages(headers: Mapping[str, str]) -> Iterator[Mapping[str, object]]:
    """Every usage object in the three headers; unreadable headers count as absent."""
    for name in ("X-Business-Use-Case-Usage", "X-Ad-Account-Usage", "X-App-Usage"):
        try:
            usage = orjson.loads(headers.get(name, "{}"))
        except orjson.JSONDecodeError:
            continue
        if not isinstance(usage, dict):
            continue
        yield usage
        for listed in usage.values():
            if isinstance(listed, list):
                yield from (item for item in listed if isinstance(item, dict))


def _number(value: object) -> float:
    return max(0.0, float(value)) if isinstance(value, int | float) else 0.0
