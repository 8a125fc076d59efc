"""Bugs to plant in delivery on purpose, one at a time, so that the judge can prove that it would see them.

Each is a mistake that real systems make. A bug replaces functions inside the worker process that it is planted in,
and nowhere else.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.base import Receipt, Refused, Uncertain
from pipelines.delivery import desk, identities, identity_table, outbox, removing, sending
from pipelines.delivery.boundaries import reached
from pipelines.delivery.guards import Verdict
from pipelines.delivery.identity_table import IdentityTable
from pipelines.delivery.journal import Journal
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.outbox import Outbox
from pipelines.delivery.sending import Sender
from pipelines.delivery.states import Times
from pipelines.delivery.verdicts import Verdicts
from tests.crash.connectors import Wire


@dataclass(frozen=True, slots=True)
class Bug:
    """``shows_in`` names the scenarios that are tried first."""

    name: str
    breaks: str
    plant: Callable[[], None]
    shows_in: tuple[str, ...]


BUGS: dict[str, Bug] = {}


def plant(name: str) -> None:
    """Break this process."""
    BUGS[name].plant()


def bug(breaks: str, *shows_in: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    """Register the function that plants a bug, under its name."""

    def registered(planter: Callable[[], None]) -> Callable[[], None]:
        BUGS[planter.__name__] = Bug(planter.__name__, breaks, planter, shows_in)
        return planter

    return registered


def _changed(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Replace a function by what ``make`` makes of it."""
    setattr(owner, name, make(getattr(owner, name)))


# --- order and durability ----------------------------------------------------------------------------------


@bug("the ledger is saved once, when the run is over", "a_day_passes")
def snapshot_at_end() -> None:
    _on_a_copy(lambda path, copy: None)


@bug("nobody holds the ledger: two runs write it, the last one wins", "two_at_once")
def no_lock() -> None:
    _on_a_copy(lambda path, copy: _put_back(copy, path))


def _on_a_copy(after_commit: Callable[[Path, Path], None]) -> None:
    original_open, original_commit = Ledger.open.__func__, Ledger.commit  # type: ignore[attr-defined]
    places: dict[str, Path] = {}

    @contextmanager
    def opened(cls: type[Ledger], path: Path, *args: Any, **kwargs: Any) -> Iterator[Ledger]:
        copy = path.with_name(f"{path.name}.{os.getpid()}")
        if path.exists():
            shutil.copy(path, copy)
        places.update(path=path, copy=copy)
        with original_open(cls, copy, *args, **kwargs) as ledger:
            yield ledger
        _put_back(copy, path)

    @contextmanager
    def committed(self: Ledger, name: str) -> Iterator[None]:
        with original_commit(self, name):
            yield
        self.connection.execute("checkpoint")
        after_commit(places["path"], places["copy"])

    Ledger.open = classmethod(opened)  # type: ignore[assignment]
    Ledger.commit = committed  # type: ignore[method-assign]


def _put_back(copy: Path, path: Path) -> None:
    new = path.with_name(f"{copy.name}.new")
    shutil.copy(copy, new)
    new.replace(path)


@bug("a batch is marked as applied before its request leaves", "a_day_passes", "first_push")
def ack_before_send() -> None:
    def broken(original: Any) -> Any:
        def sent(self: Journal, batch: Any) -> None:
            original(self, batch)
            self._db.execute(
                "update batches set state = 'applied', settled_at = sent_at where id = ?", (batch.id,)
            )

        return sent

    _changed(Journal, "sent", broken)


@bug("members point at their batches after the requests, not before", "a_day_passes", "first_push")
def pointed_after_sending() -> None:
    point = Outbox.point
    _changed(Outbox, "point", lambda _: lambda self: None)

    def broken(original: Any) -> Any:
        def send(self: Any, push: Any, prepared: Any, sender: Any) -> Any:
            answer = original(self, push, prepared, sender)
            point(prepared.outbox)
            return answer

        return send

    _changed(desk.Desk, "_send", broken)


