"""Applying a plan: exactly what was reviewed, or nothing, with how the world has changed.

Every audience is looked at before the first is pushed, and each push is held to its part of the plan once more when
its batches are ready. Opt-outs that came after the plan are a change like any other: the plan is refused, and they
leave with the next sync, which no plan holds back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pipelines.delivery import delivery as engine
from pipelines.delivery.applied import Application
from pipelines.delivery.changeset import arrange, unlike, unlike_the_rest
from pipelines.delivery.guards import OVERRIDES, Guard
from pipelines.delivery.journal import Journal
from pipelines.delivery.model import Delivery, Push, Run, Watch, quiet
from pipelines.delivery.outbox import Outbox
from pipelines.names import UnknownName
from pipelines.review.operator import Operator
from pipelines.review.plan_file import Plan, PlannedAudience
from pipelines.review.planning import options_digest
from pipelines.review.seal import derived
from pipelines.review.wording import how_it_changed

if TYPE_CHECKING:
    from pipelines.project import Project

Outcome = Literal["applied", "fits", "already", "refused", "left", "failed"]
"""Done; would be done; done before; not as planned; left alone because another was refused; sent, with trouble."""

COMMAND = {"accept_removals": "--accept-removals", "accept_growth": "--accept-growth"}


@dataclass(frozen=True, slots=True)
class AppliedAudience:
    """What became of one audience of a plan; ``delivery`` is None when nothing was looked at or sent."""

    destination: str
    segment: str
    outcome: Outcome
    sentence: str
    delivery: Delivery | None = None


def apply_plan(
    project: Project,
    plan: Plan,
    operator: Operator,
    *,
    only_look: bool = False,
    watch: Watch = quiet,
    run_id: str | None = None,
) -> list[AppliedAudience]:
    """Do exactly what a plan says, for all its audiences, or nothing; applied before, it does nothing and says so.

    A plan that was cut off goes on where it stopped. ``only_look`` says whether it could be applied.
    """
    run = project.deliveries.new_run(overrides=operator.overrides, run_id=run_id)
    desk = _Desk(project, plan, operator, run, derived(plan.content.salt, project.settings.seal_key))
    return desk.apply(only_look=only_look, watch=watch)


@dataclass(frozen=True, slots=True)
class _Desk:
    """One application of a plan."""

    project: Project
    plan: Plan
    operator: Operator
    run: Run
    key: str

    def apply(self, *, only_look: bool, watch: Watch) -> list[AppliedAudience]:
        before = {one.name: self._application(one) for one in self.plan.audiences}
        ended = [
            _already(one, said) for one in self.plan.audiences if (said := before[one.name]) and said.ended_at
        ]
        due = [
            one
            for one in self.plan.audiences
            if one.name not in {f"{e.destination}/{e.segment}" for e in ended}
        ]
        looked = [result for _, part in _by_account(due) for result in self._look(part)]
        if only_look or any(one.outcome != "fits" for one in looked):
            return self._in_order([*ended, *(looked if only_look else map(_left, looked))])
        done = [result for _, part in _by_account(due) for result in self._push(part, watch)]
        return self._in_order([*ended, *done])

    def _in_order(self, results: Sequence[AppliedAudience]) -> list[AppliedAudience]:
        by_name = {(one.destination, one.segment): one for one in results}
        return [by_name[one.destination, one.segment] for one in self.plan.audiences]

    # --- looking, then sending: the same pushes under the same condition ------------------------------------

    def _look(self, part: Sequence[PlannedAudience]) -> list[AppliedAudience]:
        """Whether each audience of one account is still as planned; sends nothing."""
        refused, pushes = self._pushes(part, begins=False)
        found = self.project.deliveries.on_account(
            part[0].destination,
            pushes,
            self.run,
            lambda account, asked: engine.rehearse(account, asked, self.run),
        )
        return [*refused, *(_seen(delivery) for delivery in found)]

    def _push(self, part: Sequence[PlannedAudience], watch: Watch) -> list[AppliedAudience]:
        refused, pushes = self._pushes(part, begins=True)
        found = self.project.deliveries.on_account(
            part[0].destination,
            pushes,
            self.run,
            lambda account, asked: engine.deliver(account, asked, self.run, watch),
        )
        return [*refused, *(self._ended(delivery) for delivery in found)]

    def _pushes(
        self, part: Sequence[PlannedAudience], *, begins: bool
    ) -> tuple[list[AppliedAudience], list[Push]]:
        refused: list[AppliedAudience] = []
        pushes: list[Push] = []
        for one in part:
            push = self._asked(one)
            if push is None:
                refused.append(_refused(one, "nothing asks for this audience any more"))
            elif (said := _defined_otherwise(one, push)) is not None:
                refused.append(_refused(one, said))
            else:
                began = self._application(one) is not None
                begin = (lambda planned=one: self._begin(planned)) if begins else None
                pushes.append(replace(push, condition=_AsPlanned(one, self.key, began, begin)))
        return refused, pushes

    def _asked(self, one: PlannedAudience) -> Push | None:
        try:
            found = self.project.deliveries.pushes(one.destination, [one.segment])
        except UnknownName:
            return None
        return found[0] if found else None

    # --- what the journal knows of the plan -----------------------------------------------------------------

    def _journal(self) -> AbstractContextManager[Journal]:
        return Journal.open(self.project.settings.state_dir / "journal.sqlite")

    def _application(self, one: PlannedAudience) -> Application | None:
        with self._journal() as journal:
            return journal.applied.of(self.plan.seal, one.destination, one.segment)

    def _begin(self, one: PlannedAudience) -> None:
        with self._journal() as journal:
            journal.applied.begin(
                self.plan.seal,
                one.destination,
                one.segment,
                self.run.id,
                self.operator.who,
                f"plan {self.plan.mark}" + (f": {self.operator.why}" if self.operator.why else ""),
            )

    def _ended(self, delivery: Delivery) -> AppliedAudience:
        if delivery.verdict == "changed":
            return _result(delivery, "refused")
        if delivery.errors or delivery.uncertain:
            return _result(delivery, "failed")
        with self._journal() as journal:
            journal.applied.end(self.plan.seal, delivery.destination, delivery.segment)
        return _result(delivery, "applied")


def _by_account(audiences: Sequence[PlannedAudience]) -> list[tuple[str, list[PlannedAudience]]]:
    accounts: dict[str, list[PlannedAudience]] = {}
    for one in audiences:
        accounts.setdefault(one.destination, []).append(one)
    return list(accounts.items())


@dataclass(frozen=True, slots=True)
class _AsPlanned:
    """Lets a push pass when it is what was planned; see `pipelines.delivery.model.Condition`."""

    planned: PlannedAudience
    key: str
    began: bool
    """A part of the plan may have been sent: the outbox holds the rest."""
    begin: Callable[[], None] | None

    def __call__(self, now: Delivery, outbox: Outbox) -> str | None:
        sentence = self._circumstances(now) or self._members(outbox)
        if sentence is None and self.begin is not None:
            self.begin()
        return sentence

    def _circumstances(self, now: Delivery) -> str | None:
        """Day and verdict."""
        planned = self.planned
        if now.as_of != planned.as_of:
            return (
                f"the segment is of {now.as_of or 'no day'} now, the plan is of {planned.as_of or 'no day'}"
            )
        if now.verdict == "overridden" or (self.began and now.verdict == "fine"):
            return None
        if planned.accept is not None and now.verdict == planned.verdict:
            return (
                f"it was stopped when it was planned: {planned.sentence.partition(';')[0]}; "
                f"apply it with {COMMAND[planned.accept]} and say why"
            )
        if now.verdict == planned.verdict:
            return None
        word = OVERRIDES.get(Guard(now.verdict)) if now.verdict != "fine" else None
        way = f"; if that is right, apply it with {COMMAND[word]} and say why" if word else ""
        return f"the guards said {planned.verdict} and say {now.verdict} now: {now.sentence.partition(';')[0]}{way}"

    def _members(self, outbox: Outbox) -> str | None:
        arrange(outbox, self.key)
        expected = self.planned.changes
        found = unlike_the_rest(outbox, expected, self.key) if self.began else unlike(outbox, expected)
        if not found:
            return None
        nothing_left = not found.more and not unlike_the_rest(outbox, expected, self.key)
        return how_it_changed(found, done_by_another=nothing_left, name=self.planned.name)


def _defined_otherwise(one: PlannedAudience, push: Push) -> str | None:
    if push.sync.audience != one.audience:
        return f"it is called {push.sync.audience!r} now, the plan says {one.audience!r}"
    if options_digest(push.options) != one.options:
        return "its [sync] options are others than when it was planned"
    return None


def _seen(delivery: Delivery) -> AppliedAudience:
    if delivery.verdict == "changed":
        return _result(delivery, "refused")
    return _result(delivery, "failed" if delivery.errors else "fits")


def _result(delivery: Delivery, outcome: Outcome) -> AppliedAudience:
    sentence = "; ".join(delivery.errors) or delivery.sentence
    return AppliedAudience(delivery.destination, delivery.segment, outcome, sentence, delivery)


def _refused(one: PlannedAudience, sentence: str) -> AppliedAudience:
    return AppliedAudience(one.destination, one.segment, "refused", sentence)


def _left(one: AppliedAudience) -> AppliedAudience:
    if one.outcome != "fits":
        return one
    return replace(
        one, outcome="left", sentence="as planned, but left alone: the plan is applied whole or not at all"
    )


def _already(one: PlannedAudience, said: Application) -> AppliedAudience:
    assert said.ended_at is not None
    sentence = (
        f"this plan was applied by {said.who} at {said.ended_at:%Y-%m-%d %H:%M} UTC; nothing was done now"
    )
    return AppliedAudience(one.destination, one.segment, "already", sentence)
