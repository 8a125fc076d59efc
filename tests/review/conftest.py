from __future__ import annotations

from pathlib import Path

import pytest

from tests.review.office import Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Twelve people, of whom ten are in the audience `vip`; nobody else was ever sent anywhere."""
    opened = Office(tmp_path)
    opened.people(*range(12))
    opened.want("vip", *range(10))
    assert [delivery.status for delivery in opened.sync()] == ["delivered"]
    return opened
