"""Fixtures of the connector tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.testing import FastTime
from tests.connectors.oauth_account import signed_in
from tests.connectors.server import Scripted, scripted_server


@pytest.fixture
def server() -> Iterator[Scripted]:
    """A platform that answers as the test says."""
    with scripted_server() as running:
        yield running


@pytest.fixture
def time() -> FastTime:
    """Time in which pauses cost nothing."""
    return FastTime()


@pytest.fixture
def sign_in(server: Scripted, time: FastTime, tmp_path: Path) -> Any:
    """Opens a connector of a kind, with settings, for an account that signs in by OAuth at the server."""
    return lambda kind, **settings: signed_in(kind, server, time, tmp_path, **settings)
