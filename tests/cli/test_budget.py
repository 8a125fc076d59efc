"""An account's budget as an operator meets it: over commands, each a process's whole life."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox import SANDBOX_META_AD_ACCOUNT, SANDBOX_META_TOKEN, SandboxServer
from connectors.sandbox.faults import rules as fault
from pipelines.cli.exits import Exit
from tests.assets.shop import Shop
from tests.cli.conftest import Turnout


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SandboxServer]:
    """A sandboxed ad account in place of the shop's folder ``ads``."""
    with SandboxServer(tmp_path / "sandbox") as sandbox:
        monkeypatch.setenv("TURNOUT_DESTINATIONS", json.dumps({"ads": "meta", "mail": "file"}))
        monkeypatch.setenv("TURNOUT_ADS_TOKEN", SANDBOX_META_TOKEN)
        monkeypatch.setenv("TURNOUT_ADS_AD_ACCOUNT", SANDBOX_META_AD_ACCOUNT)
        monkeypatch.setenv("TURNOUT_ADS_BASE_URL", sandbox.meta_url)
        yield sandbox


@pytest.mark.fault(
    "F07",
    injected="429 with Retry-After of an hour, then two more runs of the command",
    outcome="ends at once with exit code 3 and the moment; later runs say so without asking",
)
def test_a_closed_account_is_said_at_once_by_every_later_run(
    computed: Shop, platform: SandboxServer, turnout: Turnout
) -> None:
    """The platform closes the account for an hour: the run ends with 3 and says until when; the next run says so for
    every audience and asks nothing; audiences of other accounts are delivered."""
    platform.faults.add(fault.RateLimited(effect="rate_limited", platform="meta", retry_after=3_600))
    first = turnout("sync", "--json")
    assert first.code == Exit.STOPPED
    asked = len(platform.state.requests("meta"))
    assert asked == 1, "the account's other audiences are not tried"
    again = turnout("sync", "--json")
    assert again.code == Exit.STOPPED
    assert len(platform.state.requests("meta")) == asked
    waiting = [one for one in again.objects if one["destination"] == "ads"]
    assert waiting
    assert {(one["status"], one["verdict"]) for one in waiting} == {("stopped", "budget")}
    assert all("takes requests again at" in one["sentence"] for one in waiting)
    assert all(one["status"] == "delivered" for one in again.objects if one["destination"] == "mail")


def test_the_budget_lies_beside_the_journal(
    computed: Shop, platform: SandboxServer, turnout: Turnout
) -> None:
    """A delivered run leaves the account's budget in the state folder, and nobody's identifier in it."""
    assert turnout("sync", "--json").code == Exit.OK
    state = computed.settings().state_dir
    files = list(state.glob("ads.budget.sqlite*"))
    assert state / "ads.budget.sqlite" in files
    assert not [file for file in files if re.search(rb"\w@\w+\.\w|[0-9a-f]{64}", file.read_bytes())]
