from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from connectors.sandbox import (
    SANDBOX_MAILCHIMP_KEY,
    SANDBOX_MAILCHIMP_LIST,
    SANDBOX_META_AD_ACCOUNT,
    SANDBOX_META_TOKEN,
    SandboxServer,
)
from pipelines.assets.dev import dev_command
from pipelines.settings import Settings
from tests.assets.shop import Shop
from tests.live.dagster_api import Dagster, until


@dataclass(frozen=True)
class Live:
    """A shop, two sandboxed platforms, and a Dagster webserver and daemon that run the shop."""

    shop: Shop
    sandbox: SandboxServer
    dagster: Dagster
    settings: Settings

    def emails(self, audience: str) -> set[str]:
        """Who is in an audience at Mailchimp: only there are people seen in clear."""
        found = self.sandbox.state.audience("mailchimp", audience)
        return set(self.sandbox.state.mailchimp_members(found.id))

    def size(self, platform: str, audience: str) -> int:
        """How many people an audience has."""
        return self.sandbox.state.audience(platform, audience).size

    def pushes(self, platform: str) -> int:
        """Requests that changed something at a platform."""
        log = self.sandbox.state.requests(platform)
        return sum(request.method in ("POST", "PUT", "PATCH", "DELETE") for request in log)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One running instance for all live tests, as `turnout dev` starts it."""
    folder = tmp_path_factory.mktemp("live")
    shop = Shop(folder, people=240, destinations={"mailchimp": "mailchimp", "meta": "meta"}).open(
        ads="meta", mail="mailchimp"
    )
    with SandboxServer(folder / "sandbox") as sandbox, pytest.MonkeyPatch.context() as patch:
        for name, value in _accounts(sandbox).items():
            patch.setenv(name, value)
        settings = shop.settings(dagster_url=f"http://127.0.0.1:{free_port()}", guard_floor=20)
        with _running(settings, folder / "dagster.log"):
            dagster = Dagster(settings.dagster_url)
            until(dagster.ready, 90, "Dagster to be ready")
            yield Live(shop, sandbox, dagster, settings)


def _accounts(sandbox: SandboxServer) -> dict[str, str]:
    return {
        "TURNOUT_META_BASE_URL": sandbox.meta_url,
        "TURNOUT_META_TOKEN": SANDBOX_META_TOKEN,
        "TURNOUT_META_AD_ACCOUNT": SANDBOX_META_AD_ACCOUNT,
        "TURNOUT_META_MAX_ROWS": "10",
        "TURNOUT_META_MAX_IN_FLIGHT": "1",
        "TURNOUT_MAILCHIMP_BASE_URL": sandbox.mailchimp_url,
        "TURNOUT_MAILCHIMP_API_KEY": SANDBOX_MAILCHIMP_KEY,
        "TURNOUT_MAILCHIMP_LIST_ID": SANDBOX_MAILCHIMP_LIST,
        "TURNOUT_MAILCHIMP_CREATE_MISSING": "true",
    }


class _running:  # noqa: N801 - reads as a verb in a with
    """The whole of `turnout dev` in a process group of its own, which ends with the block."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self._command, self._environment = dev_command(settings)
        self._log = log

    def __enter__(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            env={**self._environment, "PYTHONUNBUFFERED": "1"},
            cwd=self._log.parent,
            stdout=self._log.open("w"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def __exit__(self, *_: object) -> None:
        group = os.getpgid(self._process.pid)
        os.killpg(group, signal.SIGINT)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(group, signal.SIGKILL)
            self._process.wait()
