"""What starts the night's jobs: a schedule the first, a sensor the next two, a second schedule what never came."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from pipelines.assets.jobs import DELIVER, LOAD, NIGHT, SEGMENT, STAGE
from pipelines.assets.segments import days, newest_day
from pipelines.settings import Settings

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
LOOKS_EVERY_SECONDS = 10
LOOKS_BACK = timedelta(days=1)
OVERDUE = timedelta(hours=3)
"""A night that has not come to its deliveries after this long is not waited for any more."""


def load_schedule(settings: Settings, load: "UnresolvedAssetJobDefinition") -> dg.ScheduleDefinition:
    """Starts the night at the operator's hour."""
    return dg.ScheduleDefinition(
        "night",
        job=load,
        cron_schedule=settings.schedule,
        execution_timezone=settings.timezone,
        description="Starts the night: load, then segment, then deliver.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def night_sensor(
    settings: Settings, segment: "UnresolvedAssetJobDefinition", deliver: "UnresolvedAssetJobDefinition"
) -> dg.SensorDefinition:
    """Starts segment when load has ended, and deliver when that segment run has ended, whatever the result.

    Dagster keeps the run keys, so each run is followed once. Backfills of the segment job are not followed:
    they belong to no night.
    """

    @dg.sensor(
        name="night_goes_on",
        jobs=[segment, deliver],
        minimum_interval_seconds=LOOKS_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts `segment` when `load` has ended, then `deliver`, whatever became of the one before.",
    )
    def night_goes_on(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest]:
        if (load := newest_ended(context.instance, LOAD)) is not None:
            day = newest_day(settings)
            if days(settings).has_partition_key(day):
                yield dg.RunRequest(
                    run_key=f"{SEGMENT}-after-{load.run_id}",
                    job_name=SEGMENT,
                    partition_key=day,
                    tags={NIGHT: load.run_id},
                )
        segmented = newest_ended(context.instance, SEGMENT, of_a_night=True)
        if segmented is not None:
            yield dg.RunRequest(
                run_key=f"{DELIVER}-after-{segmented.run_id}",
                job_name=DELIVER,
                tags={NIGHT: segmented.tags[NIGHT]},
            )

    return night_goes_on


def newest_ended(
    instance: dg.DagsterInstance, stage: str, *, of_a_night: bool = False
) -> dg.DagsterRun | None:
    """The run of a stage that ended last within a day; none while Dagster is about to run it again."""
    found = instance.get_run_records(
        dg.RunsFilter(statuses=ENDED, tags={STAGE: stage}, updated_after=datetime.now(UTC) - LOOKS_BACK),
        order_by="update_timestamp",
    )
    for record in found:
        run = record.dagster_run
        if of_a_night and NIGHT not in run.tags:
            continue
        return None if run.is_failure_or_canceled and _comes_again(run) else run
    return None


def _comes_again(run: dg.DagsterRun) -> bool:
    return run.tags.get("dagster/will_retry", "false").lower() == "true"


def overdue_schedule(settings: Settings, deliver: "UnresolvedAssetJobDefinition") -> dg.ScheduleDefinition:
    """Delivers when a load began hours ago and no delivery came: it hangs, or the sensor is switched off."""

    @dg.schedule(
        name="deliver_when_overdue",
        job=deliver,
        cron_schedule="*/30 * * * *",
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Starts `deliver` when a `load` began over {OVERDUE.seconds // 3600} hours ago and none followed.",
    )
    def deliver_when_overdue(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        load = _newest(context.instance, LOAD)
        if load is None:
            return dg.SkipReason("no load was ever started")
        deliver_run = _newest(context.instance, DELIVER)
        if deliver_run is not None and deliver_run.create_timestamp > load.create_timestamp:
            return dg.SkipReason("the newest load has been followed by a delivery")
        waited = datetime.now(UTC) - load.create_timestamp
        if waited < OVERDUE:
            return dg.SkipReason(f"the newest load began {waited.seconds // 60} minutes ago")
        run_id = load.dagster_run.run_id
        return dg.RunRequest(run_key=f"{DELIVER}-overdue-{run_id}", tags={NIGHT: run_id})

    return deliver_when_overdue


def _newest(instance: dg.DagsterInstance, stage: str) -> dg.RunRecord | None:
    found = instance.get_run_records(dg.RunsFilter(tags={STAGE: stage}), limit=1)
    return found[0] if found else None
