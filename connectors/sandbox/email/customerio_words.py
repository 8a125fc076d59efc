"""Customer.io's refusals, which the App API and the two versions of the Track API word differently."""

from __future__ import annotations

from dataclasses import replace

import orjson

from connectors.sandbox.wire import Reply, json_reply
from connectors.sandbox.words import Words


class CustomerIoWords(Words):
    """The App API's own: a list of errors with a detail and the status as text."""

    def too_many(self, status: int = 429, code: int = 0) -> Reply:
        """Rate limited: ten a second."""
        refused = self.refused(status, "", "rate limited to 10 requests per 1s")
        return replace(refused, headers={"Retry-After": "1"})

    def quota_spent(self) -> Reply:
        """The day's requests; there is no Retry-After."""
        return self.refused(429, "", "daily quota exceeded")

    def server_error(self, status: int = 500) -> Reply:
        """Their side."""
        return self.refused(status, "", "internal server error")

    def signed_out(self, *, expired: bool) -> Reply:
        """401: the credential, its kind or the region."""
        return self.refused(401, "", "unauthorized")

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """404."""
        return self.refused(404, "", "not found")

    def refused(self, status: int, code: str, message: str) -> Reply:
        """A detail."""
        content = {"errors": [{"detail": message, "status": str(status)}]}
        return json_reply(content, status=status, outcome=f"refused: {status}")


def as_track_says(reply: Reply, path: str) -> Reply:
    """A refusal in the words of the Track API, which has no Retry-After."""
    detail = orjson.loads(reply.body)["errors"][0]["detail"]
    if path.startswith("/api/v2/"):
        content: object = {"errors": [{"reason": "invalid", "field": "", "message": detail}]}
    else:
        content = {"meta": {"errors": [detail]}}
    return replace(reply, body=orjson.dumps(content), headers={})
