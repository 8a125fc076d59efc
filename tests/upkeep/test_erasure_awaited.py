"""An erasure on a platform that works on removals for a while: waited for, a bounded time, then gone on with."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox import SANDBOX_PRACTICE_TOKEN, SandboxServer
from pipelines.erasure.erase import erase, finish
from pipelines.project import Project
from tests.assets.shop import Shop, customer
from tests.upkeep.town import digest, email

ASYNCHRONOUS = {
    "TURNOUT_ADS_DELIVERY": "job",
    "TURNOUT_ADS_TOKEN": SANDBOX_PRACTICE_TOKEN,
    "TURNOUT_ADS_SETTLES_AFTER_SECONDS": "0",
}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Project, SandboxServer]]:
    """A shop whose one platform takes every change as a job, with all audiences in place."""
    with SandboxServer(tmp_path / "sandbox") as sandbox:
        sandbox.state.set_switches(practice_job_seconds=0)
        for name, value in {**ASYNCHRONOUS, "TURNOUT_ADS_BASE_URL": sandbox.practice_url}.items():
            monkeypatch.setenv(name, value)
        shop = Shop(tmp_path / "shop", destinations={"ads": "practice"})
        shop.folder.mkdir()
        shop.open(mail="ads")
        for name in ("buyers", "spenders", "browsers"):
            shop.segment(name, "select distinct person_no\nfrom orders", ("ads",))
        project = Project(shop.settings())
        assert project.load().ok
        project.compute()
        for _ in range(2):  # the second settles what the first left accepted
            run = project.deliveries.new_run()
            assert all(d.ok for d in project.deliveries.sync("ads", ["buyers", "browsers", "spenders"], run))
        yield project, sandbox


def held(sandbox: SandboxServer, name: str = "Buyers") -> set[str]:
    """E-mail digests in an audience."""
    audience = sandbox.state.audience("practice", name)
    return {row["email"] for row in sandbox.state.practice_members(audience.id)}


def ask(project: Project) -> Path:
    """The request, outside of the home."""
    path = project.settings.home.parent / "request.json"
    path.write_text(json.dumps({"people": [{"customer_id": customer(1)}]}))
    return path


def test_a_verdict_is_waited_for(place: tuple[Project, SandboxServer]) -> None:
    """The jobs end while the command waits: complete, each removal with the job's receipt."""
    project, sandbox = place
    assert digest(email(1)) in held(sandbox)
    sandbox.state.set_switches(practice_job_seconds=1)
    done = erase(project, ask(project), who="dpo", why="asked", wait_seconds=60)
    assert done.open == ()
    assert digest(email(1)) not in held(sandbox)
    assert {(o.segment, o.state) for o in done.audiences} == {
        (name, "removed") for name in ("browsers", "buyers", "spenders")
    }
    assert all(o.receipt for o in done.audiences)


def test_a_verdict_that_takes_too_long_stays_open(place: tuple[Project, SandboxServer]) -> None:
    """The wait is bounded; what the platform has not said is listed, and going on later needs no file."""
    project, sandbox = place
    sandbox.state.set_switches(practice_job_seconds=3600)
    began = time.monotonic()
    first = erase(project, ask(project), who="dpo", why="asked", wait_seconds=1)
    assert time.monotonic() - began < 60
    assert {o.state for o in first.audiences} == {"waiting"}
    assert any("the platform took the removal and has not said yet" in sentence for sentence in first.open)
    sandbox.advance_clock(3601)
    [second] = finish(project, wait_seconds=0)
    assert second.open == ()
    assert digest(email(1)) not in held(sandbox)
