"""What Klaviyo says of its limits: each endpoint has a budget of its own for a minute."""

from __future__ import annotations

import re

from connectors.sandbox.wire import Call

_STEADY = (
    ("POST", re.compile("/api/lists"), 150),
    ("POST", re.compile("/api/lists/[^/]+/relationships/profiles"), 150),
    ("DELETE", re.compile("/api/lists/[^/]+/relationships/profiles"), 150),
    ("POST", re.compile("/api/profile-bulk-import-jobs"), 150),
    ("GET", re.compile("/api/profile-bulk-import-jobs/.+"), 150),
    ("GET", re.compile("/api/profiles/[^/]+/(relationships/)?lists"), 60),
    ("POST", re.compile("/api/data-privacy-deletion-jobs"), 60),
)
"""Requests a minute where they are fewer than elsewhere."""
ELSEWHERE = 750
WITH_COUNT = 15
"""Reading a list with the number of its members."""


class Budget:
    """Requests of this minute, by endpoint."""

    def __init__(self) -> None:
        """Nothing is spent."""
        self._spent: dict[tuple[str, int], tuple[int, int]] = {}

    def headers(self, call: Call, now: float, allowed: int) -> dict[str, str]:
        """How the budget stands after this call; ``allowed`` takes the place of the endpoint's own unless it is 0."""
        endpoint, limit = _endpoint(call)
        limit = allowed or limit
        minute = int(now // 60)
        before, spent = self._spent.get((endpoint, limit), (minute, 0))
        spent = spent + 1 if before == minute else 1
        self._spent[endpoint, limit] = (minute, spent)
        return {
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": str(max(0, limit - spent)),
            "RateLimit-Reset": str(int(60 - now % 60)),
        }


def _endpoint(call: Call) -> tuple[str, int]:
    """A name for the endpoint, and its requests a minute."""
    if "profile_count" in call.query.get("additional-fields[list]", ""):
        return "profile_count", WITH_COUNT
    for method, pattern, limit in _STEADY:
        if call.method == method and pattern.fullmatch(call.path):
            return f"{method} {pattern.pattern}", limit
    return f"{call.method} {re.sub('/[0-9A-Za-z]*[0-9][0-9A-Za-z]*', '/*', call.path)}", ELSEWHERE
