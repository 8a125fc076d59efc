"""Taking back the last push that changed an audience.

The people who joined in it leave and those who left in it come back, with the identifiers and the consent that they
have now: who opted out or was erased since stays out, and is counted. The audience is then on hold, because the next
night would do the same change again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.delivery import delivery as engine
from pipelines.delivery.before import last_change, people_before
from pipelines.delivery.holds import Hold
from pipelines.delivery.journal import Journal
from pipelines.delivery.ledger import Ledger
from pipelines.delivery.model import Account, CannotBeDone, Delivery, Push, Run, Watch, quiet
from pipelines.delivery.outbox import Outbox
from pipelines.review.operator import Operator

if TYPE_CHECKING:
    from pipelines.project import Project


def undo(
    project: Project,
    destination: str,
    segment: str,
    operator: Operator,
    *,
    watch: Watch = quiet,
    run_id: str | None = None,
) -> Delivery:
    """Restore the membership before the last push that changed it, and put the audience on hold.

    Asked again, it finishes what was cut off, or says that it was done. Guards judge it as any push; one that is
    stopped changes nothing.
    """
    run = project.deliveries.new_run(overrides=operator.overrides, run_id=run_id)
    [asked] = project.deliveries.pushes(destination, [segment])
    hold = project.record.hold(destination, segment) or project.record.hold(destination, asked.formerly)
    taken_back = _TakenBack(project, run, operator, asked, hold.undoes if hold else None)

    def look(account: Account, pushes: Sequence[Push]) -> list[Delivery]:
        taken_back.kept = account.keep_history
        return engine.rehearse(account, pushes, run)

    [seen] = project.deliveries.on_account(destination, [taken_back.push(places_hold=False)], run, look)
    if not seen.ok:
        return seen
    if seen.verdict not in ("fine", "overridden"):
        return replace(seen, status="stopped")
    if not (seen.adds or seen.removes or seen.resends):
        return replace(seen, sentence=_nothing_left(seen, hold))
    [done] = project.deliveries.on_account(
        destination, [taken_back.push(places_hold=True)], run, lambda a, p: engine.deliver(a, p, run, watch)
    )
    return done


@dataclass(slots=True)
class _TakenBack:
    """One push, taken back; finds out which when the ledger is open."""

    project: Project
    run: Run
    operator: Operator
    asked: Push
    at: datetime | None
    """The push that an undo was cut off in, or has taken back already; None: the newest that changed anything."""
    kept: timedelta = timedelta()
    """How long history is kept."""

    def push(self, *, places_hold: bool) -> Push:
        """The opposite of that push."""
        return replace(
            self.asked,
            people=self._people_before,
            condition=self._place_hold if places_hold else None,
            reason="undo",
            despite_hold=True,
        )

    def _people_before(self, ledger: Ledger, audience: int) -> pa.Table:
        found = last_change(ledger, audience, self.at)
        if found is None:
            raise CannotBeDone(
                f"there is no push to take back: history is kept for {self.kept.days} days, and in that time none "
                "changed this audience"
            )
        self.at = found.at
        return people_before(ledger, audience, found.at)

    def _place_hold(self, planned: Delivery, outbox: Outbox) -> str | None:
        """Before anything is sent, so that a night which comes in between does not do the change again."""
        if planned.verdict in ("fine", "overridden"):
            with Journal.open(self.project.settings.state_dir / "journal.sqlite") as journal:
                journal.holds.place(
                    planned.destination,
                    planned.segment,
                    self.operator.who,
                    self.operator.why,
                    decision="undo",
                    run_id=self.run.id,
                    undoes=self.at,
                )
        return None


def _nothing_left(seen: Delivery, hold: Hold | None) -> str:
    if hold is not None and hold.undoes:
        return f"nothing is left to take back: {hold.sentence}"
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(seen.withheld.items()))
    return f"nothing can be taken back: whoever left in that push may not be sent any more ({reasons or 'no reason'})"
