"""The contract for Brevo where people are imported: they come by jobs, and leave by their addresses."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from connectors.sandbox import SandboxServer
from connectors.testing import ConnectorContract, Trouble
from tests.contract.email import EmailRig
from tests.contract.rigs import sandbox_fault

EDITS = ("*/contacts/import", "*/lists/*/contacts/*")


class ImportingRig(EmailRig):
    """An account in which whoever is added is imported."""

    def requests(self) -> int:
        """Imports, and removals."""
        log = self._sandbox.state.requests(self.name)
        return len([r for r in log if r.method != "GET" and any(fnmatchcase(r.path, path) for path in EDITS)])

    def cause(self, trouble: Trouble, times: int | None) -> bool:
        """The fault for imports as well as for removals; nobody is told whom an import left out."""
        if trouble is Trouble.SECOND_ROW_REFUSED:
            return False
        for path in EDITS:
            fault = sandbox_fault(trouble, platform=self.name, path=path, times=times)
            self._sandbox.faults.add(fault)
        return True


class TestBrevoImports(ConnectorContract):
    """Every promise once more."""

    @pytest.fixture
    def rig(self, sandbox: SandboxServer) -> ImportingRig:
        """The sandbox's account, with the setting."""
        return ImportingRig("brevo", sandbox, create_missing=True, import_rows=400)
