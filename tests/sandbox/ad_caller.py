"""Plain HTTP to an ad platform of the sandbox, with a token that never ends; it knows nothing of our connectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import (
    SANDBOX_ADS_CLIENT_ID,
    SANDBOX_ADS_CLIENT_SECRET,
    SANDBOX_ADS_REFRESH_TOKEN,
    SANDBOX_ADS_TOKEN,
)
from connectors.sandbox.faults.reading import parse_faults

BASIC = (SANDBOX_ADS_CLIENT_ID, SANDBOX_ADS_CLIENT_SECRET)
"""The client, for platforms that want it in a header."""
IN_FORM = {"client_id": SANDBOX_ADS_CLIENT_ID, "client_secret": SANDBOX_ADS_CLIENT_SECRET}
"""The client, for platforms that want it in the form."""


@dataclass
class AdCaller:
    """One platform of one sandbox."""

    sandbox: SandboxServer
    platform: str
    token_path: str
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.use_token(SANDBOX_ADS_TOKEN)

    def use_token(self, token: str) -> None:
        self.session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        address = self.sandbox.url_of(self.platform) + path
        return self.session.request(method, address, timeout=30, **options)

    def refresh(self, client: Mapping[str, str] | tuple[str, str], **form: str) -> requests.Response:
        """Ask for a token with the first refresh token, unless ``form`` brings another."""
        auth = client if isinstance(client, tuple) else None
        sent = {"grant_type": "refresh_token", "refresh_token": SANDBOX_ADS_REFRESH_TOKEN, **form}
        if not isinstance(client, tuple):
            sent |= client
        address = f"{self.sandbox.url}/{self.platform}{self.token_path}"
        return requests.post(address, data=sent, auth=auth, timeout=30)

    def members(self, audience: str) -> list[dict[str, str]]:
        return self.sandbox.state.ad_members(self.platform, audience)

    def size(self, audience: str) -> int:
        return self.sandbox.state.audience(self.platform, audience).size

    def fault(self, **rule: object) -> None:
        """The only rule in force, for this platform."""
        self.sandbox.faults.replace(parse_faults([{"platform": self.platform, **rule}]))

    def switch(self, **changes: object) -> None:
        self.sandbox.state.set_switches(**changes)

    def allow(self, requests_a_minute: int) -> None:
        """So many requests, from the start of a minute."""
        self.switch(ads_requests_per_minute=requests_a_minute)
        self.sandbox.advance_clock(60 - self.sandbox.state.now() % 60)
