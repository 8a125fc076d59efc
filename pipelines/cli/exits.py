"""What the exit codes mean; the README's table is held to these."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from pipelines.delivery.guards import Guard
from pipelines.delivery.model import Delivery
from pipelines.review.applying import AppliedAudience

REFUSED = (Guard.POLICY, Guard.CELL)
"""Verdicts that stand as long as the definition does: nobody waits for them."""


class Exit(IntEnum):
    """Exit codes of every command, worst one wins."""

    OK = 0
    """All went well, nothing was held back."""
    FAILED = 1
    """Something failed or is unsure; running it again is safe and repairs what it can."""
    USAGE = 2
    """The command, a setting or a definition has a mistake; nothing was done."""
    STOPPED = 3
    """People wait: for a guard, whose sentence names the word that lets them pass, or for the budget."""
    INTERRUPTED = 130
    """It was told to end (Ctrl-C): what was sent is on record, and the next run goes on from there."""


def of_deliveries(deliveries: Sequence[Delivery]) -> Exit:
    """The exit code of a plan or a push."""
    if any(d.status == "failed" or d.errors for d in deliveries):
        return Exit.FAILED
    waiting = [d for d in deliveries if d.verdict not in ("fine", "overridden", *REFUSED)]
    if waiting or any(d.status == "stopped" and d.verdict not in REFUSED for d in deliveries):
        return Exit.STOPPED
    return Exit.OK


def of_applied(results: Sequence[AppliedAudience]) -> Exit:
    """The exit code of a plan that was applied, or refused."""
    if any(one.outcome == "failed" for one in results):
        return Exit.FAILED
    if any(one.outcome in ("refused", "left") for one in results):
        return Exit.STOPPED
    return of_deliveries([one.delivery for one in results if one.delivery is not None])
