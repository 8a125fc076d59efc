"""Fixtures of the connector tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.testing import FastTime
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
