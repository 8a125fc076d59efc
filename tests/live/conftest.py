from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.sandbox import (
    SANDBOX_MAILCHIMP_KEY,
    SANDBOX_MAILCHIMP_LIST,
    SANDBOX_META_AD_ACCOUNT,
    SANDBOX_META_TOKEN,
    SandboxServer,
)
from pipelines.assets.dev import dev_command
from pipelines.settings import Settings
from tests.assets.shop import TODAY, Shop
from tests.live.dagster_api import Dagster, until

LOG = "dagster.log"


@dataclass(frozen=True)
class Live:
    """A shop, two sandboxed platforms, and a Dagster webserver and daemon that run the shop."""

    shop: Shop
    sandbox: SandboxServer
    dagster: Dagster
    settings: Settings
    alerts: list[dict[str, Any]]

    def night(self, seconds: float = 120) -> dict[str, str]:
        """Launch load and wait for the whole night; each stage's status."""
        load = self.dagster.launch("load")
        found = {"load": self.dagster.wait(load)}
        for stage in ("segment", "deliver"):
            run = until(
                lambda stage=stage: self.dagster.runs(stage, {"turnout/night": load}),
                seconds,
                f"{stage} to be started",
            )[0]
            found[stage] = self.dagster.wait(run["runId"])
        return found

    def next_day(self) -> None:
        """A day passes, and the code location hears of it."""
        _say_day(self.shop.folder, TODAY + timedelta(days=1))
        self.dagster.reload()

    @contextmanager
    def faults(self, rules: Sequence[Mapping[str, object]]) -> Iterator[None]:
        """A platform misbehaves inside the block."""
        address = f"{self.sandbox.url}/sandbox/api/faults"
        requests.post(address, json=rules, timeout=10).raise_for_status()
        try:
            yield
        finally:
            requests.delete(address, timeout=10).raise_for_status()

    def dagster_log(self) -> str:
        """What webserver, daemon and runs printed."""
        return (self.shop.folder / LOG).read_text()

    def made_in_newest(self, job: str) -> set[str]:
        """What the newest run of a job materialized."""
        return self.dagster.made(self.dagster.runs(job)[0]["runId"])

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
        with webhook() as (address, alerts):
            settings = shop.settings(
                dagster_url=f"http://127.0.0.1:{free_port()}", guard_floor=20, alert_webhook=address
            )
            _say_day(folder, TODAY)
            with _running(settings, folder / LOG):
                dagster = Dagster(settings.dagster_url)
                until(dagster.ready, 90, "Dagster to be ready")
                yield Live(shop, sandbox, dagster, settings, alerts)


@contextmanager
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """An address that takes alerts, and the alerts it took."""
    taken: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook-with-a-secret", taken
        server.shutdown()


def _say_day(folder: Path, today: date) -> None:
    """The pretended day stands in `.env`, so that it can pass while Dagster runs."""
    (folder / ".env").write_text(f"TURNOUT_TODAY={today.isoformat()}\n")


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


class _running:
    """The whole of `turnout dev` in a process group of its own, which ends with the block."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self._command, self._environment = dev_command(settings)
        del self._environment["TURNOUT_TODAY"]
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
