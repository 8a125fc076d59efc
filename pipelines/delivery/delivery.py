"""Bring one destination account's audiences to what their segments want, and say what happened to everybody.

For each audience: settle what was accepted earlier, compare desired with held, judge the difference, write the
batches down, send removes, then adds, and count. Nothing here knows Dagster or any platform.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import duckdb

from connectors.base import (
    DeliveryError,
)
from pipelines.delivery import rationing
from pipelines.delivery.desk import TOLD, Desk
from pipelines.delivery.journal import Journal
from pipelines.delivery.journal_file import JournalError
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.lineage import doubt_strangers, use_together
from pipelines.delivery.model import (
    Account,
    Delivery,
    Push,
    Run,
    Watch,
    failed,
    quiet,
)
from pipelines.duck import StoreBusy, StoreDamaged, says_damaged

_Act = Callable[["Desk", Push], Delivery]


def plan(account: Account, pushes: Sequence[Push], run: Run) -> list[Delivery]:
    """The difference of each audience, counted and judged; nothing is sent and no member is touched."""
    plans = _each(account, pushes, run, lambda desk, push: desk.plan(push))
    rationing.foretell(account.connector, plans)
    return plans


def deliver(account: Account, pushes: Sequence[Push], run: Run, watch: Watch = quiet) -> list[Delivery]:
    """Push each audience; one that fails never stops its neighbours. Every run can be repeated at any time."""
    return _each(account, pushes, run, lambda desk, push: desk.deliver(push, watch), sends=True)


def rehearse(account: Account, pushes: Sequence[Push], run: Run) -> list[Delivery]:
    """Prepare each push as `deliver` would and let its condition look at it; then let go of it.

    Nobody is sent and no member is touched; platforms are asked for their audience and for verdicts that are due.
    What an operator could let pass is prepared as if they did, and judged as it is.
    """
    return _each(account, pushes, run, lambda desk, push: desk.rehearse(push))


def _each(
    account: Account, pushes: Sequence[Push], run: Run, act: _Act, *, sends: bool = False
) -> list[Delivery]:
    try:
        with ExitStack() as stack:
            journal = stack.enter_context(Journal.open(account.state_dir / "journal.sqlite", account.clock))
            ledger = stack.enter_context(
                Ledger.open(
                    account.state_dir / f"{account.name}.duckdb",
                    account.name,
                    account.connector.identity,
                    wait_seconds=account.lock_wait_seconds,
                    config=dict(account.duckdb_config),
                )
            )
            doubt_strangers(journal, ledger, run.id)
            use_together(journal, ledger)
            desk = Desk(account, journal, ledger, run)
            order = pushes
            if sends:
                foresee: Callable[[Push], Delivery] = lambda push: _guarded(Desk.foresee, desk, push)  # noqa: E731
                order = rationing.in_order(desk.course, account.connector, pushes, foresee)
            done = {push.segment: _guarded(act, desk, push) for push in order}
            return [done[push.segment] for push in pushes]
    except (StoreBusy, StoreDamaged, JournalError, DeliveryError) as error:
        return [failed(account.name, push, run, error) for push in pushes]
    except (duckdb.Error, sqlite3.Error, OSError) as error:
        return [failed(account.name, push, run, store_failed(error)) for push in pushes]


def _guarded(act: _Act, desk: Desk, push: Push) -> Delivery:
    """One audience's failure is its own."""
    try:
        return act(desk, push)
    except TOLD as error:
        return failed(desk.account.name, push, desk.run, error)
    except (duckdb.Error, sqlite3.Error, OSError) as error:
        return failed(desk.account.name, push, desk.run, store_failed(error))


def store_failed(error: Exception) -> str:
    """The original text may quote a row, so only its kind is told."""
    if says_damaged(error):
        return (
            f"the delivery state is damaged ({type(error).__name__}): restore it from a backup and run with --resync, "
            "see docs/recovery.md"
        )
    return (
        f"the delivery state could not be written ({type(error).__name__}): is the disk full, or the folder read-only? "
        "What was sent is journalled; run it again once that is mended"
    )
