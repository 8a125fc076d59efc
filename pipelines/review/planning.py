"""Making a plan: every push prepared as it would be sent, looked at, and let go of again."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from connectors.base import Connector, Op, SyncOptions
from pipelines.delivery import delivery as engine
from pipelines.delivery.changeset import ChangeSet, arrange, read_changes
from pipelines.delivery.forecast import Forecast, forecast, requests_of
from pipelines.delivery.guards import OVERRIDES, Guard
from pipelines.delivery.model import Account, Condition, Delivery, Push, Run
from pipelines.delivery.outbox import Outbox
from pipelines.review.plan_file import PlanContent, PlannedAudience, PlannedBatch, in_base64
from pipelines.review.seal import canonical, derived

if TYPE_CHECKING:
    from pipelines.project import Project


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan that can be sealed; ``content`` is None when an audience could not be prepared."""

    deliveries: tuple[Delivery, ...]
    content: PlanContent | None


def make_plan(project: Project, names: Sequence[str], who: str) -> Draft:
    """Prepare the asked audiences in full. Sends nothing; asks the platforms for verdicts that are due.

    A failed delivery of the draft says why it has no content. Raises UnknownName.
    """
    salt = secrets.token_hex(16)
    desk = _Desk(project, project.deliveries.new_run(), derived(salt, project.settings.seal_key))
    for destination, segments in project.deliveries.select(names).items():
        desk.prepare(destination, segments)
    if not all(delivery.ok for delivery in desk.deliveries):
        return Draft(tuple(desk.deliveries), None)
    content = PlanContent(
        turnout=version("turnout"),
        made_at=datetime.now(UTC),
        made_by=who,
        salt=salt,
        audiences=tuple(desk.audiences),
    )
    return Draft(tuple(desk.deliveries), content)


@dataclass(slots=True)
class _Desk:
    """A plan in the making."""

    project: Project
    run: Run
    key: str
    deliveries: list[Delivery] = field(default_factory=list)
    audiences: list[PlannedAudience] = field(default_factory=list)

    def prepare(self, destination: str, segments: Sequence[str]) -> None:
        """Add the audiences of one account."""
        pushes = self.project.deliveries.pushes(destination, segments)
        seen: dict[str, ChangeSet] = {}
        watched = [replace(push, condition=_seeing(seen, push.segment, self.key)) for push in pushes]

        def act(account: Account, asked: Sequence[Push]) -> list[Delivery]:
            found = engine.rehearse(account, asked, self.run)
            for push, delivery in zip(pushes, found, strict=True):
                if delivery.ok:
                    changes = seen[push.segment]
                    foreseen = _forecast(account.connector, delivery, changes)
                    self.audiences.append(_planned(push, delivery, changes, foreseen))
            return found

        self.deliveries += self.project.deliveries.on_account(destination, watched, self.run, act)


def _seeing(seen: dict[str, ChangeSet], segment: str, key: str) -> Condition:
    def look(_: Delivery, outbox: Outbox) -> None:
        arrange(outbox, key)
        seen[segment] = read_changes(outbox)

    return look


def _forecast(connector: Connector, delivery: Delivery, changes: ChangeSet) -> Forecast:
    def requests(op: Op) -> int:
        return requests_of(connector, op, sum(b.size for b in changes.batches if b.op == op))

    return forecast(
        connector.limits,
        requests("remove"),
        requests("add"),
        connector.budget_state(),
        others=0 if delivery.audience_id else 1,
    )


def _planned(push: Push, delivery: Delivery, changes: ChangeSet, foreseen: Forecast) -> PlannedAudience:
    return PlannedAudience(
        destination=delivery.destination,
        segment=push.segment,
        audience=push.sync.audience,
        as_of=delivery.as_of,
        options=options_digest(push.options),
        verdict=delivery.verdict,
        sentence=delivery.sentence,
        accept=None if delivery.verdict == "fine" else OVERRIDES.get(Guard(delivery.verdict)),
        desired=delivery.desired,
        held=delivery.held,
        kept=delivery.kept,
        adds=delivery.adds,
        removes=delivery.removes,
        must_go=delivery.must_go,
        resends=delivery.resends,
        asserted=delivery.asserted,
        rejected=delivery.rejected,
        rejected_by_reason=dict(delivery.rejected_reasons),
        withheld_by_reason=dict(delivery.withheld),
        requests=foreseen.requests,
        seconds=round(foreseen.seconds, 1),
        forecast=foreseen.sentence,
        batches=tuple(
            PlannedBatch(op=b.op, number=b.number, size=b.size, digest=b.digest) for b in changes.batches
        ),
        members=in_base64(changes.members),
    )


def options_digest(options: SyncOptions) -> str:
    """What a sync table asks for, in short."""
    return hashlib.sha256(canonical(options.model_dump(mode="json")).encode()).hexdigest()[:16]
