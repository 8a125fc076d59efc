"""A platform's own words for what can go wrong: what the fault laboratory lets it say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from connectors.sandbox.wire import Reply


class Words(ABC):
    """One platform's refusals. ``code`` is a number that a rule may choose, where the platform has numbers."""

    @abstractmethod
    def too_many(self, status: int = 429, code: int = 0) -> Reply:
        """The rate limit is reached."""

    @abstractmethod
    def server_error(self, status: int = 500) -> Reply:
        """Something is wrong on the platform's side."""

    @abstractmethod
    def signed_out(self, *, expired: bool) -> Reply:
        """The token is refused: it has ended, or nobody knows it."""

    @abstractmethod
    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """The audience does not exist."""

    @abstractmethod
    def refused(self, status: int, code: str, message: str) -> Reply:
        """Any other refusal by its status and the platform's own code."""

    def terms(self) -> Reply:
        """The terms are not accepted; NotImplementedError where a platform has none that its API knows."""
        raise NotImplementedError

    def quota_spent(self) -> Reply:
        """The day's requests are spent."""
        return self.too_many()

    def error_in_success(self, code: int = 0) -> Reply:
        """An error body under HTTP 200."""
        return replace(self.server_error(), status=200)
