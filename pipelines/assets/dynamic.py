"""Micro-batches in Dagster: a sensor that sees that something has arrived, and the job that reacts to it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from pipelines import dynamic
from pipelines.assets import metadata
from pipelines.assets.jobs import STAGE
from pipelines.assets.keys import WAREHOUSE_POOL, WAREHOUSE_RETRIES, audience_key
from pipelines.assets.progress import Progress
from pipelines.delivery.model import Delivery
from pipelines.project import Project
from pipelines.reactions import Reaction

REACT = "react"
LOOKS_EVERY_SECONDS = 30
AGAIN_AFTER = timedelta(minutes=5)
"""After a micro-batch that failed: what is broken is not asked twice a minute, and what arrives is not forgotten."""
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def react_jobs(project: Project) -> list[dg.JobDefinition]:
    """The job; none where no segment is dynamic."""
    if not dynamic.dynamic_segments(project):
        return []
    told = (
        "Take what has arrived, recompute dynamic segments for the people it is about, and push the change."
    )
    step = dg.op(description=told, pool=WAREHOUSE_POOL, retry_policy=WAREHOUSE_RETRIES)(_step(project))
    return [
        dg.GraphDefinition(name=REACT, node_defs=[step]).to_job(
            name=REACT, description=told, tags={STAGE: REACT}
        )
    ]


def _step(project: Project) -> Callable[..., None]:
    def react_to_what_arrived(context: dg.OpExecutionContext) -> None:
        done = dynamic.react(project, run_id=context.run.run_id, watch=Progress(context.log))
        context.add_output_metadata(of_reaction(done.reaction))
        for delivery in done.deliveries:
            context.log_event(_seen_on_its_page(project, delivery, done.reaction))
        context.log.info(sentence(done.reaction))
        failed = [
            *done.complaints,
            *(f"{one.destination}/{one.segment}: {one.sentence}" for one in done.deliveries if not one.ok),
        ]
        if failed:
            raise dg.Failure("\n".join(failed), allow_retries=False)

    return react_to_what_arrived


def _seen_on_its_page(
    project: Project, delivery: Delivery, reaction: Reaction
) -> dg.AssetMaterialization | dg.AssetObservation:
    """The push on the audience's own page, with how long its people waited."""
    kind = dg.AssetMaterialization if delivery.ok else dg.AssetObservation
    shown = metadata.of_audience(delivery, project.record.batches(delivery))
    return kind(
        asset_key=audience_key(delivery.destination, delivery.segment),
        metadata={**shown, **waited(reaction)},
    )


def of_reaction(reaction: Reaction) -> metadata.Metadata:
    """One micro-batch in numbers."""
    return {
        "new rows": dg.MetadataValue.int(reaction.rows),
        "people touched": dg.MetadataValue.int(reaction.people),
        "entered": dg.MetadataValue.int(sum(one.entered for one in reaction.changes)),
        "left": dg.MetadataValue.int(sum(one.left for one in reaction.changes)),
        "everybody computed": dg.MetadataValue.bool(reaction.everybody),
        **waited(reaction),
    }


def waited(reaction: Reaction) -> metadata.Metadata:
    """Latency, plotted over time: what is not known is not there."""
    seconds = {
        "seconds from event to receipt": reaction.since_event,
        "seconds from arrival to receipt": reaction.since_written,
        "seconds of the micro-batch": reaction.seconds,
    }
    return {
        name: dg.MetadataValue.float(round(value, 3)) for name, value in seconds.items() if value is not None
    }


def sentence(reaction: Reaction) -> str:
    """One micro-batch in a line."""
    entered, left = (sum(getattr(one, side) for one in reaction.changes) for side in ("entered", "left"))
    return (
        f"{reaction.rows:,} new rows about {reaction.people:,} people; {entered:,} entered, {left:,} left; "
        f"{reaction.seconds:.1f} seconds"
    )


def react_sensors(project: Project, jobs: list[dg.JobDefinition]) -> list[dg.SensorDefinition]:
    """The sensor of the job, where there is one; on from the start where something arrives all day."""
    return [_sensor(project, job) for job in jobs]


def _sensor(project: Project, job: dg.JobDefinition) -> dg.SensorDefinition:
    watched = any(source.continuous for source in project.sources)
    status = dg.DefaultSensorStatus.RUNNING if watched else dg.DefaultSensorStatus.STOPPED

    @dg.sensor(
        name="react_when_something_arrives",
        job=job,
        minimum_interval_seconds=LOOKS_EVERY_SECONDS,
        default_status=status,
        description='Starts `react` when a source with arrives = "continuously" has grown.',
    )
    def react_when_something_arrives(
        context: dg.SensorEvaluationContext,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        yield _decided(project, context.instance)

    return react_when_something_arrives


def _decided(project: Project, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    """A run that nothing speaks against: what has been seen is told by the last micro-batch, not by the sensor."""
    if not any(source.continuous for source in project.sources):
        return dg.SkipReason('no source has arrives = "continuously"')
    if instance.get_runs(dg.RunsFilter(job_name=REACT, statuses=UNDER_WAY), limit=1):
        return dg.SkipReason("a micro-batch is under way; the next takes over what it does not see")
    seen, newest = dynamic.look(project), project.reactions.newest()
    if newest and newest[0].seen == seen and not project.reactions.owed:
        return dg.SkipReason("nothing has arrived since the last micro-batch")
    last = next(iter(instance.get_run_records(dg.RunsFilter(job_name=REACT), limit=1)), None)
    if last is not None and last.dagster_run.status is dg.DagsterRunStatus.FAILURE:
        waited = datetime.now(UTC) - last.update_timestamp
        if waited < AGAIN_AFTER:
            return dg.SkipReason(f"the last micro-batch failed {waited.seconds} seconds ago")
    after = last.dagster_run.run_id if last is not None else "none"
    return dg.RunRequest(run_key=f"{REACT}-{seen}-after-{after}")
