"""The contract for Klaviyo where people may be created: they come by import jobs, and leave by their ids."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from connectors.sandbox import SandboxServer
from connectors.testing import ConnectorContract, Trouble
from tests.contract.email import EmailRig
from tests.contract.rigs import sandbox_fault

EDITS = ("*/profile-bulk-import-jobs", "*/relationships/profiles")


class ImportingRig(EmailRig):
    """An account in which whoever is missing is created."""

    def requests(self) -> int:
        """Imports, and changes of members."""
        log = self._sandbox.state.requests(self.name)
        return len([r for r in log if r.method != "GET" and any(fnmatchcase(r.path, path) for path in EDITS)])

    def cause(self, trouble: Trouble, times: int | None) -> bool:
        """The fault for imports as well as for changes of members."""
        for path in EDITS:
            fault = sandbox_fault(trouble, platform=self.name, path=path, times=times)
            self._sandbox.faults.add(fault)
        return True


class TestKlaviyoImports(ConnectorContract):
    """Every promise once more."""

    @pytest.fixture
    def rig(self, sandbox: SandboxServer) -> ImportingRig:
        """The sandbox's account, with the setting."""
        return ImportingRig("klaviyo", sandbox, create_missing=True)
