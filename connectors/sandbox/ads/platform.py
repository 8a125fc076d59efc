"""What every ad platform of the sandbox is: audiences, members that come and go, terms."""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from connectors.sandbox import clock
from connectors.sandbox.accounts import (
    SANDBOX_ADS_CLIENT_ID,
    SANDBOX_ADS_CLIENT_SECRET,
    SANDBOX_ADS_REFRESH_TOKEN,
    SANDBOX_ADS_TOKEN,
)
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
from connectors.sandbox.tokens import TokenDesk
from connectors.sandbox.wire import Platform

__all__ = [
    "CLIENT",
    "SIGN_IN",
    "AdPlatform",
    "Context",
    "Model",
    "Refusal",
    "Routes",
    "StrictRequest",
    "ads_desk",
    "is_sha256",
    "json_of",
]

CLIENT = {"CLIENT_ID": SANDBOX_ADS_CLIENT_ID, "CLIENT_SECRET": SANDBOX_ADS_CLIENT_SECRET}
SIGN_IN = {**CLIENT, "REFRESH_TOKEN": SANDBOX_ADS_REFRESH_TOKEN}
"""Settings of connectors that sign in at such a desk: as a client alone, or with a person's consent."""


def ads_desk(platform: Platform, **particular: Any) -> TokenDesk:
    """Where the one client of all ad platforms is given its tokens, with what is particular to the platform."""
    return TokenDesk(
        platform,
        SANDBOX_ADS_CLIENT_ID,
        SANDBOX_ADS_CLIENT_SECRET,
        SANDBOX_ADS_REFRESH_TOKEN,
        SANDBOX_ADS_TOKEN,
        **particular,
    )


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
