from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from tests.assets.dagster_room import Room
from tests.assets.shop import Shop, opened, opened_environment


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A small shop with two folders as destinations."""
    return opened(tmp_path, monkeypatch)


@pytest.fixture
def room(shop: Shop) -> Iterator[Room]:
    """The shop in Dagster, in this process."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield Room(shop, instance)


@pytest.fixture(scope="session")
def first_night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop's folder after a first night without trouble."""
    shop = Shop(tmp_path_factory.mktemp("first_night")).open()
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as instance:
        opened_environment(shop, patch)
        assert [result.success for result in Room(shop, instance).night()] == [True, True, True]
    return shop.folder


@pytest.fixture
def delivered(first_night: Path, room: Room) -> Room:
    """The shop on the day after its first night: everybody is where they should be."""
    shutil.copytree(first_night, room.shop.folder, dirs_exist_ok=True)
    return room
