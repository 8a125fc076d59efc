"""Ctrl-C ends a command with one word and one exit code, whichever library it meets at work."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from pipelines.cli.exits import Exit
from pipelines.cli.interrupts import told_once

COMMAND = """
import os, signal, threading, time
from pipelines.cli import app

def wait():
    time.sleep(1000)

def wait_like_duckdb():
    try:
        wait()
    except KeyboardInterrupt:
        raise RuntimeError("Query interrupted") from None

app.app = {doing}
threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
app.main()
"""


@pytest.mark.parametrize("doing", ["wait", "wait_like_duckdb"])
def test_an_interrupted_command_says_one_word(doing: str) -> None:
    """Also where DuckDB makes another error of it."""
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND.format(doing=doing)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr.strip()) == (Exit.INTERRUPTED, "Aborted.")


def test_an_error_of_another_kind_stays_what_it_is() -> None:
    """Only what an interrupt became is told as one, and whoever listened before listens again."""
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(RuntimeError, match="of our own"), told_once():
        raise RuntimeError("of our own")
    assert signal.getsignal(signal.SIGINT) is before
