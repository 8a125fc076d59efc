"""The ad platforms besides Meta before the contract: one rig for all, since the sandbox plays them all alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.account import AccountConnector
from connectors.base import Audience, Connector
from connectors.identity import encode
from connectors.registry import load
from connectors.sandbox import SandboxServer
from connectors.sandbox.ads.registry import AD_PLATFORMS
from connectors.sandbox.wire import Platform
from connectors.testing import FastTime, Trouble
from tests.contract.rigs import free_port, sandbox_fault


@dataclass(frozen=True)
class AdCase:
    """What the rig must know of one platform."""

    edits: str
    """Paths of the requests that change members, ``*`` for anything."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What is set besides the account, so that it works at all (terms, say)."""
    identifying: str = "EMAIL_SHA256"
    """The column that is filled for made-up people."""
    impossible: frozenset[Trouble] = frozenset()


CASES: Mapping[str, AdCase] = {
    "google": AdCase(
        edits="*/audienceMembers:*",
        settings={"accept_customer_match_terms": True},
        identifying="emailAddress",
    ),
    "criteo": AdCase(edits="*/contact-list"),
    "linkedin": AdCase(
        edits="*/users", settings={"credential_ends": date(2099, 1, 1)}, identifying="SHA256_EMAIL"
    ),
    "microsoft": AdCase(edits="*/CustomerListUserData/Apply", identifying="Email"),
    "pinterest": AdCase(
        edits="*/customer_lists/*",
        identifying="EMAIL",
        impossible=frozenset({Trouble.SECOND_ROW_REFUSED}),
    ),
    # Its answers, like TikTok's, say nothing of rows.
    "reddit": AdCase(
        edits="*/users",
        settings={"user_agent": "web:com.example.turnout:v1.0.0 (by /u/turnout)"},
        impossible=frozenset({Trouble.SECOND_ROW_REFUSED}),
    ),
    "snapchat": AdCase(edits="*/users"),
    "tiktok": AdCase(edits="*/segment/mapping/", impossible=frozenset({Trouble.SECOND_ROW_REFUSED})),
}


def account_of(name: str, sandbox: SandboxServer, folder: Path) -> dict[str, Any]:
    """Settings of the sandbox's account, tokens kept in this folder."""
    account: dict[str, Any] = {
        key.lower(): value.format(url=f"{sandbox.url}/{name}")
        for key, value in AD_PLATFORMS[Platform(name)].settings.items()
    }
    if "token_url" in account:
        account["token_folder"] = folder
    return account | dict(CASES[name].settings)


class AdRig:
    """One ad platform of the sandbox."""

    def __init__(self, name: str, sandbox: SandboxServer, folder: Path, **settings: Any) -> None:
        self.name = name
        self._case = CASES[name]
        self._sandbox = sandbox
        self._settings = account_of(name, sandbox, folder) | settings
        self._time = FastTime()
        self.connector: Connector = self._connector(sandbox.url_of(name))
        self.options = type(self.connector).options_type()
        self.pauses = self._time.pauses
        secret = ("client_secret", "refresh_token", "token")
        self.secrets = tuple(str(self._settings[key]) for key in secret if key in self._settings)

    def _connector(self, url: str) -> AccountConnector:
        kind = load(self.name)
        connector = kind(self.name, kind.settings_type(base_url=url, **self._settings))
        assert isinstance(connector, AccountConnector)
        connector.http.use_clock(self._time.clock)
        if connector.tokens is not None:
            connector.tokens.clock = self._time.clock
        return connector

    def people(self, count: int) -> pa.Table:
        """People of whom one identifier is known."""
        filled = [encode(f"person{i}@example.com", "sha256_hex") for i in range(count)]
        return pa.table(
            {
                column.name: pa.array(
                    filled if column.name == self._case.identifying else [None] * count, pa.string()
                )
                for column in self.connector.identity.columns
            }
        )

    def members(self, audience: Audience) -> int:
        """How many the platform holds."""
        return len(self._sandbox.state.ad_members(self.name, audience.id))

    def requests(self) -> int:
        """Requests that change members."""
        log = self._sandbox.state.requests(self.name)
        edits = self._case.edits
        return len([r for r in log if fnmatchcase(r.path, edits) and r.method != "GET"])

    def cause(self, trouble: Trouble, times: int | None) -> bool:
        """Put up the fault, unless it cannot happen there."""
        if trouble in self._case.impossible:
            return False
        self._sandbox.faults.add(
            sandbox_fault(trouble, platform=self.name, path=self._case.edits, times=times)
        )
        return True

    def delete(self, audience: Audience) -> None:
        """As a colleague would."""
        self._sandbox.state.delete_audience(self.name, audience.id)

    def unreachable(self) -> Connector | None:
        """The same where nobody listens; the token is there already."""
        connector = self._connector(f"http://127.0.0.1:{free_port()}")
        if connector.tokens is not None:
            connector.tokens.token()
        return connector
