"""When an account's budget does not take a whole run: what goes first, what waits, and what is said of it.

Opt-outs and erasures go first, then everybody else who leaves, then those who join; within each, audiences by name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from connectors.base import (
    Audience,
    AuthFailed,
    Connector,
    DeliveryError,
    DestinationError,
    QuotaExhausted,
)
from connectors.rooms import BudgetState
from pipelines.delivery.forecast import Forecast, forecast, requests_of
from pipelines.delivery.guards import Verdict
from pipelines.delivery.model import WAITS_FOR_BUDGET, Delivery, Part, Push, Run, failed

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Course:
    """What a run has learned and done so far, over all audiences of its account."""

    refused: DestinationError | None = None
    """Why the account takes nothing more in this run."""
    looked_ahead: bool = False
    """Whether every audience was planned before the first was pushed."""
    forecast: Forecast | None = None
    """What the run takes, if it looked ahead."""
    opened: dict[str, Audience] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    """Of the guards, on what the run found: a later round sees a difference of which a part is done."""
    plans: dict[str, Delivery] = field(default_factory=dict)
    deliveries: dict[str, Delivery] = field(default_factory=dict)

    def note(self, error: Exception | None) -> None:
        """A refusal that the account's other audiences would meet as well ends the run for them."""
        if isinstance(error, AuthFailed | QuotaExhausted):
            self.refused = error

    def judged(self, segment: str, verdict: Verdict) -> Verdict:
        """The verdict on an audience, the first one if the run is made in rounds."""
        return self.verdicts.setdefault(segment, verdict) if self.looked_ahead else verdict

    def unsent(self, destination: str, push: Push, run: Run, error: DestinationError) -> Delivery:
        """An audience for which nothing was sent in this round, because the account takes nothing."""
        stopped = stopped_by(destination, push, run, error)
        stopped = replace(stopped, sentence=_sentence(error, self.forecast))
        if push.segment in self.deliveries:
            return _ended(self.deliveries[push.segment], stopped)
        if push.segment in self.plans and isinstance(error, QuotaExhausted):
            return _ended(_unsent(self.plans[push.segment]), stopped)
        return stopped


def may_run_short(state: BudgetState | None) -> bool:
    """Whether a run may meet a wait that is too long; if not, nothing has to be counted beforehand."""
    if state is None:
        return False
    return state.closed_until is not None or any(room.window.per > state.patience for room in state.rooms)


def of_account(
    connector: Connector, plans: Sequence[Delivery], state: BudgetState | None, part: Part = Part.EVERYTHING
) -> Forecast:
    """What delivering a part of these plans takes of their account."""
    going = [
        plan.must_go if part is Part.OPT_OUTS or _guarded(plan) else plan.removes + plan.asserted
        for plan in plans
    ]
    coming = [
        0 if part is not Part.EVERYTHING or _guarded(plan) else plan.adds + plan.resends for plan in plans
    ]
    return forecast(
        connector.limits,
        sum(requests_of(connector, "remove", members) for members in going),
        sum(requests_of(connector, "add", members) for members in coming),
        state,
        others=len(plans) if part is Part.EVERYTHING else sum(map(bool, going)),
    )


def foretell(connector: Connector, plans: Sequence[Delivery]) -> None:
    """Say in the log when the account's budget does not take what was planned."""
    with suppress(
        DeliveryError
    ):  # plans are right without a budget's file; the push says what is wrong with it
        state = connector.budget_state()
        if may_run_short(state):
            _say(connector, of_account(connector, plans, state))


def in_order(
    course: Course, connector: Connector, pushes: Sequence[Push], foresee: Callable[[Push], Delivery]
) -> list[Push]:
    """The pushes as they are to be made: as they are, or in rounds when the account's budget does not take them all."""
    state = connector.budget_state()
    if not may_run_short(state) or any(push.condition for push in pushes):
        return list(pushes)  # what was reviewed is sent as it was reviewed
    course.looked_ahead = True
    plans = [foresee(push) for push in pushes]
    course.forecast = of_account(connector, plans, state)
    course.plans.update({plan.segment: plan for plan in plans})
    _say(connector, course.forecast)
    if course.forecast.fits:
        return list(pushes)
    by_name = sorted(pushes, key=lambda push: push.segment)
    leaving = {plan.segment for plan in plans if plan.removes}
    must_go = {plan.segment for plan in plans if plan.must_go}
    removes = [replace(push, part=Part.REMOVES) for push in by_name if push.segment in leaving]
    if of_account(connector, plans, state, Part.REMOVES).fits:
        return [*removes, *by_name]
    opt_outs = [replace(push, part=Part.OPT_OUTS) for push in by_name if push.segment in must_go]
    return [*opt_outs, *removes, *by_name]


