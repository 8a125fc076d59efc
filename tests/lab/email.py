"""The email tools on the bench: people go by their address, and the tools know everybody before."""

from __future__ import annotations

from collections.abc import Callable

from connectors.base import Connector
from connectors.registry import load
from connectors.sandbox import SandboxServer
from tests.contract.email import CASES, account_of
from tests.lab.bench import ROWS, Kind, email_of


def _make(name: str) -> Callable[[SandboxServer], Connector]:
    def make(sandbox: SandboxServer) -> Connector:
        kind = load(name)
        settings = account_of(name, sandbox) | {"max_rows": ROWS, "max_in_flight": 1}
        return kind("lab", kind.settings_type(**settings))

    return make


EMAIL_KINDS = tuple(
    Kind(name, name, case.edits, _make(name), lambda number: frozenset((email_of(number),)))
    for name, case in CASES.items()
)
