"""The contract, once for every email tool besides Mailchimp."""

from __future__ import annotations

import pytest

from connectors.sandbox import SandboxServer
from connectors.testing import ConnectorContract
from tests.contract.email import CASES, EmailRig


class TestEmailTools(ConnectorContract):
    """Every promise, for each tool."""

    @pytest.fixture(params=sorted(CASES))
    def rig(self, request: pytest.FixtureRequest, sandbox: SandboxServer) -> EmailRig:
        """The tool as the sandbox plays it."""
        return EmailRig(request.param, sandbox)
