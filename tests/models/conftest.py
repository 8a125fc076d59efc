"""The demo with models trained, from the tests of sources; a home of one's own to train in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.project import Project
from pipelines.sources.demo import demo_sources
from pipelines.sources.features import build_features
from pipelines.sources.load_all import open_warehouse
from tests.cli.conftest import bare, turnout
from tests.sources.conftest import demo_file, shipped_project, trained_home

__all__ = ["bare", "demo_file", "trained_home", "turnout"]

CUT_DAYS = [date(2017, *day) for day in ((3, 31), (4, 30), (5, 31), (6, 30), (8, 31), (10, 31), (11, 30))]
"""What training as of the year's last day looks at, besides that day."""


@pytest.fixture(scope="session")
def past_file(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's warehouse with the features of the days that models learn from at the end of the year."""
    path = tmp_path_factory.mktemp("past") / "warehouse.duckdb"
    shutil.copyfile(demo_file, path)
    with open_warehouse(path) as con:
        for day in CUT_DAYS:
            build_features(con, demo_sources(), day)
    return path


@pytest.fixture(scope="session")
def past(past_file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same, to read."""
    with duckdb.connect(str(past_file), read_only=True) as con:
        yield con


@pytest.fixture
def project(trained_home: Path, tmp_path: Path) -> Project:
    """A project with trained models that a test may change."""
    home = tmp_path / "home"
    shutil.copytree(trained_home, home)
    return shipped_project(home)
