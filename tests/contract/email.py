"""The email tools besides Mailchimp before the contract: one rig for all, since the sandbox plays them all alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import pyarrow as pa

from connectors.base import Audience, Connector
from connectors.email import EmailConnector
from connectors.registry import load
from connectors.sandbox import SandboxServer
from connectors.sandbox.email.registry import EMAIL_PLATFORMS
from connectors.sandbox.wire import Platform
from connectors.testing import FastTime, Trouble
from tests.contract.rigs import free_port, sandbox_fault


@dataclass(frozen=True)
class EmailCase:
    """What the rig must know of one tool."""

    edits: str
    """Paths of the requests that change members, ``*`` for anything."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What is set besides the account, so that it works at all."""
    identifying: str = "EMAIL"
    """The column that is filled for made-up people."""
    impossible: frozenset[Trouble] = frozenset()
    audiences_are_kept: bool = True
    """False: an audience is what its members have, so it is made by the first one, and never gone."""


CASES: Mapping[str, EmailCase] = {
    "activecampaign": EmailCase("*[kT][_a][ig]*[!s]"),  # …/bulk_import, …/contactTags/<id>
    "braze": EmailCase(edits="*/users/track*", settings={"identifier": "email"}, audiences_are_kept=False),
    "customerio": EmailCase(
        edits="*/segments/*_customers", impossible=frozenset({Trouble.SECOND_ROW_REFUSED})
    ),  # nothing is said of single people
    "brevo": EmailCase("*/lists/*/contacts/*"),
    "hubspot": EmailCase("*/memberships/*"),
    "iterable": EmailCase(edits="*/lists/*subscribe", settings={"project": "hybrid"}),
    "klaviyo": EmailCase(edits="*/relationships/profiles"),
    "sendgrid": EmailCase(edits="*/contacts", settings={"requests_per_second": 100}),
}


def account_of(name: str, sandbox: SandboxServer) -> dict[str, Any]:
    """Settings of the sandbox's account, base URL included."""
    account: dict[str, Any] = {
        key.lower(): value.format(url=f"{sandbox.url}/{name}")
        for key, value in EMAIL_PLATFORMS[Platform(name)].settings.items()
    }
    return {"base_url": sandbox.url_of(name)} | account | dict(CASES[name].settings)


class EmailRig:
    """One email tool of the sandbox, which knows everybody already."""

    def __init__(self, name: str, sandbox: SandboxServer, **settings: Any) -> None:
        self.name = name
        self._case = CASES[name]
        self._sandbox = sandbox
        self._settings = account_of(name, sandbox) | settings
        self._time = FastTime()
        self.connector: Connector = self._connector()
        self.options = type(self.connector).options_type()
        self.pauses = self._time.pauses
        self.secrets = tuple(
            str(v) for k, v in self._settings.items() if k.endswith(("key", "token", "secret"))
        )

    @property
    def audiences_are_kept(self) -> bool:
        """Whether there are audiences apart from their members."""
        return self._case.audiences_are_kept

    def fresh(self) -> Connector:
        """The same connector, as another run opens it."""
        return self._connector()

    def _connector(self, **settings: Any) -> EmailConnector:
        kind = load(self.name)
        connector = kind(self.name, kind.settings_type(**self._settings | settings))
        assert isinstance(connector, EmailConnector)
        connector.http.use_clock(self._time.clock)
        return connector

    def people(self, count: int) -> pa.Table:
        """People of whom the tool knows the address."""
        filled = [f"person{i}@example.com" for i in range(count)]
        known = {person.email for person in self._sandbox.state.email.people(self.name)}
        for email in filled:
            if email not in known:
                self._sandbox.state.email.put_person(self.name, email)
        return pa.table(
            {
                column.name: pa.array(
                    filled if column.name == self._case.identifying else [None] * count, pa.string()
                )
                for column in self.connector.identity.columns
            }
        )

    def members(self, audience: Audience) -> int:
        """How many the tool holds."""
        return len(self._sandbox.state.email.members(self.name, audience.id))

    def requests(self) -> int:
        """Requests that change members."""
        log = self._sandbox.state.requests(self.name)
        return len([r for r in log if fnmatchcase(r.path, self._case.edits) and r.method != "GET"])

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
        """The same where nobody listens."""
        return self._connector(base_url=f"http://127.0.0.1:{free_port()}")