@bug("that a request leaves is journalled when it has been answered", "a_day_passes", "first_push")
def journalled_after_the_request() -> None:
    sent = Journal.sent
    _changed(Journal, "sent", lambda _: lambda self, batch: None)

    def broken(original: Any) -> Any:
        def settle(self: Sender, batch: Any, future: Any) -> Any:
            sent(self.journal, batch)
            return original(self, batch, future)

        return settle

    _changed(Sender, "_settle", broken)


@bug("rejected rows are written down in a commit after that of the receipt", "rows_rejected")
def rejections_in_another_commit() -> None:
    def broken(original: Any) -> Any:
        def settle(
            self: Journal, destination: str, segment: str, batch_id: str, receipt: Any, rejected: Any
        ) -> None:
            original(self, destination, segment, batch_id, receipt, {})
            with self._file.commit("settle"):
                self._reject(destination, segment, batch_id, rejected)

        return settle

    _changed(Journal, "settle", broken)


# --- answers -----------------------------------------------------------------------------------------------


@bug("no answer counts as a failure: those people are taken for absent", "answers_lost")
def timeout_is_failure() -> None:
    def broken(original: Any) -> Any:
        def settle(self: Sender, batch: Any, future: Future[Receipt]) -> Any:
            if batch.op == "add" and isinstance(future.exception(), Uncertain):
                reached("platform.add.answered")
                self.journal.fail(batch.id, "refused", "no answer")
                self.outbox.connection.execute(
                    f"delete from members where batch = {self.outbox.number(batch)}"
                )
                return []
            return original(self, batch, future)

        return settle

    _changed(Sender, "_settle", broken)


@bug("status 200 is success, whatever the body is", "a_page_instead")
def page_is_success() -> None:
    def broken(original: Any) -> Any:
        def read(self: Wire, status: int, text: bytes) -> Any:
            if status == 200 and not text.startswith(b"{"):
                return {"rejected": {}, "counted": 0}
            return original(self, status, text)

        return read

    _changed(Wire, "read", broken)


@bug("rows that the answer names as not taken are not looked at", "rows_rejected")
def partial_rejects_ignored() -> None:
    def broken(original: Any) -> Any:
        def settle(self: Verdicts, batch_id: str, op: Any, receipt: Any, rejected: Any) -> Any:
            return original(self, batch_id, op, receipt, {})

        return settle

    _changed(Verdicts, "settle", broken)


@bug("all rows of a batch are given up for one bad row", "rows_named")
def whole_batch_given_up() -> None:
    def broken(original: Any) -> Any:
        def without_the_guilty(self: Sender, batch: Any, refusal: Any) -> Any:
            everybody = self.outbox.members(batch, dict.fromkeys(range(batch.size), str(refusal)))
            self.journal.refuse_rows(self.destination, self.segment, batch.id, str(refusal), everybody)
            return []

        return without_the_guilty

    _changed(Sender, "_without_the_guilty", broken)


@bug("row positions and people are two lists that slip by one", "rows_rejected", "rows_named")
def misaligned() -> None:
    def broken(original: Any) -> Any:
        def members(self: Outbox, batch: Any, positions: Any) -> Any:
            return original(self, batch, {position + 1: why for position, why in positions.items()})

        return members

    _changed(Outbox, "members", broken)


@bug("a final refusal is tried again and again", "rows_named")
def final_errors_retried() -> None:
    def broken(original: Any) -> Any:
        def without_the_guilty(self: Sender, batch: Any, refusal: Any) -> Any:
            for _ in range(100):
                try:
                    self.connector.add(self.audience, self.outbox.rows(batch), batch)
                except Refused:
                    continue
            return original(self, batch, refusal)

        return without_the_guilty

    _changed(Sender, "_without_the_guilty", broken)


@bug("an error that nobody knows ends the matter: its rows are dropped as done", "a_request_refused")
def unknown_error_drops() -> None:
    def broken(original: Any) -> Any:
        def fail(self: Journal, batch_id: str, state: Any, error: str) -> None:
            with self._file.commit("fail"):
                self._fail(batch_id, "applied" if state == "refused" else state, error)

        return fail

    _changed(Journal, "fail", broken)


