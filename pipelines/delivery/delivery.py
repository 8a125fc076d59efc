"""Bring one destination account's audiences to what their segments want, and say what happened to everybody.

For each audience: settle what was accepted earlier, compare desired with held, judge the difference, write the
batches down, send removes, then adds, and count. Nothing here knows Dagster or any platform.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import duckdb
from pydantic import TypeAdapter

from connectors.base import (
    Audience,
    AudienceGone,
    AudienceRequest,
    Connector,
    DeliveryError,
    Refused,
    SyncOptions,
)
from pipelines.delivery.guards import Bounds, Change, Guard, Overrides, Verdict, verdict
from pipelines.delivery.journal import Journal, JournalError
from pipelines.delivery.ledger import Difference, Ledger
from pipelines.delivery.outbox import Outbox, Outcome
from pipelines.delivery.sending import Progress, Sender
from pipelines.duck import StoreBusy, StoreDamaged
from pipelines.engine import Engine, EngineError, Members, PeopleByNumber, PeopleChanged
from pipelines.segments.model import Sync

Status = Literal["planned", "delivered", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Account:
    """A destination account: its connector, how to reach the warehouse, and where its state lives."""

    connector: Connector
    open_engine: Callable[[], AbstractContextManager[Engine]]
    state_dir: Path
    lock_wait_seconds: float
    retry_rejected_after: timedelta
    duckdb_config: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The destination's name."""
        return self.connector.destination


@dataclass(frozen=True, slots=True)
class Push:
    """One audience to bring up to date."""

    segment: str
    sync: Sync
    options: SyncOptions
    bounds: Bounds
    formerly: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """What holds for all audiences of one run."""

    id: str
    today: date
    overrides: Overrides = field(default_factory=Overrides)
    resync: bool = False
    """Doubt everything: send all desired people again, remove all others."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one run did with one audience, or would do (``status`` planned). The sums close:

    ``desired`` = kept + added + rejected + uncertain + the sum of withheld. Before sending, ``adds`` stands
    where added, newly rejected and uncertain will.
    """

    destination: str
    segment: str
    audience: str
    run_id: str
    status: Status
    as_of: date | None = None
    desired: int = 0
    held_before: int = 0
    kept: int = 0
    adds: int = 0
    removes: int = 0
    added: int = 0
    removed: int = 0
    rejected: int = 0
    uncertain: int = 0
    held: int = 0
    must_go: int = 0
    requests: int = 0
    withheld: Mapping[str, int] = field(default_factory=dict)
    rejected_reasons: Mapping[str, int] = field(default_factory=dict)
    verdict: str = "fine"
    sentence: str = "fine"
    audience_id: str | None = None
    url: str | None = None
    errors: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everything that was to be done is done and receipted."""
        return self.status in ("planned", "delivered") and not self.errors

    def to_json(self) -> str:
        """For the journal and for machines; stable keys."""
        return _ADAPTER.dump_json(self).decode()

    @classmethod
    def from_json(cls, text: str) -> Delivery:
        """What ``to_json`` wrote."""
        return _ADAPTER.validate_json(text)


_ADAPTER: TypeAdapter[Delivery] = TypeAdapter(Delivery)


class NumbersDoNotClose(Exception):
    """People are unaccounted for: a bug, never to be passed over."""


TOLD = (DeliveryError, EngineError, StoreBusy, StoreDamaged, NumbersDoNotClose)
"""Failures whose text is a sentence for the operator."""


def quiet(destination: str, segment: str, op: str, done: int, total: int) -> None:
    """No progress shown."""


Watch = Callable[[str, str, str, int, int], None]
"""Called with destination, segment, operation, batches done, batches in all."""


def plan(account: Account, pushes: Sequence[Push], run: Run) -> list[Delivery]:
    """The difference of each audience, counted and judged; nothing is sent and no member is touched."""
    return _each(account, pushes, run, lambda desk, push: desk.plan(push))


def deliver(account: Account, pushes: Sequence[Push], run: Run, watch: Watch = quiet) -> list[Delivery]:
    """Push each audience; one that fails never stops its neighbours. Every run can be repeated at any time."""
    return _each(account, pushes, run, lambda desk, push: desk.deliver(push, watch))


def _each(
    account: Account, pushes: Sequence[Push], run: Run, act: Callable[[_Desk, Push], Delivery]
) -> list[Delivery]:
    try:
        with ExitStack() as stack:
            journal = stack.enter_context(Journal.open(account.state_dir / "journal.sqlite"))
            ledger = stack.enter_context(
                Ledger.open(
                    account.state_dir / f"{account.name}.duckdb",
                    account.name,
                    account.connector.identity,
                    wait_seconds=account.lock_wait_seconds,
                    config=dict(account.duckdb_config),
                )
            )
            desk = _Desk(account, journal, ledger, run)
            return [_guarded(act, desk, push) for push in pushes]
    except (StoreBusy, StoreDamaged, JournalError) as error:
        return [failed(account.name, push, run, str(error)) for push in pushes]


def _guarded(act: Callable[[_Desk, Push], Delivery], desk: _Desk, push: Push) -> Delivery:
    """One audience's failure is its own."""
    try:
        return act(desk, push)
    except TOLD as error:
        return failed(desk.account.name, push, desk.run, str(error))
    except (duckdb.Error, sqlite3.Error, OSError) as error:
        return failed(desk.account.name, push, desk.run, _store_failed(error))


