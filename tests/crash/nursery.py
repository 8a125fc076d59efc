"""Where workers come from: a process that has everything loaded and forks, so that a worker costs milliseconds.

It is alone with one thread and opens no database, so a fork of it is as good as a fresh process.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

import duckdb
import pyarrow as pa

from tests.crash.worker import Order, main

ROOT = Path(__file__).parents[2]
LONGEST_RUN_SECONDS = 120.0
"""No run of these small worlds takes a second by itself; one that takes so long has no end."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a worker ended: its exit code, or the negative number of the signal that ended it."""

    code: int
    seconds: float
    paused: bool = False
    """It has not ended: it stopped itself, and goes on when told."""

    endless: bool = False
    """It was ended because it took too long."""

    @property
    def killed(self) -> bool:
        """Whether a signal ended it."""
        return self.code < 0


class Nursery:
    """The judge's end: orders go in, endings come out."""

    def __init__(self, *modules: str) -> None:
        """``modules`` are loaded before the first fork, beside what every worker needs."""
        loaded = "".join(f"import {module}; " for module in modules)
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"{loaded}from tests.crash.nursery import serve; serve()"],
            cwd=ROOT,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def run(self, order: Order) -> Ended:
        """Let a worker carry out an order; comes back when it has ended, or paused."""
        return self._ask(order)

    def go_on(self) -> Ended:
        """Wake the paused worker; comes back when it has ended."""
        return self._ask("go on")

    def close(self) -> None:
        """No more orders."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def _ask(self, what: Order | Literal["go on"]) -> Ended:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        _write(self._process.stdin, what)
        answer = _read(self._process.stdout)
        if not isinstance(answer, Ended):
            raise RuntimeError("the nursery has ended; what it said is on standard error")
        return answer


def serve() -> None:
    """The nursery's own loop."""
    orders = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _warm_up()
    gc.collect()
    gc.freeze()
    child = 0
    while (what := _read(orders)) is not None:
        if isinstance(what, Order):
            child = os.fork()
            if child == 0:
                orders.close()
                answers.close()
                os._exit(main(what))
        else:
            os.kill(child, signal.SIGCONT)
        _write(answers, _ending(child))
    os._exit(0)


def _warm_up() -> None:
    """What the database loads when it is first asked is loaded before the first fork; nothing stays open."""
    with duckdb.connect(config={"threads": "1"}) as connection:
        connection.register("numbers", pa.table({"number": [1]}))
        connection.sql("select number from numbers").to_arrow_table()


def _ending(child: int) -> Ended:
    begun = time.monotonic()
    endless = False
    while True:
        found, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
        seconds = time.monotonic() - begun
        if found:
            if os.WIFSTOPPED(status):
                return Ended(0, seconds, paused=True)
            return Ended(os.waitstatus_to_exitcode(status), seconds, endless=endless)
        if seconds > LONGEST_RUN_SECONDS and not endless:
            endless = True
            os.kill(child, signal.SIGKILL)
        time.sleep(0.001)


def _write(to: IO[bytes], what: object) -> None:
    content = pickle.dumps(what)
    to.write(struct.pack("!I", len(content)) + content)
    to.flush()


def _read(source: IO[bytes]) -> object:
    head = source.read(4)
    return pickle.loads(source.read(struct.unpack("!I", head)[0])) if len(head) == 4 else None
