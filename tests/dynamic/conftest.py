from __future__ import annotations

from pathlib import Path

import pytest

from tests.dynamic.stream import Stream


@pytest.fixture
def stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stream:
    """A shop after a night, with nobody in its dynamic segments."""
    opened = Stream.open(tmp_path / "shop")
    for name, value in opened.shop.environment().items():
        monkeypatch.setenv(name, value)
    opened.night()
    return opened
