"""A connector in somebody's own package: installed, found, listed, and held to the contract by its own tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest

PACKAGE = Path(__file__).parent / "acme"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as pip installs it, in a folder of its own."""
    source = shutil.copytree(PACKAGE, tmp_path_factory.mktemp("source") / "acme")
    target = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(source)],
        check=True,
        timeout=120,
    )
    return target


def run(installed: Path, folder: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """A command that finds the package."""
    path = os.pathsep.join(filter(None, (str(installed), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_it_is_found_and_listed(installed: Path, tmp_path: Path) -> None:
    """`turnout connectors` shows it like one that ships."""
    ran = run(
        installed, tmp_path, ["-c", "from pipelines.cli.app import main; main()", "connectors", "--json"]
    )
    assert ran.returncode == 0, ran.stderr
    found = {one["name"]: one for one in map(orjson.loads, ran.stdout.splitlines())}
    assert found["acme"]["title"] == "Acme"
    assert found["acme"]["batch"] == 1_000
    assert found["acme"]["identifiers"] == ["email"]


def test_it_keeps_the_contract(installed: Path, tmp_path: Path) -> None:
    """Its author inherits the contract suite and runs it with nothing but pytest."""
    shutil.copy(PACKAGE / "contract.py", tmp_path / "test_acme.py")
    ran = run(installed, tmp_path, ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_acme.py"])
    assert ran.returncode == 0, ran.stdout[-3_000:]
    assert "27 passed" in ran.stdout, ran.stdout[-500:]
