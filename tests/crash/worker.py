"""What a worker process does: one run of delivery over a small world, watched, perhaps ended on its way."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from time import monotonic
from typing import Literal

import pyarrow as pa

from connectors.base import Connector
from pipelines.delivery.boundaries import observe
from pipelines.delivery.delivery import deliver, rehearse
from pipelines.delivery.guards import Bounds, Overrides
from pipelines.delivery.journal import Journal
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.listing import compare_listing, stage_listing
from pipelines.delivery.model import Account, Condition, Delivery, Push, Run
from pipelines.delivery.outbox import Outbox
from pipelines.delivery.repair import repair
from pipelines.delivery.states import Times, read_states
from pipelines.erasure.ledgers import forget, tie
from pipelines.segments.model import Sync
from tests.crash.connectors import KINDS
from tests.crash.people import IDENTITIES, person
from tests.delivery.world import TODAY, World

ANYTHING_GOES = Bounds(max_removed=1.0, max_growth=1000, floor=1000, max_age_days=2)
STRICT = Bounds(max_removed=0.3, max_growth=3.0, floor=2, max_age_days=2)

CONFIG = {"threads": "1"}
SEAL = "sealed"
"""Of the plan that is applied."""
MORNING = datetime.combine(TODAY, time(6), UTC)

INTERRUPTED, FAILED = 130, 70
"""Exit codes of a worker that was interrupted, or met an error that nobody turned into a sentence."""

TRACE = "trace"
RESULT = "result"
ANY = "*"
"""In place of a boundary's name: every boundary counts."""

End = Literal["kill", "terminate", "interrupt", "pause"]
"""SIGKILL; SIGTERM as the command line takes it; SIGTERM as Dagster takes it, an interrupt; SIGSTOP."""


@dataclass(frozen=True, slots=True)
class Stop:
    """End the process at the n-th visit of a boundary."""

    point: str
    nth: int = 1
    how: End = "kill"

    def __str__(self) -> str:
        return f"{self.how} at {self.point} #{self.nth}"


Task = Literal["deliver", "apply", "hold and resume", "erase", "compare"]
"""A push; a push as a plan's application makes it; a push on hold, and one after the hold was lifted; a push between
what an erasure does before it and after it; a push after a comparison with the platform's list, where ours wins."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a run is asked to do, beside the world it finds."""

    segments: tuple[str, ...] = ("vip",)
    formerly: str | None = None
    resync: bool = False
    strict: bool = False
    """Guards with tight bounds; else anything goes."""
    accept_removals: bool = False
    rules: str = "first"
    """Which version of the normalising rules, a key of IDENTITIES."""
    max_rows: int = 4
    hours: float = 0.0
    """When it happens: hours after the world's morning."""
    settles_hours: float = 0.0
    """How long a late copy of a request may come."""
    task: Task = "deliver"
    history_hours: float = 9600.0
    """How long history is kept."""


PLAIN = Ask()
"""One segment, nothing special."""


@dataclass(frozen=True, slots=True)
class Order:
    """One run of one worker process."""

    kind: str
    port: int
    folder: Path
    world: World
    ask: Ask
    stop: Stop | None = None
    bug: str | None = None
    """A bug to plant first, by name."""
    address: str = ""
    """Of a platform of the sandbox, for connectors that ship; empty: the small platform at ``port``."""
    beside: bool = False
    """It runs beside a worker that is paused: its trace and its answer lie beside that one's."""
    number: int = 1
    """Which run of its stage it is: each begins a minute after the one before."""

    @property
    def now(self) -> datetime:
        """The run's moment."""
        return MORNING + timedelta(hours=self.ask.hours, minutes=self.number)


@dataclass(slots=True)
class _Watcher:
    """Writes down every boundary before anything can happen to the process there."""

    trace: int
    stop: Stop | None
    visits: Counter[str] = field(default_factory=Counter)

    def __call__(self, boundary: str) -> None:
        os.write(self.trace, f"{boundary}\n".encode())
        self.visits.update((boundary, ANY))
        stop = self.stop
        if stop and stop.point in (boundary, ANY) and self.visits[stop.point] == stop.nth:
            self.stop = None
            ENDS[stop.how]()


def _interrupt() -> None:
    # As Dagster's run worker does: SIGTERM becomes what Ctrl-C is.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.kill(os.getpid(), signal.SIGTERM)


ENDS: dict[End, Callable[[], None]] = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "terminate": lambda: os.kill(os.getpid(), signal.SIGTERM),
    "interrupt": _interrupt,
    "pause": lambda: os.kill(os.getpid(), signal.SIGSTOP),
}


def state(folder: Path) -> Path:
    """Where a run keeps journal and ledger."""
    return folder / "state"


