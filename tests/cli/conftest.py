"""Commands run as an operator runs them, over a small shop whose destinations are folders."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines.assets.dev import variables
from pipelines.cli.app import main
from pipelines.project import Project
from pipelines.segments.run import Computed
from tests.assets.shop import Shop


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Standard output as ``--json`` promises it: an object a line and nothing else."""
        return [json.loads(line) for line in self.out.splitlines()]


Turnout = Callable[..., Ran]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with no settings at all in the environment."""
    for name in [name for name in os.environ if name.startswith("TURNOUT_") and "_TEST_" not in name]:
        monkeypatch.delenv(name)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def shop(bare: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop's files, nothing of them loaded, and the environment that points at them."""
    opened = Shop(bare / "shop").open()
    for name, value in {**variables(opened.settings()), **opened.environment()}.items():
        monkeypatch.setenv(name, value)
    return opened


@pytest.fixture
def turnout(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Turnout:
    """Runs the console script's own entry point with these arguments, its exit code read from the exit."""

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["turnout", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        printed = capsys.readouterr()
        return Ran(int(left.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture(scope="session")
def computed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop's folder with its sources loaded and its segments computed, to be copied."""
    opened = Shop(tmp_path_factory.mktemp("computed")).open()
    project = Project(opened.settings())
    assert project.load().ok
    assert {type(outcome) for outcome in project.compute()} == {Computed}
    return opened.folder


@pytest.fixture(scope="session")
def pushed_once(computed_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with every audience in place."""
    opened = Shop(tmp_path_factory.mktemp("pushed"))
    shutil.copytree(computed_once, opened.folder, dirs_exist_ok=True)
    project = Project(opened.settings())
    run = project.deliveries.new_run()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in opened.environment().items():
            patch.setenv(name, value)
        deliveries = [
            d
            for name, chosen in project.deliveries.select([]).items()
            for d in project.deliveries.sync(name, chosen, run)
        ]
    assert all(delivery.ok for delivery in deliveries)
    return opened.folder


@pytest.fixture
def computed(shop: Shop, computed_once: Path) -> Shop:
    """The shop with its sources loaded and its segments computed."""
    shutil.copytree(computed_once, shop.folder, dirs_exist_ok=True)
    return shop


@pytest.fixture
def pushed(shop: Shop, pushed_once: Path) -> Shop:
    """The shop with every audience in place."""
    shutil.copytree(pushed_once, shop.folder, dirs_exist_ok=True)
    return shop
