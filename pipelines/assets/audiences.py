"""Audiences: what would change, and the push. One step of each for a destination account, one page an audience.

Neither step depends on the other or is stopped by a check: the push compares anew and guards itself, so that
nothing in the graph can hold back an opt-out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import dagster as dg

from pipelines.assets import checks, metadata
from pipelines.assets.attempts import missing
from pipelines.assets.keys import (
    PEOPLE,
    account_pool,
    audience_key,
    changes_key,
    name_of,
    segment_key,
    step_name,
)
from pipelines.assets.progress import Progress
from pipelines.delivery.guards import Overrides
from pipelines.delivery.model import Delivery
from pipelines.project import Project
from pipelines.segments.model import Sync

PUSH_RETRIES = dg.RetryPolicy(
    max_retries=2, delay=20, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
"""Safe, because a retry compares again and sends only what has no receipt."""


class PushConfig(dg.Config):
    """What an operator may allow for one run, in the launchpad."""

    accept_removals: bool = False
    accept_growth: bool = False
    resync: bool = False
    who: str = "unknown"
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Audience:
    """An audience as the graph shows it."""

    name: str
    sync: Sync
    wants: str
    defined: bool
    """Whether there is a segment of this name, whole or broken."""
    owners: Sequence[str] = ()

    @property
    def deps(self) -> list[dg.AssetKey]:
        own = [segment_key(self.name)] if self.defined else []
        return [PEOPLE, *own, *map(segment_key, self.sync.exclude)]


def changes_assets(project: Project, destination: str) -> dg.AssetsDefinition:
    """The difference of each audience of a destination: counted and judged, nothing sent."""
    audiences = _of(project, destination)
    bounds = {audience.name: project.deliveries.bounds(audience.sync) for audience in audiences}

    @dg.multi_asset(
        name=f"changes_{step_name(destination)}",
        specs=[_changes_spec(audience) for audience in audiences],
        check_specs=[s for a in audiences for s in checks.specs(changes_key(destination, a.name))],
        can_subset=True,
        pool=account_pool(destination),
        op_tags={"dagster/priority": "1"},  # before the push, which leaves nothing to compare
    )
    def changes(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        asked = context.selected_asset_keys
        names = {name_of(key) for key in asked | checks.alone(context)}
        plans = project.deliveries.plan(
            destination, sorted(names), project.deliveries.new_run(run_id=context.run.run_id)
        )
        for plan in plans:
            key = changes_key(destination, plan.segment)
            if plan.ok and key in asked:
                yield dg.MaterializeResult(asset_key=key, metadata=metadata.of_changes(plan))
            yield from checks.results(context, key, plan, bounds[plan.segment])
        if failed := [plan for plan in plans if not plan.ok]:
            raise _failure("compared", failed, len(plans))

    return changes


def audience_assets(project: Project, destination: str) -> dg.AssetsDefinition:
    """The push of each audience of a destination."""
    audiences = _of(project, destination)
    bounds = {audience.name: project.deliveries.bounds(audience.sync) for audience in audiences}

    @dg.multi_asset(
        name=f"audience_{step_name(destination)}",
        specs=[_audience_spec(project, audience) for audience in audiences],
        check_specs=[s for a in audiences for s in checks.specs(audience_key(destination, a.name))],
        can_subset=True,
        pool=account_pool(destination),
        retry_policy=PUSH_RETRIES,
    )
    def audience(
        context: dg.AssetExecutionContext, config: PushConfig
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        if unpushed := sorted(name_of(key) for key in checks.alone(context)):
            for plan in project.deliveries.plan(
                destination, unpushed, project.deliveries.new_run(run_id=context.run.run_id)
            ):
                key = audience_key(destination, plan.segment)
                yield from checks.results(context, key, plan, bounds[plan.segment])
        names = sorted(name_of(key) for key in missing(context))
        overrides = Overrides(config.accept_removals, config.accept_growth, config.who, config.why)
        run = project.deliveries.new_run(overrides=overrides, resync=config.resync, run_id=context.run.run_id)
        deliveries = project.deliveries.sync(destination, names, run, Progress(context.log))
        for delivery in deliveries:
            key = audience_key(destination, delivery.segment)
            batches = project.record.batches(delivery)
            yield from checks.results(context, key, delivery, bounds[delivery.segment])
            shown = metadata.of_audience(delivery, batches)
            if delivery.ok:
                yield dg.MaterializeResult(asset_key=key, metadata=shown)
            else:
                context.log_event(dg.AssetObservation(asset_key=key, metadata=shown))
        context.log.info(_summary(destination, deliveries))
        for note in dict.fromkeys(note for delivery in deliveries for note in delivery.notes):
            context.log.warning(note)
        if failed := [delivery for delivery in deliveries if not delivery.ok]:
            raise _failure("brought up to date", failed, len(deliveries))

    return audience


def _of(project: Project, destination: str) -> list[_Audience]:
    """Every audience of a destination, also those that nothing asks for any more: their opt-outs still leave."""
    asked = [
        _Audience(
            s.name, sync, f"the people that **{s.title}** wants.\n\n{s.treatment}", True, metadata.owners(s)
        )
        for s, sync in project.audiences(destination)
    ]
    defined = {definition.name for definition in project.definitions}
    behind = [
        _Audience(name, sync, f"nobody new: {why}.", name in defined)
        for name, (sync, why) in project.deliveries.left_behind(destination).items()
    ]
    return [*asked, *behind]


def _changes_spec(audience: _Audience) -> dg.AssetSpec:
    destination = audience.sync.destination
    return dg.AssetSpec(
        changes_key(destination, audience.name),
        description=f"What a push of *{audience.sync.audience}* to {destination} would change now. Sends nothing.",
        deps=audience.deps,
        owners=audience.owners,
        kinds={"duckdb"},
        group_name=step_name(destination),
    )


def _audience_spec(project: Project, audience: _Audience) -> dg.AssetSpec:
    destination = audience.sync.destination
    allowed = timedelta(days=project.settings.max_segment_age_days + 1)
    return dg.AssetSpec(
        audience_key(destination, audience.name),
        description=f"*{audience.sync.audience}* at {destination}, brought to exactly {audience.wants}",
        deps=audience.deps,
        owners=audience.owners,
        kinds={project.settings.destinations[destination]},
        group_name=step_name(destination),
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=allowed),
    )


def _summary(destination: str, deliveries: Iterable[Delivery]) -> str:
    told = list(deliveries)
    return (
        f"{destination}: {len(told)} audiences, {sum(d.added for d in told):,} people added, "
        f"{sum(d.removed for d in told):,} removed, {sum(d.rejected for d in told):,} rejected, "
        f"{sum(d.requests for d in told):,} requests"
    )


def _failure(done: str, failed: list[Delivery], of: int) -> dg.Failure:
    """The step's own error. What waits for a person (a guard, a credential) is not tried again by itself."""
    listed = "\n".join(f"- {one.destination}/{one.segment}: {_reason(one)}" for one in failed)
    return dg.Failure(
        f"{len(failed)} of {of} audiences were not {done}; the others were.\n{listed}",
        metadata={"audiences": metadata.overview(failed)},
        allow_retries=any(one.status == "failed" and not one.needs_person for one in failed),
    )


def _reason(delivery: Delivery) -> str:
    return "; ".join(delivery.errors) or delivery.sentence
