"""Quotas of an ad account and the headers that tell how much of them is used ("Rate Limiting" page)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import orjson

from connectors.sandbox.accounts import SANDBOX_META_AD_ACCOUNT, SANDBOX_META_BUSINESS
from connectors.sandbox.meta.errors import GraphError, rate_limited

Tier = Literal["full", "limited"]

HOUR_SECONDS = 3_600
DECAY_SECONDS = 300
READ_POINTS, WRITE_POINTS = 1, 3


@dataclass(frozen=True, slots=True)
class Quota:
    """What one access tier allows."""

    calls_an_hour: int
    points: int
    block_seconds: int
    name: str


QUOTAS: dict[Tier, Quota] = {
    "full": Quota(190_000, 9_000, 60, "standard_access"),
    "limited": Quota(5_000, 60, 300, "development_access"),
}
CALLS_PER_AUDIENCE = 40


@dataclass(slots=True)
class Meter:
    """Calls and points of the last hour and five minutes. Safe to use from many threads."""

    clock: Callable[[], float]
    """Seconds."""
    _calls: deque[float] = field(default_factory=deque)
    _points: deque[tuple[float, int]] = field(default_factory=deque)
    _blocked_until: float = 0.0
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def charge(self, method: str, tier: Tier) -> GraphError | None:
        """Count one call; the error to answer with when the account's score is over its limit.

        The hourly quota of calls only shows in the headers: the score runs out long before it.
        """
        quota = QUOTAS[tier]
        with self._guard:
            now = self.clock()
            self._forget(now)
            if now < self._blocked_until:
                return rate_limited(17, 2446079)
            self._calls.append(now)
            self._points.append((now, READ_POINTS if method == "GET" else WRITE_POINTS))
            if sum(points for _, points in self._points) > quota.points:
                self._blocked_until = now + quota.block_seconds
                return rate_limited(17, 2446079)
            return None

    def headers(self, tier: Tier, audiences: int) -> dict[str, str]:
        """The three usage headers, each JSON in a string."""
        quota = QUOTAS[tier]
        with self._guard:
            now = self.clock()
            self._forget(now)
            calls = 100 * len(self._calls) / (quota.calls_an_hour + CALLS_PER_AUDIENCE * audiences)
            score = min(100.0, 100 * sum(points for _, points in self._points) / quota.points)
            wait = max(0.0, self._blocked_until - now)
        minutes = -(-int(wait) // 60) if wait else 0
        bucket = {
            "type": "custom_audience",
            "call_count": round(calls),
            "total_cputime": round(calls),
            "total_time": round(calls),
            "estimated_time_to_regain_access": minutes,
            "ads_api_access_tier": quota.name,
        }
        account = {
            "acc_id_util_pct": round(score, 2),
            "reset_time_duration": round(wait) if wait else DECAY_SECONDS,
            "ads_api_access_tier": quota.name,
        }
        app = {"call_count": round(calls), "total_cputime": round(calls), "total_time": round(calls)}
        return {
            "X-Business-Use-Case-Usage": orjson.dumps({SANDBOX_META_BUSINESS: [bucket]}).decode(),
            "X-Ad-Account-Usage": orjson.dumps({**account, "acc_id": SANDBOX_META_AD_ACCOUNT}).decode(),
            "X-App-Usage": orjson.dumps(app).decode(),
        }

    def _forget(self, now: float) -> None:
        while self._calls and self._calls[0] <= now - HOUR_SECONDS:
            self._calls.popleft()
        while self._points and self._points[0][0] <= now - DECAY_SECONDS:
            self._points.popleft()
