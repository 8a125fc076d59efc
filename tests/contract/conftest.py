"""One sandbox for each test: its memory and its faults are the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox import SandboxServer


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxServer]:
    """A sandbox on a free port."""
    with SandboxServer(tmp_path / "sandbox") as running:
        yield running
