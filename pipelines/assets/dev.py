"""The Dagster UI and daemon on one machine: what ``turnout dev`` runs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from connectors.settings import is_loopback
from pipelines.settings import Settings

SHIPPED = ("dagster.yaml", "workspace.yaml")


def dev_command(settings: Settings, port: int | None = None) -> tuple[list[str], dict[str, str]]:
    """The command and its whole environment.

    Makes DAGSTER_HOME at `<home>/dagster` and puts the shipped instance configuration there where none is. The
    project that the UI shows has exactly ``settings``: those that were set are passed on as variables. Without
    ``port``, the UI is served where ``dagster_url`` says. Raises ValueError when others could reach it there: Dagster
    has no sign-in, so whoever sees the UI can push, and let guards pass.
    """
    if port is not None:
        settings = settings.model_copy(update={"dagster_url": f"http://127.0.0.1:{port}"})
    dagster_home = (settings.home / "dagster").resolve()
    dagster_home.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in SHIPPED:
        _put(dagster_home / name)
    address = urlsplit(settings.dagster_url)
    if not is_loopback(settings.dagster_url):
        raise ValueError(
            f"the Dagster UI has no sign-in of its own, so it is not served at {address.hostname}: serve it on this "
            "machine, behind a proxy that asks who it is, and say that address in TURNOUT_DAGSTER_URL for the links"
        )
    command = [
        sys.executable, "-m", "dagster", "dev",
        "--workspace", str(dagster_home / "workspace.yaml"),
        "--host", address.hostname or "127.0.0.1",
        "--port", str(address.port or 3000),
    ]  # fmt: skip
    return command, {**os.environ, **variables(settings), "DAGSTER_HOME": str(dagster_home)}


def variables(settings: Settings) -> Mapping[str, str]:
    """The settings that differ from their defaults, as the environment that gives them again."""
    prefix = str(settings.model_config["env_prefix"])
    given = {name: getattr(settings, name) for name in sorted(settings.model_fields_set)}
    return {f"{prefix}{name.upper()}": _text(value) for name, value in given.items() if value is not None}


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value.resolve())
    return json.dumps(value) if isinstance(value, dict | bool) else str(value)


def _put(path: Path) -> None:
    if not path.exists():
        path.write_text(
            files("pipelines.assets").joinpath(path.name).read_text(encoding="utf-8"), encoding="utf-8"
        )
