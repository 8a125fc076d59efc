"""Turning a difference, and what became of it, into the numbers of a delivery that close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from connectors.base import Audience
from pipelines.delivery.difference import Difference
from pipelines.delivery.guards import Verdict
from pipelines.delivery.model import WAITS_FOR_BUDGET, Delivery, NumbersDoNotClose, Part, Push, Run
from pipelines.delivery.outcome import Outcome


def planned(
    destination: str,
    push: Push,
    run: Run,
    as_of: date | None,
    difference: Difference,
    judged: Verdict,
    audience: Audience | None,
    rejected_reasons: Mapping[str, int],
) -> Delivery:
    """The difference as a delivery that was not sent."""
    withheld = Counter(difference.withheld)
    if difference.pending:
        withheld["pending_removal"] += difference.pending
    if judged.stops and difference.adds:
        withheld["guard"] += difference.adds
    elif push.part is not Part.EVERYTHING and difference.adds:
        withheld[WAITS_FOR_BUDGET] += difference.adds
    only_must_go = judged.stops or push.part is Part.OPT_OUTS
    kept_back = difference.unjudged + (difference.removes - difference.must_go if only_must_go else 0)
    return Delivery(
        destination=destination,
        segment=push.segment,
        audience=push.sync.audience,
        run_id=run.id,
        status="planned",
        as_of=as_of,
        desired=difference.desired,
        held_before=difference.held,
        kept=difference.kept,
        kept_back=kept_back,
        adds=difference.adds,
        removes=difference.removes,
        resends=difference.resends,
        updates=difference.updates,
        asserted=difference.asserted,
        leaving=difference.leaving,
        rejected=difference.rejected,
        held=difference.held,
        must_go=difference.must_go,
        withheld=dict(withheld),
        rejected_reasons=dict(rejected_reasons),
        verdict=judged.word,
        sentence=judged.sentence,
        audience_id=audience.id if audience else None,
        url=audience.url if audience else None,
    )


def refused(plan: Delivery, sentence: str) -> Delivery:
    """A push that its condition stopped: nobody moved, everybody is where they were."""
    withheld = Counter(plan.withheld)
    withheld["not_as_planned"] += plan.adds - withheld["guard"]
    return replace(
        plan,
        status="stopped",
        kept=plan.kept + plan.resends,
        kept_back=plan.held_before - plan.kept - plan.resends - plan.leaving,
        withheld=dict(+withheld),
        verdict="changed",
        sentence=sentence,
    )


def receipted(
    plan: Delivery,
    difference: Difference,
    outcome: Outcome,
    *,
    stopped: bool,
    held: int,
    awaited: int,
    requests: int,
    unnamed: int,
    errors: Sequence[str],
    needs_person: bool,
) -> Delivery:
    """The plan with what became of it.

    Raises NumbersDoNotClose when anybody is unaccounted for.
    """
    unsent, outdated = (difference.resends - difference.updates, difference.updates) if stopped else (0, 0)
    unsure_held = outcome.unsure_resends + unsent
    delivery = replace(
        plan,
        status="failed" if errors else "stopped" if stopped else "delivered",
        kept=difference.kept + outcome.resent + outdated,
        added=outcome.added,
        removed=outcome.removed,
        rejected=difference.rejected + outcome.rejected + outcome.rejected_held,
        dropped=outcome.rejected_held,
        uncertain=unsure_held + outcome.unsure_adds + outcome.unsure_removes + outcome.unsure_repeats,
        uncertain_desired=unsure_held + outcome.unsure_adds,
        uncertain_held=unsure_held + outcome.unsure_removes,
        held=held,
        awaited=awaited,
        requests=requests,
        rejected_unnamed=unnamed,
        errors=tuple(dict.fromkeys(errors)),
        needs_person=needs_person,
    )
    _must_close(delivery, outcome)
    return delivery


def _must_close(delivery: Delivery, outcome: Outcome) -> None:
    """Every desired person and every held member is accounted for, or the run says so and is red."""
    d = delivery
    sums = {
        "desired": (
            d.desired,
            d.kept + d.added + d.rejected + d.uncertain_desired + sum(d.withheld.values()),
        ),
        "rejected": (d.rejected, sum(d.rejected_reasons.values())),
        "held before": (
            d.held_before,
            d.kept + d.kept_back + d.removed + d.leaving + d.dropped + d.uncertain_held,
        ),
        "held": (
            d.held,
            d.kept + d.kept_back + d.added + d.leaving + outcome.still_leaving + d.uncertain,
        ),
    }
    open_sums = [
        f"{people} {name}, {told} accounted for" for name, (people, told) in sums.items() if people != told
    ]
    if open_sums:
        raise NumbersDoNotClose(f"{d.segment}: {'; '.join(open_sums)}")
