"""The contract for HubSpot where people may be created."""

from __future__ import annotations

import pytest

from connectors.sandbox import SandboxServer
from connectors.testing import ConnectorContract
from tests.contract.email import EmailRig


class TestCreatingHubSpot(ConnectorContract):
    """Every promise once more."""

    @pytest.fixture
    def rig(self, sandbox: SandboxServer) -> EmailRig:
        """The sandbox's account, with the setting."""
        return EmailRig("hubspot", sandbox, create_missing=True)
