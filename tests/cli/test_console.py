"""The installed console script, in processes of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from connectors.sandbox import SANDBOX_META_AD_ACCOUNT, SANDBOX_META_TOKEN, SandboxServer
from connectors.sandbox.faults.rules import Delay
from pipelines.cli.exits import Exit
from pipelines.project import Project
from pipelines.settings import Settings
from tests.assets.shop import Shop

SCRIPT = Path(sys.executable).with_name("turnout")
PATIENCE_SECONDS = 60


def started(*arguments: str) -> subprocess.Popen[str]:
    """The script with these arguments, under way."""
    return subprocess.Popen(
        [SCRIPT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip


def test_help_lists_every_command(bare: Path) -> None:
    """``turnout`` alone and ``turnout --help`` show what there is."""
    process = started("--help")
    out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == Exit.OK
    for command in ("demo", "sources", "segments", "plan", "sync", "status", "sandbox", "dev"):
        assert f" {command} " in out


def test_status_while_a_push_runs(pushed: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """While one process pushes, another reads the last finished push and how far the running one is."""
    slow = Delay(effect="delay", platform="meta", method="POST", path="*/users", seconds=6)
    with SandboxServer(tmp_path / "sandbox", faults=[slow]) as sandbox:
        for name, value in {
            "TURNOUT_DESTINATIONS": '{"meta": "meta", "mail": "file"}',
            "TURNOUT_META_BASE_URL": sandbox.meta_url,
            "TURNOUT_META_TOKEN": SANDBOX_META_TOKEN,
            "TURNOUT_META_AD_ACCOUNT": SANDBOX_META_AD_ACCOUNT,
        }.items():
            monkeypatch.setenv(name, value)
        pushed.segment("buyers", "select distinct person_no\nfrom orders", ("meta", "mail"))
        pushed.segment("spenders", "select distinct person_no\nfrom orders", ("mail",))
        push = started("sync", "meta/buyers", "--json")
        until = time.monotonic() + PATIENCE_SECONDS
        while not Project(Settings()).record.under_way():
            assert time.monotonic() < until, "the push never began"
            assert push.poll() is None, push.communicate()
            time.sleep(0.1)
        look = started("status")
        shown, _ = look.communicate(timeout=PATIENCE_SECONDS)
        still_running = push.poll() is None
        out, err = push.communicate(timeout=PATIENCE_SECONDS)
    assert still_running, "status waited for the push"
    assert look.returncode == Exit.OK
    assert "meta/buyers" in shown
    assert "batches receipted" in shown
    assert "spenders" in shown, "the last pushes that have ended"
    assert push.returncode == Exit.OK, err
    assert json.loads(out)["added"] == len(pushed.buyers())
