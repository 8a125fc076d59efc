"""Turnout's contract, run by the package's own author."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from acme_turnout import AcmeConnector, AcmeSettings

from connectors.base import Audience, Connector, SyncOptions
from connectors.identity import encode
from connectors.sandbox import SANDBOX_PRACTICE_TOKEN, SandboxServer
from connectors.sandbox.faults.reading import parse_faults
from connectors.testing import ConnectorContract, FastTime, Trouble

RULES: dict[Trouble, dict[str, object]] = {
    Trouble.THROTTLED: {"effect": "rate_limited", "retry_after": 7},
    Trouble.ANSWER_LOST: {"effect": "lost_answer"},
    Trouble.BROKEN_ANSWER: {"effect": "broken_answer", "empty": True},
    Trouble.HTML_PAGE: {"effect": "html", "status": 502, "applied": True},
    Trouble.SIGNED_OUT: {"effect": "expire_token"},
    Trouble.SECOND_ROW_REFUSED: {"effect": "reject_rows", "positions": [1]},
}


class AcmeRig:
    """Acme, played by the sandbox's practice platform."""

    def __init__(self, sandbox: SandboxServer) -> None:
        self._sandbox = sandbox
        self._time = FastTime()
        self.connector: Connector = self._connector(sandbox.practice_url)
        self.options = SyncOptions()
        self.pauses = self._time.pauses
        self.secrets = (SANDBOX_PRACTICE_TOKEN,)

    def _connector(self, url: str) -> Connector:
        connector = AcmeConnector("acme", AcmeSettings(token=SANDBOX_PRACTICE_TOKEN, base_url=url))
        connector.http.use_clock(self._time.clock)
        return connector

    def people(self, count: int) -> pa.Table:
        """Made-up people."""
        return pa.table({"email": [encode(f"person{i}@example.com", "sha256_hex") for i in range(count)]})

    def members(self, audience: Audience) -> int:
        """What the platform holds."""
        return len(self._sandbox.state.practice_members(audience.id))

    def requests(self) -> int:
        """Requests that change members."""
        log = self._sandbox.state.requests("practice", "POST")
        return len([request for request in log if request.path.endswith("/members")])

    def cause(self, trouble: Trouble, times: int | None) -> bool:
        """Put up the fault."""
        rule = {**RULES[trouble], "platform": "practice", "method": "POST", "path": "*/members"}
        [fault] = parse_faults([rule | ({"times": times} if times else {})])
        self._sandbox.faults.add(fault)
        return True

    def delete(self, audience: Audience) -> None:
        """As a colleague would."""
        self._sandbox.state.delete_audience("practice", audience.id)

    def unreachable(self) -> Connector:
        """Where nobody listens."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        return self._connector(f"http://127.0.0.1:{port}")


class TestAcme(ConnectorContract):
    """Every promise of a connector."""

    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[AcmeRig]:
        """A platform of the test's own."""
        with SandboxServer(tmp_path / "sandbox") as sandbox:
            yield AcmeRig(sandbox)
