"""The contract, once for every ad platform besides Meta."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.sandbox import SandboxServer
from connectors.testing import ConnectorContract
from tests.contract.ads import CASES, AdRig


class TestAdPlatforms(ConnectorContract):
    """Every promise, for each platform."""

    @pytest.fixture(params=sorted(CASES))
    def rig(self, request: pytest.FixtureRequest, sandbox: SandboxServer, tmp_path: Path) -> AdRig:
        """The platform as the sandbox plays it."""
        return AdRig(request.param, sandbox, tmp_path / "tokens")
