"""Turning a difference, and what became of it, into the numbers of a delivery that close."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from connectors.base import Audience
from pipelines.delivery.difference import Difference
from pipelines.delivery.entries import Rejection
from pipelines.delivery.guards import Verdict
from pipelines.delivery.model import Delivery, NumbersDoNotClose, Push, Run
from pipelines.delivery.outbox import Outcome


def planned(
    destination: str,
    push: Push,
    run: Run,
    as_of: date | None,
    difference: Difference,
    judged: Verdict,
    audience: Audience | None,
    rejections: Sequence[Rejection],
) -> Delivery:
    """The difference as a delivery that was not sent."""
    withheld = Counter(difference.withheld)
    if difference.pending:
        withheld["pending_removal"] += difference.pending
    if judged.stops and difference.adds:
        withheld["guard"] += difference.adds
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
        adds=difference.adds,
        removes=difference.removes,
        rejected=difference.rejected,
        held=difference.held,
        must_go=difference.must_go,
        withheld=dict(withheld),
        rejected_reasons=dict(Counter(r.reason for r in rejections)),
        verdict=judged.word,
        sentence=judged.sentence,
        audience_id=audience.id if audience else None,
        url=audience.url if audience else None,
    )


def receipted(
    plan: Delivery,
    difference: Difference,
    outcome: Outcome,
    *,
    stopped: bool,
    held: int,
    requests: int,
    unnamed: int,
    errors: Sequence[str],
    needs_person: bool,
) -> Delivery:
    """The plan with what became of it.

    Raises NumbersDoNotClose when anybody is unaccounted for.
    """
    delivery = replace(
        plan,
        status="failed" if errors else "stopped" if stopped else "delivered",
        added=outcome.added,
        removed=outcome.removed,
        rejected=difference.rejected + outcome.rejected,
        uncertain=outcome.unsure_adds + outcome.unsure_removes,
        held=held,
        requests=requests,
        rejected_unnamed=unnamed,
        errors=tuple(dict.fromkeys(errors)),
        needs_person=needs_person,
    )
    _must_close(delivery, difference, outcome, stopped)
    return delivery


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
