"""The shop loaded and computed once, then copied for each test; a sandbox for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox import SandboxServer
from tests.faults.ground import Ground, open_ground


@pytest.fixture(scope="session")
def computed_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop whose sources are loaded and whose segment is computed."""
    folder = tmp_path_factory.mktemp("computed")
    with SandboxServer(tmp_path_factory.mktemp("unused")) as sandbox:
        ground = open_ground(folder, sandbox)
        for command in ("sources", "segments"):
            ended = ground.run(command)
            assert ended.code == 0, ended.said
    return folder


@pytest.fixture
def fresh(computed_shop: Path, tmp_path: Path) -> Iterator[Ground]:
    """The shop before its first push."""
    with SandboxServer(tmp_path / "sandbox") as sandbox:
        ground = open_ground(tmp_path / "shop", sandbox)
        shutil.copytree(computed_shop / "home", ground.shop.folder / "home")
        yield ground


@pytest.fixture
def pushed(fresh: Ground) -> Ground:
    """The shop with everybody in place."""
    ended = fresh.run("sync")
    assert ended.code == 0, ended.said
    assert fresh.held() == fresh.desired()
    return fresh
