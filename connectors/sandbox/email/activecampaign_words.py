"""ActiveCampaign's own words, which have no common shape: errors in a list, a message, or plain text."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.sandbox.wire import Json, Reply, json_reply
from connectors.sandbox.words import Words

RATE_LIMIT = "Rate limit exceeded"


class ActiveCampaignWords(Words):
    """Whichever shape the real one uses for each refusal."""

    def too_many(self, status: int = 429, code: int = 0) -> Reply:
        """A message."""
        return json_reply({"message": RATE_LIMIT}, status=status, outcome="refused: rate limit")

    def server_error(self, status: int = 500) -> Reply:
        """A message."""
        return json_reply(
            {"message": "Internal server error"}, status=status, outcome="refused: server error"
        )

    def signed_out(self, *, expired: bool) -> Reply:
        """403 in plain text: keys never expire, and a wrong one is no 401 here."""
        body = b"Forbidden: You do not have access to this resource."
        return Reply(403, body, content_type="text/html; charset=utf-8", outcome="refused: signed out")

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """404 for a tag or list."""
        return self.no_result("Tag", audience_id)

    def refused(self, status: int, code: str, message: str) -> Reply:
        """An error in a list; 422 for a body or parameter that is wrong."""
        if code == "not_found":
            return json_reply({"message": "No Route found"}, status=status, outcome="refused: no route")
        status = 422 if code == "invalid_request" else status
        return self.listed(status, code, message)

    def listed(self, status: int, code: str, title: str, pointer: str = "/data") -> Reply:
        """One error in a list, with the place that is wrong."""
        error: dict[str, Json] = {"title": title, "detail": "", "code": code, "source": {"pointer": pointer}}
        return json_reply({"errors": [error]}, status=status, outcome=f"refused: {code}")

    def absent(self, kind: str) -> Reply:
        """404 for what a body names and nobody knows."""
        error: dict[str, Json] = {"status": 404, "title": "Not Found", "detail": f"{kind} not found"}
        return json_reply({"errors": [error]}, status=404, outcome=f"refused: no {kind.lower()}")

    def no_result(self, kind: str, number: str) -> Reply:
        """404 for what a path names and nobody knows."""
        message = f"No Result found for {kind} with id {number}"
        return json_reply({"message": message}, status=404, outcome=f"refused: no {kind}")

    def import_refused(self, message: str, reasons: list[Json]) -> Reply:
        """400 for a bulk import as a whole, with every contact that is wrong by its position."""
        content: dict[str, Json] = {"success": 0, "message": message, "failureReasons": reasons}
        return json_reply(content, status=400, outcome=f"refused: {len(reasons)} reasons")


def moment(seconds: float) -> str:
    """A time as ActiveCampaign writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