@bug("an audience that was deleted is not let go: every run fails on it again", "audience_deleted")
def deleted_audience_kept() -> None:
    _changed(desk.Desk, "_forget", lambda _: lambda self, push, number: None)


# --- batches -----------------------------------------------------------------------------------------------


@bug("the last batch is never sent", "first_push")
def last_batch_dropped() -> None:
    _changed(
        Sender, "send", lambda original: lambda self, op, batches: original(self, op, list(batches)[:-1])
    )


@bug("a request holds one row less than its batch", "first_push")
def batch_one_row_short() -> None:
    def broken(original: Any) -> Any:
        def rows(self: Outbox, batch: Any) -> pa.Table:
            table = original(self, batch)
            return table.slice(0, max(table.num_rows - 1, 1))

        return rows

    _changed(Outbox, "rows", broken)


# --- identities --------------------------------------------------------------------------------------------


@bug("a missing identifier is hashed like an empty text", "identifiers_change")
def nothing_is_hashed() -> None:
    _changed(
        identities,
        "encode_sql",
        lambda original: lambda value, encoding: original(f"coalesce({value}, '')", encoding),
    )


@bug("who leaves is removed by a hash made today, not by the one that was sent", "identifiers_change")
def removed_by_new_hash() -> None:
    def broken(original: Any) -> Any:
        def put_removes(self: Outbox, *, only_must_go: bool) -> Any:
            batches = original(self, only_must_go=only_must_go)
            self.connection.execute(
                """
                update outbox
                set "EMAIL" = fresh."EMAIL", "PHONE" = fresh."PHONE"
                from fresh
                where outbox.op = 'remove'
                  and fresh.person_no = outbox.person_no
                """
            )
            return batches

        return put_removes

    _changed(Outbox, "put_removes", broken)


@bug("an identifier that somebody who stays has too is removed with who leaves", "phones_are_shared")
def shared_identifiers_removed() -> None:
    _changed(removing, "_leave_out_shared", lambda _: lambda ledger, audience, column: None)


# --- who may, who must -------------------------------------------------------------------------------------


@bug("a guard lets an empty source through: everybody is removed", "guard_trips")
def empty_source_passes() -> None:
    _changed(desk, "verdict", lambda _: lambda change, bounds, overrides: Verdict())


@bug("a guard that stops a push stops opt-outs too", "guard_trips")
def guard_blocks_opt_outs() -> None:
    def broken(original: Any) -> Any:
        def put_removes(self: Outbox, *, only_must_go: bool) -> Any:
            return [] if only_must_go else original(self, only_must_go=only_must_go)

        return put_removes

    _changed(Outbox, "put_removes", broken)


@bug("consent is not looked at", "people_refuse")
def consent_ignored() -> None:
    def broken(original: Any) -> Any:
        def refresh(self: IdentityTable, people: Any, since: int, warehouse: str, purposes: Any) -> int:
            return int(original(self, people, since, warehouse, ()))

        return refresh

    _changed(identity_table.IdentityTable, "refresh", broken)


@bug("a resync sends everybody again and removes nobody", "resync")
def resync_without_removals() -> None:
    def broken(original: Any) -> Any:
        def prepare(self: Any, *args: Any, **kwargs: Any) -> Any:
            if self.run.resync:
                outbox.Outbox.put_removes = lambda *_, **__: []  # type: ignore[method-assign]
            return original(self, *args, **kwargs)

        return prepare

    _changed(desk.Desk, "_prepare", broken)


@bug("late copies are not reckoned with", "late_additions", "late_removals")
def settle_window_ignored() -> None:
    def broken(original: Any) -> Any:
        def read(ledger: Any, journal: Any, audience: int, segment: str, times: Times) -> None:
            original(ledger, journal, audience, segment, replace(times, settles_after=timedelta(0)))

        return read

    _changed(desk, "read_states", broken)


@bug("one batch after another that has no receipt stops nothing and is not told", "answers_lost")
def failures_not_told() -> None:
    _changed(sending.Sender, "_failed", lambda _: lambda self, error: None)
