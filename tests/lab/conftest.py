"""One sandbox for all benches of a module, and one bench a kind of connector, which lives on from test to test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.sandbox import SandboxServer
from tests.lab.ads import AD_KINDS
from tests.lab.bench import KINDS, Bench
from tests.lab.email import EMAIL_KINDS


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """A sandbox on a free port."""
    with SandboxServer(tmp_path_factory.mktemp("lab") / "sandbox") as running:
        yield running


@pytest.fixture(scope="module")
def benches(sandbox: SandboxServer) -> dict[str, Bench]:
    """Benches that are up already."""
    return {}


@pytest.fixture
def bench(sandbox: SandboxServer, benches: dict[str, Bench]) -> Callable[[str], Bench]:
    """The bench of a kind of connector, in good order: the platform holds exactly the desired people.

    A bench that an earlier test left in disorder is replaced, so that one failure is one failure.
    """

    def ready(name: str) -> Bench:
        sandbox.faults.replace(())
        found = benches.get(name)
        if found is not None and found.members() == found.desired():
            return found
        (kind,) = [kind for kind in (*KINDS, *AD_KINDS, *EMAIL_KINDS) if kind.name == name]
        life = len(list(sandbox.folder.parent.glob(f"{name}-*"))) + 1
        folder: Path = sandbox.folder.parent / f"{name}-{life}"
        folder.mkdir()
        benches[name] = made = Bench(kind, sandbox, folder, life=life)
        first = made.push()
        assert first.ok, first.errors
        made.settle()
        assert made.members() == made.desired()
        return made

    return ready
