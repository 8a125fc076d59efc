"""One audience at a time: settle what is open, compare, judge, write down, send, and account for everybody."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date

import pyarrow as pa

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AudienceRequest,
    Batch,
    DeliveryError,
    DestinationError,
)
from pipelines.delivery import rationing, report
from pipelines.delivery.attributes import check_fields, stage_attributes
from pipelines.delivery.boundaries import request
from pipelines.delivery.connector_bugs import told_by_kind
from pipelines.delivery.difference import Difference, compare, only_must_go
from pipelines.delivery.excluding import leave_out, nobody_left_out, unknown_exclusion, with_left_out
from pipelines.delivery.guards import OVERRIDES, Change, Guard, Verdict, verdict
from pipelines.delivery.holding_out import nobody_held_out, stage_held_out
from pipelines.delivery.holds import held_back
from pipelines.delivery.journal import Journal
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.model import (
    PERSON_NEEDED,
    Account,
    CannotBeDone,
    Delivery,
    NumbersDoNotClose,
    Part,
    Push,
    Run,
    Watch,
    failed,
)
from pipelines.delivery.outbox import Outbox
from pipelines.delivery.outcome import outcome, refused_members
from pipelines.delivery.polling import settle_accepted
from pipelines.delivery.rationing import Course
from pipelines.delivery.sending import Progress, Sender
from pipelines.delivery.states import Times, read_states
from pipelines.delivery.verdicts import Verdicts
from pipelines.duck import StoreBusy, StoreDamaged
from pipelines.engine import AttributeValues, Engine, EngineError, Members, PeopleByNumber

TOLD = (DeliveryError, EngineError, StoreBusy, StoreDamaged, NumbersDoNotClose, CannotBeDone)
"""Failures whose text is a sentence for the operator."""


ONLY_OPT_OUTS = (
    Guard.POLICY, Guard.HELD_BACK, Guard.ON_HOLD, Guard.UNFIT, Guard.STALE, Guard.NEVER_COMPUTED,
)  # fmt: skip
"""Verdicts under which the segment's people are not even compared: its own or its sources' fault."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """An audience's difference, judged, with the outbox filled."""

    number: int
    as_of: date | None
    difference: Difference
    verdict: Verdict
    outbox: Outbox
    removes: list[Batch]
    adds: list[Batch]


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything one destination's run has open."""

    account: Account
    journal: Journal
    ledger: Ledger
    run: Run
    course: Course = field(default_factory=Course)

    def plan(self, push: Push) -> Delivery:
        """The difference of one audience, counted and judged; nothing is sent."""
        number = self._find(push)
        with self.account.open_engine() as engine, engine.snapshot():
            self.ledger.identities.follow(engine, self.account.connector.consent)
            as_of, difference, judged = self._compare(engine, push, number)
        return self._planned(push, number, as_of, difference, judged)

    def foresee(self, push: Push) -> Delivery:
        """The plan of a push that is about to be made."""
        if self.run.resync:
            self.journal.doubt(self.account.name, push.segment)
        return self.plan(push)

    def rehearse(self, push: Push) -> Delivery:
        """Prepare a push as it would be sent, let its condition look at it, and let go of it."""
        number = self._find(push)
        if self.journal.audience(self.account.name, push.segment) is not None:
            self._poll(push, number, self._open(push, number))
        prepared = self._prepare(push, number, in_full=True)
        planned = self._planned(push, number, prepared.as_of, prepared.difference, prepared.verdict)
        unmet = self._unmet(push, planned, prepared.outbox)
        prepared.outbox.let_go()
        return unmet or planned

    def deliver(self, push: Push, watch: Watch) -> Delivery:
        """Push one audience; whatever became of it is told, and written into the logbook."""
        number = self._find(push)
        push_id = self.journal.logbook.started(self.run.id, self.account.name, push.segment, None)
        delivery = self._tried(push, number, watch)
        self.course.deliveries[push.segment] = delivery
        self.journal.logbook.ended(push_id, delivery.to_json())
        return delivery

    def _tried(self, push: Push, number: int, watch: Watch) -> Delivery:
        if self.course.refused is not None:
            return self.course.unsent(self.account.name, push, self.run, self.course.refused)
        earlier = self.course.deliveries.get(push.segment)
        try:
            return rationing.joined(earlier, self._deliver(push, number, watch))
        except DestinationError as error:
            self.course.note(error)
            return self.course.unsent(self.account.name, push, self.run, error)
        except TOLD as error:
            return rationing.joined(earlier, failed(self.account.name, push, self.run, error))

    # --- finding and opening -----------------------------------------------------------------------------

    def _find(self, push: Push) -> int:
        """The audience's number in the ledger, under its old name too."""
        old = push.formerly
        if old and self.ledger.knows(old) and not self.ledger.knows(push.segment):
            self.journal.rename(self.account.name, old, push.segment)
            self.ledger.rename(old, push.segment)
        return self.ledger.audience(push.segment)

    def _open(self, push: Push, number: int) -> Audience:
        if push.segment in self.course.opened:
            return self.course.opened[push.segment]
        known = self.journal.audience(self.account.name, push.segment)
        marker = self.journal.marker(self.account.name, push.segment)
        wanted = AudienceRequest(push.sync.audience, marker, known.id if known else None)
        try:
            with request("open"), told_by_kind(self.account.connector):
                audience = self.account.connector.open_audience(wanted, push.options)
        except AudienceGone:
            self._forget(push, number)
            raise
        owner = self.journal.owner(self.account.name, audience.id)
        if owner not in (None, push.segment):
            raise ActionNeeded(
                f"{push.sync.audience!r} is the audience of the segment {owner} already: give this one another name"
            )
        self.journal.opened(self.account.name, push.segment, audience)
        self.course.opened[push.segment] = audience
        return audience

    def _forget(self, push: Push, number: int) -> None:
        self.course.opened.pop(push.segment, None)
        self.journal.forget_audience(self.account.name, push.segment)
        self.ledger.forget(number)

    def _poll(self, push: Push, number: int, audience: Audience) -> list[str]:
        """Settle what earlier runs left accepted; returns what must be told."""
        verdicts = self._verdicts(push, number, None)
        now = self.account.clock()
        return settle_accepted(self.journal, self.ledger, self.account.connector, audience, verdicts, now)

    # --- comparing ---------------------------------------------------------------------------------------

    def _compare(self, engine: Engine, push: Push, number: int) -> tuple[date | None, Difference, Verdict]:
        self._read_states(push, number)
        as_of = None if push.people else engine.latest(push.segment)
        change = Change(as_of, self.run.today, engine.newest_day(), 0, 0, 0, 0)
        if push.people:
            change = replace(change, as_of=self.run.today, expected=None)
        judged = verdict(change, push.bounds, self.run.overrides)
        held = self._held_back(engine, push)
        judged = held or unknown_exclusion(engine, push, as_of) or judged
        nobody_left_out(self.ledger)
        if judged.guard in ONLY_OPT_OUTS:
            nobody_held_out(self.ledger)
            return as_of, only_must_go(self.ledger, number), judged
        people = self._wanted(engine, push, number, as_of)
        people, left_out = leave_out(self.ledger, engine, push, as_of, people)
        stage_held_out(self.ledger, engine, push.holdouts, people)
        told = None
        if push.attributes and as_of is not None:
            told = AttributeValues(as_of, push.attributes, people.column("person_no"))
        stage_attributes(self.ledger, engine, told)
        difference = compare(self.ledger, number, people)
        change = replace(
            change,
            desired=difference.desired,
            held=difference.held - difference.asked_out,
            adds=difference.adds,
            removes=difference.removes - difference.must_go - difference.asked_out,
        )
        judged = verdict(change, push.bounds, self.run.overrides)
        return as_of, with_left_out(difference, left_out), self.course.judged(push.segment, judged)

    def _held_back(self, engine: Engine, push: Push) -> Verdict | None:
        """Why nobody but those who must go may move: holds, policies, and what speaks against a new audience."""
        if held := held_back(self.journal.holds, self.account.name, push):
            return held
        if push.fitness is None or self.journal.audience(self.account.name, push.segment) is not None:
            return None
        unfit = push.fitness(engine, self.account.connector)
        return Verdict(Guard.UNFIT, unfit) if unfit else None

    def _wanted(self, engine: Engine, push: Push, number: int, as_of: date | None) -> pa.Table:
        if push.people:
            return push.people(self.ledger, number)
        assert as_of is not None, "the guards let nothing pass that was never computed"
        return engine.export(Members(push.segment, as_of)).read_all()

    def _read_states(self, push: Push, number: int) -> None:
        connector = self.account.connector
        times = Times(
            now=self.account.clock(),
            expires_after=connector.lifetime(push.options),
            retry_after=self.account.retry_rejected_after,
            keep_history=self.account.keep_history,
            settles_after=connector.limits.settles_after,
        )
        read_states(self.ledger, self.journal, number, push.segment, times)

    def _prepare(self, push: Push, number: int, *, in_full: bool = False) -> _Prepared:
        """Compare, and fill the outbox; the warehouse is let go before anything is sent.

        ``in_full`` also prepares what a guard stops, when an operator could let it pass.
        """
        with self.account.open_engine() as engine, engine.snapshot():
            self.ledger.identities.follow(engine, self.account.connector.consent)
            as_of, difference, judged = self._compare(engine, push, number)
            stops = judged.stops and not (in_full and judged.guard in OVERRIDES)
            limits = self.account.connector.limits
            outbox = Outbox(self.ledger, number, limits, self.account.clock(), push.reason)
            adds: list[Batch] = []
            if push.part is Part.EVERYTHING and not stops and difference.adds + difference.resends:
                wanted = PeopleByNumber(outbox.adding(), self.account.connector.identity.inputs)
                adds = outbox.put_adds(engine.export(wanted))
        removes = outbox.put_removes(only_must_go=stops or push.part is Part.OPT_OUTS)
        return _Prepared(number, as_of, difference, judged, outbox, removes, adds)

    # --- sending -----------------------------------------------------------------------------------------

    def _deliver(self, push: Push, number: int, watch: Watch) -> Delivery:
        if self.journal.audience(self.account.name, push.segment) is None:
            stopped = self._not_yet(push, number)
            if stopped is not None:
                return stopped
        audience = self._open(push, number)
        untold = self._poll(push, number, audience)
        with told_by_kind(self.account.connector):
            check_fields(self.account.connector, push.attributes)
        if self.run.resync and not self.course.looked_ahead:
            self.journal.doubt(self.account.name, push.segment)
        prepared = self._prepare(push, number)
        planned = self._planned(push, number, prepared.as_of, prepared.difference, prepared.verdict)
        if unmet := self._unmet(push, planned, prepared.outbox):
            prepared.outbox.let_go()
            return unmet
        if prepared.verdict.overridden and push.segment not in self.course.deliveries:
            allowed = self.run.overrides
            self.journal.logbook.decided(
                self.run.id, self.account.name, push.segment, prepared.verdict.word, allowed.who, allowed.why
            )
        sender = self._sender(push, prepared, audience, watch)
        try:
            self._send(push, prepared, sender)
        except AudienceGone:
            self._forget(push, number)
            raise
        self._read_states(push, number)
        if urgent := prepared.outbox.urgent_removed():
            self.journal.logbook.erased(self.run.id, self.account.name, push.segment, urgent)
        self.course.note(sender.stopped_by)
        delivery = report.receipted(
            self._planned(push, number, prepared.as_of, prepared.difference, prepared.verdict, sent=True),
            prepared.difference,
            outcome(self.ledger, number),
            stopped=prepared.verdict.stops or push.part is not Part.EVERYTHING,
            held=self.ledger.held(number),
            awaited=self.ledger.awaited(number),
            requests=sender.requests,
            unnamed=sender.unnamed,
            errors=[*untold, *sender.errors, *([str(sender.stopped_by)] if sender.stopped_by else [])],
            needs_person=isinstance(sender.stopped_by, PERSON_NEEDED),
        )
        return rationing.told(delivery, push.part, self.course.forecast, sender.stopped_by)

    def _unmet(self, push: Push, planned: Delivery, outbox: Outbox) -> Delivery | None:
        """The push's own condition: what is left of it when it is not met, None when it is."""
        sentence = push.condition(planned, outbox) if push.condition else None
        return report.refused(planned, sentence) if sentence else None

    def _planned(
        self,
        push: Push,
        number: int,
        as_of: date | None,
        difference: Difference,
        judged: Verdict,
        *,
        sent: bool = False,
    ) -> Delivery:
        name = self.account.name
        known = self.journal.audience(name, push.segment)
        refused = refused_members(self.ledger, number, sent=sent)
        reasons = Counter(
            r.reason for r in self.journal.rejections(name, push.segment) if r.member in refused
        )
        return report.planned(name, push, self.run, as_of, difference, judged, known, reasons)

    def _not_yet(self, push: Push, number: int) -> Delivery | None:
        """A new audience for which nothing can be sent yet is not opened on the platform; None when it can be."""
        with self.account.open_engine() as engine, engine.snapshot():
            engine.check()
            held = self._held_back(engine, push)
            held = held or unknown_exclusion(engine, push, None)
            ready = held is None and bool(push.people or engine.latest(push.segment) is not None)
            if ready and not push.bounds.min_cell:
                return None
            self.ledger.identities.follow(engine, self.account.connector.consent)
            as_of, difference, judged = self._compare(engine, push, number)
        if difference.must_go or (ready and judged.guard is not Guard.CELL):
            return None
        return replace(self._planned(push, number, as_of, difference, judged), status="stopped")

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
            verdicts=self._verdicts(push, prepared.number, prepared.as_of),
            progress=progress,
        )

    def _verdicts(self, push: Push, number: int, as_of: date | None) -> Verdicts:
        return Verdicts(self.journal, self.ledger, number, push.segment, self.run.id, as_of)

    def _send(self, push: Push, prepared: _Prepared, sender: Sender) -> None:
        """Journal, point, send: removes are settled before adds are sent."""
        planned = [*prepared.removes, *prepared.adds]
        self.journal.plan(self.account.name, push.segment, self.run.id, prepared.as_of, planned)
        prepared.outbox.point()
        sender.send("remove", prepared.removes)
        if not sender.stopped_by:
            sender.send("add", prepared.adds)
