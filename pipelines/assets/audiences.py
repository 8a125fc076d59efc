"""Audiences: what would change, and the push. One step of each for a destination account, one page an audience.

Neither step depends on the other or is stopped by a check: the push compares anew and guards itself, so that
nothing in the graph can hold back an opt-out.
"""

from collections.abc import Iterable, Iterator
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
from pipelines.segments.model import Segment, Sync

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


def changes_assets(project: Project, destination: str) -> dg.AssetsDefinition:
    """The difference of each audience of a destination: counted and judged, nothing sent."""
    audiences = project.audiences(destination)
    syncs = {segment.name: sync for segment, sync in audiences}

    @dg.multi_asset(
        name=f"changes_{step_name(destination)}",
        specs=[_changes_spec(segment, sync) for segment, sync in audiences],
        check_specs=[
            s for segment, _ in audiences for s in checks.specs(changes_key(destination, segment.name))
        ],
        can_subset=True,
        pool=account_pool(destination),
        op_tags={"dagster/priority": "1"},  # before the push, which leaves nothing to compare
    )
    def changes(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        names = sorted(name_of(key) for key in context.selected_asset_keys)
        plans = project.plan(destination, names, project.new_run(run_id=context.run_id))
        for plan in plans:
            key = changes_key(destination, plan.segment)
            if plan.ok:
                yield dg.MaterializeResult(asset_key=key, metadata=metadata.of_changes(plan))
                yield from checks.results(key, plan, project.bounds(syncs[plan.segment]))
        if failed := [plan for plan in plans if not plan.ok]:
            raise _failure("compared", failed, len(plans))

    return changes


def audience_assets(project: Project, destination: str) -> dg.AssetsDefinition:
    """The push of each audience of a destination."""
    audiences = project.audiences(destination)
    syncs = {segment.name: sync for segment, sync in audiences}

    @dg.multi_asset(
        name=f"audience_{step_name(destination)}",
        specs=[_audience_spec(project, segment, sync) for segment, sync in audiences],
        check_specs=[
            s for segment, _ in audiences for s in checks.specs(audience_key(destination, segment.name))
        ],
        can_subset=True,
        pool=account_pool(destination),
        retry_policy=PUSH_RETRIES,
    )
    def audience(
        context: dg.AssetExecutionContext, config: PushConfig
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        names = sorted(name_of(key) for key in missing(context))
        overrides = Overrides(config.accept_removals, config.accept_growth, config.who, config.why)
        run = project.new_run(overrides=overrides, resync=config.resync, run_id=context.run_id)
        deliveries = project.sync(destination, names, run, Progress(context.log))
        for delivery in deliveries:
            key = audience_key(destination, delivery.segment)
            batches = project.batches(delivery)
            yield from checks.results(key, delivery, project.bounds(syncs[delivery.segment]))
            shown = metadata.of_audience(delivery, batches)
            if delivery.ok:
                yield dg.MaterializeResult(asset_key=key, metadata=shown)
            else:
                context.log_event(dg.AssetObservation(asset_key=key, metadata=shown))
        context.log.info(_summary(destination, deliveries))
        if failed := [delivery for delivery in deliveries if not delivery.ok]:
            raise _failure("brought up to date", failed, len(deliveries))

    return audience


def _changes_spec(segment: Segment, sync: Sync) -> dg.AssetSpec:
    return dg.AssetSpec(
        changes_key(sync.destination, segment.name),
        description=f"What a push of *{sync.audience}* to {sync.destination} would change now. Sends nothing.",
        deps=[segment_key(segment.name), PEOPLE],
        owners=metadata.owners(segment),
        kinds={"duckdb"},
        group_name=step_name(sync.destination),
    )


def _audience_spec(project: Project, segment: Segment, sync: Sync) -> dg.AssetSpec:
    allowed = timedelta(days=project.settings.max_segment_age_days + 1)
    return dg.AssetSpec(
        audience_key(sync.destination, segment.name),
        description=(
            f"*{sync.audience}* at {sync.destination}, brought to exactly the people that "
            f"**{segment.title}** wants.\n\n{segment.treatment}"
        ),
        deps=[segment_key(segment.name), PEOPLE],
        owners=metadata.owners(segment),
        kinds={project.settings.destinations[sync.destination]},
        group_name=step_name(sync.destination),
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
    """The step's own error. A guard that stopped a push asks for a person, so it is not tried again by itself."""
    listed = "\n".join(f"- {one.destination}/{one.segment}: {_reason(one)}" for one in failed)
    return dg.Failure(
        f"{len(failed)} of {of} audiences were not {done}; the others were.\n{listed}",
        metadata={"audiences": metadata.overview(failed)},
        allow_retries=any(one.status == "failed" for one in failed),
    )


def _reason(delivery: Delivery) -> str:
    return "; ".join(delivery.errors) or delivery.sentence
