"""The ad platforms on the bench: one e-mail a person, so that whom a platform holds can be said without our rules."""

from __future__ import annotations

from collections.abc import Callable

from connectors.base import Connector
from connectors.registry import load
from connectors.sandbox import SandboxServer
from tests.contract.ads import CASES, account_of
from tests.lab.bench import ROWS, Kind, email_of, sha256


def _make(name: str) -> Callable[[SandboxServer], Connector]:
    def make(sandbox: SandboxServer) -> Connector:
        kind = load(name)
        settings = account_of(name, sandbox, sandbox.folder.parent / f"{name}-tokens")
        settings |= {"identifiers": (CASES[name].identifying,), "max_rows": ROWS, "max_in_flight": 1}
        return kind("lab", kind.settings_type(base_url=sandbox.url_of(name), **settings))

    return make


AD_KINDS = tuple(
    Kind(name, name, case.edits, _make(name), lambda number: frozenset((sha256(email_of(number)),)))
    for name, case in CASES.items()
)
