"""Everything that Dagster shows and runs, made from the settings."""

from __future__ import annotations

import dagster as dg

from pipelines.assets.alerts import failure_sensor
from pipelines.assets.audiences import audience_assets, changes_assets
from pipelines.assets.jobs import DELIVER, LOAD, SEGMENT, job
from pipelines.assets.load import load_assets
from pipelines.assets.night import load_schedule, night_sensor, overdue_schedule
from pipelines.assets.review import review_jobs
from pipelines.assets.scores import scores_assets
from pipelines.assets.segments import features_asset, segment_assets
from pipelines.assets.upkeep import reconcile_job, reconcile_schedule, reconciled_checks, upkeep_jobs
from pipelines.project import Project
from pipelines.settings import Settings


def build_definitions(settings: Settings) -> dg.Definitions:
    """The whole code location. Needs no credentials; of the stores, it looks into the journal and what was pulled."""
    project = Project(settings)
    loading = [load_assets(project)]
    segmenting = [features_asset(project), *scores_assets(project), *segment_assets(project)]
    delivering = [
        step(project, destination)
        for destination in project.connector_types
        if project.audiences(destination) or project.deliveries.left_behind(destination)
        for step in (changes_assets, audience_assets)
    ]
    load, segment, deliver = job(LOAD, loading), job(SEGMENT, segmenting), job(DELIVER, delivering)
    reconciling = reconciled_checks(project)
    reconcile = reconcile_job(reconciling)
    return dg.Definitions(
        assets=[*loading, *segmenting, *delivering],
        asset_checks=reconciling,
        jobs=[load, segment, deliver, *review_jobs(project), *upkeep_jobs(project), *reconcile],
        schedules=[
            load_schedule(settings, load),
            overdue_schedule(settings, deliver),
            *(reconcile_schedule(settings, job) for job in reconcile),
        ],
        sensors=[night_sensor(settings, segment, deliver), failure_sensor(settings)],
        executor=dg.in_process_executor,
    )
