"""A small shop, a sandboxed platform, and `turnout` as a process of its own that can be stopped, starved and killed."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from connectors.sandbox import SANDBOX_META_AD_ACCOUNT, SANDBOX_META_TOKEN, SandboxServer
from connectors.sandbox.faults.reading import parse_faults
from pipelines.assets.dev import variables
from tests.assets.shop import BUYERS, TODAY, Shop, customer, ordered_on

ROOT = Path(__file__).parents[2]
"""The tree that these tests belong to is the one that the processes run."""
PATIENCE = 60
"""Seconds that a process may take before a test gives up on it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a process left behind."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def said(self) -> str:
        """Everything it printed."""
        return self.out + self.err


@dataclass
class Running:
    """A started command."""

    process: subprocess.Popen[str]
    started: float = field(default_factory=time.monotonic)

    def signal(self, number: signal.Signals) -> float:
        """Send a signal; returns when."""
        self.process.send_signal(number)
        return time.monotonic()

    def end(self, seconds: float = PATIENCE) -> Ended:
        """Wait for the end of it; a process that hangs is killed, and the test fails."""
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            raise AssertionError(f"still running after {seconds} s: {out[-2000:]}{err[-2000:]}") from None
        return Ended(self.process.returncode, out, err, time.monotonic() - self.started)


def _begin(before: Callable[[], None] | None) -> None:
    """Hear signals as from a terminal, whatever started the tests: a shell's background job ignores some."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    if before is not None:
        before()


@dataclass
class Ground:
    """One audience of sixty buyers at Meta, ten to a request."""

    shop: Shop
    sandbox: SandboxServer

    @property
    def state(self) -> Path:
        """The folder of journal and ledger."""
        return self.shop.folder / "home/state"

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.state / "journal.sqlite"

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.state / "meta.duckdb"

    def start(
        self,
        *arguments: str,
        before: Callable[[], None] | None = None,
        code: str = "from pipelines.cli.app import main; main()",
        today: date = TODAY,
        **environment: str,
    ) -> Running:
        """Start a command; ``before`` runs in the new process before Python does."""
        return Running(
            subprocess.Popen(
                [sys.executable, "-c", code, *arguments],
                env={**self.environment(today), **environment},
                cwd=self.shop.folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                preexec_fn=lambda: _begin(before),
            )
        )

    def run(self, *arguments: str, **options: object) -> Ended:
        """Run a command to its end."""
        return self.start(*arguments, **options).end()  # type: ignore[arg-type]

    def environment(self, today: date = TODAY) -> Mapping[str, str]:
        """The settings of a command, and nothing else of this process's environment but the path."""
        return {
            **variables(self.shop.settings(today=today)),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.shop.folder),
            "TURNOUT_META_BASE_URL": self.sandbox.meta_url,
            "TURNOUT_META_TOKEN": SANDBOX_META_TOKEN,
            "TURNOUT_META_AD_ACCOUNT": SANDBOX_META_AD_ACCOUNT,
            "TURNOUT_META_IDENTIFIERS": '["EMAIL"]',
            "TURNOUT_META_MAX_ROWS": "10",
            "TURNOUT_META_MAX_IN_FLIGHT": "2",
            "TURNOUT_LOCK_WAIT_SECONDS": "2",
        }

    def faults(self, *rules: Mapping[str, object]) -> None:
        """From now on the platform misbehaves by these rules; none: it behaves."""
        self.sandbox.faults.replace(parse_faults(list(rules)))

    def until_sent(self, requests: int, seconds: float = PATIENCE) -> None:
        """Wait until the platform has begun to answer this many uploads."""
        deadline = time.monotonic() + seconds
        while self.uploads() < requests:
            assert time.monotonic() < deadline, f"{self.uploads()} uploads after {seconds} s"
            time.sleep(0.02)

    def uploads(self) -> int:
        """Uploads that the platform has logged."""
        return sum("/users" in request.path for request in self.sandbox.state.requests("meta"))

    def held(self) -> set[str]:
        """The digests that the platform holds."""
        try:
            audience = self.sandbox.state.audience("meta", "Buyers")
        except LookupError:
            return set()
        return {member["EMAIL"] for member in self.sandbox.state.meta_members(audience.id)}

    def desired(self) -> set[str]:
        """The digests that it should hold."""
        return {digest(person) for person in self.shop.buyers()}

    def opt_out_some(self) -> None:
        """Five buyers opt out, and the sources are loaded again."""
        self.shop.opt_out(3, 15, 27, 39, 51)
        assert self.run("sources").code == 0

    def assert_converges(self, runs: int = 1) -> None:
        """After so many calm runs the platform holds exactly the desired."""
        self.faults()
        ended = [self.run("sync") for _ in range(runs)]
        assert ended[-1].code == 0, ended[-1].said
        assert self.held() == self.desired()


def digest(person: str) -> str:
    """What Meta is sent of a person."""
    return hashlib.sha256(f"{person}@example.com".encode()).hexdigest()


def open_ground(folder: Path, sandbox: SandboxServer) -> Ground:
    """The shop's files, with its segment synced to Meta."""
    shop = Shop(folder, destinations={"meta": "meta"}).open()
    for path in shop.segment_defs.iterdir():
        path.unlink()
    shop.segment("buyers", BUYERS, ("meta",))
    assert len({customer(n) for n in range(shop.people) if n % 2 and ordered_on(n)}) == 60
    return Ground(shop, sandbox)