def stopped_by(destination: str, push: Push, run: Run, error: DestinationError) -> Delivery:
    """An audience of an account that takes nothing now. What is spent comes back by itself: that is no failure."""
    delivery = failed(destination, push, run, error)
    if not isinstance(error, QuotaExhausted):
        return delivery
    return replace(delivery, status="stopped", verdict=WAITS_FOR_BUDGET, errors=())


def told(delivery: Delivery, part: Part, foreseen: Forecast | None, stopped_by: Exception | None) -> Delivery:
    """A delivery with what the budget did to it: what waits comes by itself, so that it is stopped and not failed."""
    if isinstance(stopped_by, QuotaExhausted) and delivery.errors == (str(stopped_by),):
        sentence = _sentence(stopped_by, foreseen)
        return replace(delivery, status="stopped", verdict=WAITS_FOR_BUDGET, sentence=sentence, errors=())
    if part is Part.EVERYTHING or delivery.errors or "guard" in delivery.withheld or foreseen is None:
        return delivery
    return replace(delivery, verdict=WAITS_FOR_BUDGET, sentence=foreseen.sentence)


def joined(earlier: Delivery | None, later: Delivery) -> Delivery:
    """What two rounds of one run did with an audience, as one delivery whose sums close."""
    if earlier is None:
        return later
    if later.as_of is None and later.verdict == "failed":  # nothing was compared
        return _ended(earlier, later)
    # Whoever is still leaving by the earlier round was removed by it, and is counted there.
    still_leaving = later.held_before + earlier.removed - earlier.held_before
    return replace(
        later,
        held_before=earlier.held_before,
        removes=earlier.removes,
        must_go=earlier.must_go,
        asserted=earlier.asserted,
        removed=earlier.removed + later.removed,
        leaving=later.leaving - still_leaving,
        requests=earlier.requests + later.requests,
        rejected_unnamed=earlier.rejected_unnamed + later.rejected_unnamed,
        errors=tuple(dict.fromkeys((*earlier.errors, *later.errors))),
    )


def _say(connector: Connector, foreseen: Forecast) -> None:
    if not foreseen.fits:
        LOG.warning("%s: %s", connector.destination, foreseen.sentence)


def _guarded(plan: Delivery) -> bool:
    """Whether nobody but those who must go will move."""
    return plan.verdict not in ("fine", "overridden")


def _sentence(error: Exception, foreseen: Forecast | None) -> str:
    """What stopped the account, and what was foreseen of the run."""
    if foreseen is None or not foreseen.fitting or not isinstance(error, QuotaExhausted):
        return str(error)
    return f"{error}; foreseen for the account: {foreseen.sentence}"


def _ended(delivery: Delivery, how: Delivery) -> Delivery:
    """The numbers of one, the end of the other."""
    return replace(
        delivery,
        status=how.status,
        verdict=how.verdict,
        sentence=how.sentence,
        errors=how.errors,
        needs_person=how.needs_person,
    )


def _unsent(plan: Delivery) -> Delivery:
    """A plan of which nothing was sent: everybody is where they were."""
    withheld = dict(plan.withheld)
    if plan.adds and "guard" not in withheld:
        withheld[WAITS_FOR_BUDGET] = plan.adds
    unsure = plan.resends - plan.updates
    return replace(
        plan,
        kept=plan.kept + plan.updates,
        kept_back=plan.held_before - plan.kept - plan.resends - plan.leaving,
        uncertain=unsure,
        uncertain_desired=unsure,
        uncertain_held=unsure,
        withheld=withheld,
    )
