"""What every ad platform of the sandbox is: audiences, members that come and go, terms."""

from __future__ import annotations

import re
import sqlite3

from connectors.sandbox import clock
from connectors.sandbox.ads import holdings, jobs
from connectors.sandbox.ads.holdings import AdAudience
from connectors.sandbox.played import (
    Context,
    Model,
    PlayedPlatform,
    Refusal,
    Routes,
    StrictRequest,
    json_of,
)

__all__ = ["AdPlatform", "Context", "Model", "Refusal", "Routes", "StrictRequest", "is_sha256", "json_of"]


class AdPlatform(PlayedPlatform):
    """One ad platform with its accounts; a subclass brings its routes and words."""

    @classmethod
    def work(cls, db: sqlite3.Connection) -> None:
        """Run the jobs that are due, and let those leave whose time is over."""
        jobs.run_due(db, cls.platform)
        holdings.drop_expired(db, cls.platform)

    def audience(self, context: Context, audience_id: str) -> AdAudience:
        """One audience by id. Raises Refusal."""
        found = holdings.find(context.db, self.platform, audience_id)
        if found is None:
            raise Refusal(self.words.gone(audience_id))
        return found

    def require_terms(self, context: Context) -> None:
        """Raises Refusal while the terms are not accepted."""
        if not context.switches.ads_terms_accepted:
            raise Refusal(self.words.terms())

    def is_processing(self, context: Context, audience: AdAudience) -> bool:
        """Whether the platform still works on the last upload."""
        return clock.now(context.db) < audience.changed_at + context.switches.ads_processing_seconds


def is_sha256(value: object) -> bool:
    """Whether a value is a SHA-256 digest in lower-case hex."""
    return isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) is not None