def work(order: Order) -> None:
    """Run delivery and leave its answer in the folder; the process may not live to the end."""
    if order.bug is not None:
        from tests.crash.planted import plant

        plant(order.bug)
    trace = os.open(order.folder / named(TRACE, order.beside), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with observe(_Watcher(trace, order.stop)):
        deliveries = _deliver(order)
    (order.folder / named(RESULT, order.beside)).write_bytes(pickle.dumps(deliveries))


def _deliver(order: Order) -> list[Delivery]:
    ask, world = order.ask, order.world
    connector = _connector(order)

    @contextmanager
    def open_engine() -> Iterator[World]:
        yield world

    account = Account(
        connector,
        open_engine,
        state(order.folder),
        lock_wait_seconds=0,
        retry_rejected_after=timedelta(days=7),
        keep_history=timedelta(hours=ask.history_hours),
        clock=_clock(order.now),
        duckdb_config=CONFIG,
    )
    pushes = [
        Push(
            segment,
            Sync("platform", segment.title()),
            connector.options_type(),
            STRICT if ask.strict else ANYTHING_GOES,
            formerly=ask.formerly,
        )
        for segment in ask.segments
    ]
    overrides = Overrides(ask.accept_removals, ask.accept_removals, "ann", "this is meant")
    run = Run(f"run-{order.number}", TODAY, overrides, ask.resync)
    return TASKS[ask.task](account, pushes, run)


def _clock(start: datetime) -> Callable[[], datetime]:
    """Time that begins with the run and goes on as it does everywhere."""
    begun = monotonic()
    return lambda: start + timedelta(seconds=monotonic() - begun)


def _connector(order: Order) -> Connector:
    if order.address:
        from tests.crash.shipped import SHIPPED

        return SHIPPED[order.kind].connect(order.address)
    ask = order.ask
    return KINDS[order.kind](
        order.port, IDENTITIES[ask.rules], ask.max_rows, timedelta(hours=ask.settles_hours)
    )


def _apply(account: Account, pushes: Sequence[Push], run: Run) -> list[Delivery]:
    """Look first, sending nothing; then push, noting that the plan has begun and that it has ended."""

    def begin(push: Push) -> Condition:
        def note(now: Delivery, outbox: Outbox) -> str | None:
            with _journal(account) as journal:
                journal.applied.begin(SEAL, account.name, push.segment, run.id, "ann", "reviewed")
            return None

        return note

    rehearse(account, pushes, run)
    deliveries = deliver(account, [replace(push, condition=begin(push)) for push in pushes], run)
    for delivery in deliveries:
        if not delivery.errors:
            with _journal(account) as journal:
                journal.applied.end(SEAL, account.name, delivery.segment)
    return deliveries


def _hold_and_resume(account: Account, pushes: Sequence[Push], run: Run) -> list[Delivery]:
    for push in pushes:
        with _journal(account) as journal:
            journal.holds.place(account.name, push.segment, "ann", "let us look first")
    deliver(account, pushes, run)
    for push in pushes:
        with _journal(account) as journal:
            journal.holds.lift(account.name, push.segment, "ann", "it is right")
    return deliver(account, pushes, run)


def _erase(account: Account, pushes: Sequence[Push], run: Run) -> list[Delivery]:
    """Those who are erased in the world are found by what was once known of them, removed and forgotten."""
    with account.open_engine() as world:
        assert isinstance(world, World)
        erased = [number for number, who in world.people.items() if who.suppressed == "erased"]
    known = [person(number) for number in erased]
    versions = {
        "person_no": pa.array(erased, pa.int32()),
        "email": [who.email for who in known],
        "phone": [who.phone for who in known],
    }
    with _journal(account) as journal, _ledger(account) as ledger:
        tie(ledger, journal, pa.table(versions))
    deliveries = deliver(account, pushes, run)
    with _ledger(account) as ledger:
        forget(ledger, set(erased))
    return deliveries


def _compare(account: Account, pushes: Sequence[Push], run: Run) -> list[Delivery]:
    """Whom the platform lists is held against the ledger, and the push sets right what differs."""
    times = Times(account.clock(), None, account.retry_rejected_after, account.keep_history, timedelta(0))
    with _journal(account) as journal, _ledger(account) as ledger:
        for push in pushes:
            number = ledger.audience(push.segment)
            audience = journal.audience(account.name, push.segment)
            assert audience is not None
            stage_listing(ledger, account.connector.members(audience))
            read_states(ledger, journal, number, push.segment, times)
            compare_listing(ledger, number, timedelta(0), timedelta(0), account.clock())
            repair(journal, ledger, number, push.segment, run.id, "ours_wins")
    return deliver(account, pushes, run)


TASKS: dict[Task, Callable[[Account, Sequence[Push], Run], list[Delivery]]] = {
    "deliver": deliver,
    "apply": _apply,
    "hold and resume": _hold_and_resume,
    "erase": _erase,
    "compare": _compare,
}


def _journal(account: Account) -> AbstractContextManager[Journal]:
    return Journal.open(account.state_dir / "journal.sqlite", account.clock)


def _ledger(account: Account) -> AbstractContextManager[Ledger]:
    path = account.state_dir / "platform.duckdb"
    return Ledger.open(path, account.name, account.connector.identity, wait_seconds=0, config=CONFIG)


def named(file: str, beside: bool) -> str:
    """A file of a run in its stage's folder."""
    return f"{file}-beside" if beside else file


def traced(folder: Path, *, beside: bool = False) -> list[str]:
    """The boundaries that the folder's last run reached, in order."""
    return (folder / named(TRACE, beside)).read_text().splitlines()


def result(folder: Path, *, beside: bool = False) -> list[Delivery]:
    """What the folder's last run answered."""
    answer: list[Delivery] = pickle.loads((folder / named(RESULT, beside)).read_bytes())
    return answer


def main(order: Order) -> int:
    """A forked process's whole life; its exit code, if it comes to that."""
    try:
        work(order)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseException as error:  # noqa: BLE001 - a worker's own failure is told by its exit code and this line
        sys.stderr.write(f"worker: {type(error).__name__}: {error}\n")
        return FAILED
    return 0
