"""A theatre for each test process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.theatre import Theatre


@pytest.fixture(scope="session")
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """Workers, a platform and a folder, kept for the whole session."""
    theatre = Theatre(tmp_path_factory.mktemp("crash"))
    yield theatre
    theatre.close()