def _store_failed(error: Exception) -> str:
    """The original text may quote a row, so only its kind is told."""
    return (
        f"the delivery state could not be written ({type(error).__name__}): is the disk full, or the folder read-only? "
        "What was sent is journalled; run it again once that is mended"
    )


def failed(destination: str, push: Push, run: Run, sentence: str) -> Delivery:
    """A delivery that could not even begin, with the sentence that says why."""
    return Delivery(
        destination,
        push.segment,
        push.sync.audience,
        run.id,
        "failed",
        verdict="failed",
        sentence=sentence,
        errors=(sentence,),
    )


@dataclass(frozen=True, slots=True)
class _Prepared:
    """An audience's difference, judged, with the outbox filled."""

    number: int
    as_of: date | None
    difference: Difference
    verdict: Verdict
    outbox: Outbox


@dataclass(frozen=True, slots=True)
class _Desk:
    """Everything one destination's run has open."""

    account: Account
    journal: Journal
    ledger: Ledger
    run: Run

    def plan(self, push: Push) -> Delivery:
        number = self._find(push)
        with self.account.open_engine() as engine, engine.snapshot():
            self._refresh(engine)
            as_of, difference, judged = self._compare(engine, push, number)
        return self._report(push, as_of, difference, judged, "planned")

    def deliver(self, push: Push, watch: Watch) -> Delivery:
        number = self._find(push)
        push_id = self.journal.started(self.run.id, self.account.name, push.segment, None)
        try:
            delivery = self._deliver(push, number, watch)
        except TOLD as error:
            delivery = failed(self.account.name, push, self.run, str(error))
        self.journal.ended(push_id, delivery.to_json())
        return delivery

    # --- finding and opening -----------------------------------------------------------------------------

    def _find(self, push: Push) -> int:
        """The audience's number in the ledger, under its old name too."""
        old = push.formerly
        if old and self.ledger.knows(old) and not self.ledger.knows(push.segment):
            self.journal.rename(self.account.name, old, push.segment)
            self.ledger.rename(old, push.segment)
        return self.ledger.audience(push.segment)

    def _open(self, push: Push, number: int) -> Audience:
        known = self.journal.audience(self.account.name, push.segment)
        request = AudienceRequest(push.sync.audience, f"turnout:{push.segment}", known.id if known else None)
        try:
            audience = self.account.connector.open_audience(request, push.options)
        except AudienceGone:
            self._forget(push, number)
            raise
        self.journal.opened(self.account.name, push.segment, audience)
        return audience

    def _forget(self, push: Push, number: int) -> None:
        self.journal.forget_audience(self.account.name, push.segment)
        self.ledger.forget(number)

    def _poll(self, push: Push, audience: Audience) -> None:
        """Settle what earlier runs left accepted."""
        if not self.account.connector.limits.asynchronous:
            return
        for batch in self.journal.waiting(self.account.name, push.segment):
            assert batch.reference is not None
            try:
                receipt = self.account.connector.poll(audience, batch.reference)
            except Refused as error:
                self.journal.fail(batch.id, "refused", str(error))
            else:
                self.journal.settle(self.account.name, push.segment, batch.id, receipt, {})

    # --- comparing ---------------------------------------------------------------------------------------

    def _refresh(self, engine: Engine) -> None:
        info = engine.check()
        consent = self.account.connector.consent
        since = self.ledger.known_revision(info.identity, consent)
        changed = engine.export(PeopleChanged(since, self.account.connector.identity.inputs))
        self.ledger.refresh(changed, since, info.identity, consent)

    def _compare(self, engine: Engine, push: Push, number: int) -> tuple[date | None, Difference, Verdict]:
        self._read_states(push, number)
        as_of = engine.latest(push.segment)
        change = Change(as_of, self.run.today, engine.newest_day(), 0, 0, 0, 0)
        judged = verdict(change, push.bounds, self.run.overrides)
        if as_of is None or judged.guard in (Guard.STALE, Guard.NEVER_COMPUTED):
            return as_of, self.ledger.only_must_go(number), judged
        difference = self.ledger.difference(number, engine.export(Members(push.segment, as_of)))
        change = replace(
            change,
            desired=difference.desired,
            held=difference.held,
            adds=difference.adds,
            removes=difference.removes - difference.must_go,
        )
        return as_of, difference, verdict(change, push.bounds, self.run.overrides)

    def _read_states(self, push: Push, number: int) -> None:
        self.ledger.read_states(
            self.journal,
            number,
            push.segment,
            expires_after=self.account.connector.limits.expires_after,
            retry_after=self.account.retry_rejected_after,
        )

    def _prepare(self, push: Push, number: int) -> _Prepared:
        """Compare, and fill the outbox; the warehouse is let go before anything is sent."""
        with self.account.open_engine() as engine, engine.snapshot():
            self._refresh(engine)
            as_of, difference, judged = self._compare(engine, push, number)
            outbox = Outbox(self.ledger, number, self.account.connector.limits.max_rows)
            if not judged.stops and difference.adds:
                wanted = PeopleByNumber(outbox.adding(), self.account.connector.identity.inputs)
                outbox.put_adds(engine.export(wanted))
        outbox.put_removes(only_must_go=judged.stops)
        return _Prepared(number, as_of, difference, judged, outbox)

    # --- sending -----------------------------------------------------------------------------------------

    def _deliver(self, push: Push, number: int, watch: Watch) -> Delivery:
        audience = self._open(push, number)
        self._poll(push, audience)
        if self.run.resync:
            self.journal.doubt(self.account.name, push.segment)
        prepared = self._prepare(push, number)
        if prepared.verdict.overridden:
            allowed = self.run.overrides
            self.journal.decided(
                self.run.id, self.account.name, push.segment, prepared.verdict.word, allowed.who, allowed.why
            )
        sender = self._sender(push, prepared, audience, watch)
        try:
            self._send(push, prepared, sender)
        except AudienceGone:
            self._forget(push, number)
            raise
        self._read_states(push, number)
        outcome = prepared.outbox.outcome()
        if urgent := prepared.outbox.urgent_removed():
            self.journal.erased(self.run.id, self.account.name, push.segment, urgent)
        return self._receipted(push, prepared, sender, outcome)

    def _sender(self, push: Push, prepared: _Prepared, audience: Audience, watch: Watch) -> Sender:
        progress: Progress = lambda op, done, total: watch(self.account.name, push.segment, op, done, total)  # noqa: E731
        return Sender(
            destination=self.account.name,
            segment=push.segment,
            run_id=self.run.id,
            as_of=prepared.as_of,
            connector=self.account.connector,
            audience=audience,
            journal=self.journal,
            outbox=prepared.outbox,
            progress=progress,
        )

    def _send(self, push: Push, prepared: _Prepared, sender: Sender) -> None:
        """Journal, point, send: removes are settled before adds are sent."""
        removes = prepared.outbox.cut("remove")
        adds = prepared.outbox.cut("add")
        self.journal.plan(self.account.name, push.segment, self.run.id, prepared.as_of, [*removes, *adds])
        prepared.outbox.point()
        sender.send("remove", removes)
        if not sender.stopped_by:
            sender.send("add", adds)

    # --- reporting ---------------------------------------------------------------------------------------

    def _report(
        self, push: Push, as_of: date | None, difference: Difference, judged: Verdict, status: Status
    ) -> Delivery:
        known = self.journal.audience(self.account.name, push.segment)
        withheld = Counter(difference.withheld)
        if difference.pending:
            withheld["pending_removal"] += difference.pending
        if judged.stops and difference.adds:
            withheld["guard"] += difference.adds
        return Delivery(
            destination=self.account.name,
            segment=push.segment,
            audience=push.sync.audience,
            run_id=self.run.id,
            status=status,
            as_of=as_of,
            desired=difference.desired,
            held_before=difference.held,
            kept=difference.kept,
            adds=difference.adds,
            removes=difference.removes,
            rejected=difference.rejected,
            held=difference.held,
            must_go=difference.must_go,
            withheld=dict(withheld),
            rejected_reasons=self._rejected_reasons(push),
            verdict=judged.word,
            sentence=judged.sentence,
            audience_id=known.id if known else None,
            url=known.url if known else None,
        )

    def _receipted(self, push: Push, prepared: _Prepared, sender: Sender, outcome: Outcome) -> Delivery:
        stopped = prepared.verdict.stops
        planned = self._report(push, prepared.as_of, prepared.difference, prepared.verdict, "delivered")
        errors = [*sender.errors, *([str(sender.stopped_by)] if sender.stopped_by else [])]
        delivery = replace(
            planned,
            status="failed" if errors else "stopped" if stopped else "delivered",
            added=outcome.added,
            removed=outcome.removed,
            rejected=prepared.difference.rejected + outcome.rejected,
            uncertain=outcome.unsure_adds + outcome.unsure_removes,
            held=self.ledger.held(prepared.number),
            requests=sender.requests,
            errors=tuple(dict.fromkeys(errors)),
        )
        _must_close(delivery, prepared.difference, outcome, stopped)
        return delivery

    def _rejected_reasons(self, push: Push) -> dict[str, int]:
        return dict(Counter(r.reason for r in self.journal.rejections(self.account.name, push.segment)))


def _must_close(delivery: Delivery, difference: Difference, outcome: Outcome, stopped: bool) -> None:
    """Every desired person and every held member is accounted for, or the run says so and is red."""
    withheld = sum(delivery.withheld.values())
    desired = difference.kept + outcome.added + delivery.rejected + outcome.unsure_adds + withheld
    if desired != difference.desired:
        raise NumbersDoNotClose(f"{delivery.segment}: {difference.desired} desired, {desired} accounted for")
    due = difference.must_go if stopped else difference.removes
    if outcome.removed + outcome.unsure_removes != due:
        done = outcome.removed + outcome.unsure_removes
        raise NumbersDoNotClose(f"{delivery.segment}: {due} to remove, {done} accounted for")
