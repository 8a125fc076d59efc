"""Erasure and retirement as jobs that an operator starts, and audiences held against the platforms' word as checks.

The checks are steps of their own, apart from the push: a platform's count is late, and reading it can fail, neither
of which is the push's business.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from pipelines.assets.keys import account_pool, audience_key, step_name
from pipelines.assets.review import AUDIENCE, WHO, WHY
from pipelines.erasure.certificate import FOLDER, Certificate
from pipelines.erasure.erase import erase, finish
from pipelines.erasure.request import RequestError
from pipelines.member_drift import Compared, Order
from pipelines.names import UnknownName
from pipelines.project import Project
from pipelines.reconciliation import Measured, reconcile
from pipelines.retirement import RetirementRefused, retire
from pipelines.settings import Settings

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

RECONCILED = "reconciled"
WAIT_SECONDS = 600.0
"""For verdicts that platforms take their time for; what is open after it goes on with the next run of the job."""


class EraseConfig(dg.Config):
    """Whom to erase."""

    request: str = Field(
        "",
        description="Path of the request file (CSV, JSON or TOML); nothing: everything that is open goes on.",
    )
    who: str = WHO
    why: str = WHY
    wait_seconds: float = WAIT_SECONDS


class RetireConfig(dg.Config):
    """Which audience to retire."""

    audience: str = AUDIENCE
    who: str = WHO
    why: str = WHY
    keep_members: bool = Field(False, description="Remove nobody: only forget the audience and who is in it.")
    wait_seconds: float = WAIT_SECONDS


def upkeep_jobs(project: Project) -> list[dg.JobDefinition]:
    """The two jobs."""
    steps: dict[str, tuple[Callable[..., None], str]] = {
        "erase": (
            _erase_step(project),
            "Remove people from every audience that ever received them, forget them, write a certificate.",
        ),
        "retire": (
            _retire_step(project),
            "Take everybody out of an audience that nothing asks for any more, and close its books.",
        ),
    }
    return [
        dg.GraphDefinition(name=name, node_defs=[dg.op(description=text)(step)]).to_job(
            name=name, description=text
        )
        for name, (step, text) in steps.items()
    ]


def _erase_step(project: Project) -> Callable[..., None]:
    def erase_people(context: dg.OpExecutionContext, config: EraseConfig) -> None:
        try:
            certificates = (
                [
                    erase(
                        project,
                        Path(config.request),
                        who=config.who,
                        why=config.why,
                        wait_seconds=config.wait_seconds,
                    )
                ]
                if config.request
                else finish(project, wait_seconds=config.wait_seconds)
            )
        except (RequestError, FileNotFoundError) as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        for certificate in certificates:
            _tell(context, project, certificate)
        if incomplete := [one for one in certificates if not one.complete]:
            raise dg.Failure(
                "\n".join(
                    f"Erasure {one.request}: {sentence}" for one in incomplete for sentence in one.open
                ),
                allow_retries=False,
            )

    return erase_people


def _tell(context: dg.OpExecutionContext, project: Project, certificate: Certificate) -> None:
    path = project.settings.state_dir / FOLDER / f"{certificate.request}.txt"
    context.log.info(
        f"Erasure {certificate.request}: {certificate.people:,} people, {certificate.removed:,} of "
        f"{len(certificate.audiences):,} memberships ended, {sum(certificate.deleted_rows.values()):,} rows deleted; "
        f"{'complete' if certificate.complete else 'incomplete'}; certificate: {path}"
    )


def _retire_step(project: Project) -> Callable[..., None]:
    def retire_audience(context: dg.OpExecutionContext, config: RetireConfig) -> None:
        try:
            retired = retire(
                project,
                config.audience,
                who=config.who,
                why=config.why,
                keep_members=config.keep_members,
                wait_seconds=config.wait_seconds,
                run_id=context.run.run_id,
            )
        except (UnknownName, RetirementRefused) as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        told = f"{retired.name}: {retired.removed:,} removed; {retired.sentence}"
        context.log_event(
            dg.AssetObservation(
                asset_key=audience_key(retired.destination, retired.segment),
                metadata={"retired": told, **({"size held": 0} if retired.state == "closed" else {})},
            )
        )
        context.log.info(told)
        if retired.state != "closed":
            raise dg.Failure(told, allow_retries=False)

    return retire_audience


# --- members and sizes -------------------------------------------------------------------------------------


def reconciled_checks(project: Project) -> list[dg.AssetChecksDefinition]:
    """A check of each audience whose platform lists members or reports sizes; one step for each account."""
    return [
        _checks_of(project, destination, sorted(segments))
        for destination, kind in project.connector_types.items()
        if (kind.reads_back is not None or kind.lists_members is not None)
        and (segments := _segments(project, destination))
    ]


def _segments(project: Project, destination: str) -> set[str]:
    asked = {segment.name for segment, _ in project.audiences(destination)}
    return asked | set(project.deliveries.left_behind(destination))


def _checks_of(project: Project, destination: str, segments: Sequence[str]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(
        name=f"{RECONCILED}_{step_name(destination)}",
        specs=[
            dg.AssetCheckSpec(
                RECONCILED,
                asset=audience_key(destination, segment),
                description="The platform has whom the ledger holds, as far as it lists or counts them.",
                blocking=False,
            )
            for segment in segments
        ],
        can_subset=True,
        pool=account_pool(destination),
    )
    def reconciled(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        asked = {key.asset_key.path[-1] for key in context.selected_asset_check_keys}
        names = [f"{destination}/{name}" for name in sorted(asked)]
        for one in reconcile(project, names, Order(run_id=context.run.run_id)):
            if isinstance(one, Compared):
                context.op_execution_context.log_event(_plotted(one))
            yield result(one)

    return reconciled


def result(found: Measured | Compared) -> dg.AssetCheckResult:
    """One comparison as a check: a warning when it drifted; its numbers are plotted over time."""
    return dg.AssetCheckResult(
        asset_key=audience_key(found.destination, found.segment),
        check_name=RECONCILED,
        passed=not found.drifted,
        severity=dg.AssetCheckSeverity.WARN,
        description=found.sentence,
        metadata={"verdict": found.verdict, **_numbers(found)},
    )


def _numbers(found: Measured | Compared) -> dict[str, float]:
    if isinstance(found, Compared):
        if found.verdict == "failed":
            return {}
        more = {"agreed": found.agreed, "not settled": found.unsettled}
        return {"listed": found.listed, **more, **found.kinds}
    told = {
        "size held": found.held,
        "reported at least": found.lower,
        "reported at most": found.upper,
        "share reported": None if found.share is None else round(found.share, 4),
    }
    return {name: number for name, number in told.items() if number is not None}


def _plotted(found: Compared) -> dg.AssetObservation:
    """The drift by kind on the audience's own page."""
    return dg.AssetObservation(
        asset_key=audience_key(found.destination, found.segment),
        metadata={
            "compared": found.sentence,
            **{f"drift: {name}": number for name, number in _numbers(found).items()},
        },
    )


def reconcile_job(checks: Sequence[dg.AssetChecksDefinition]) -> "list[UnresolvedAssetJobDefinition]":
    """The job of these checks; none where no platform reports anything."""
    keys = [key for definition in checks for key in definition.check_keys]
    if not keys:
        return []
    return [
        dg.define_asset_job(
            "reconcile",
            selection=dg.AssetSelection.checks(*keys),
            description="Hold each audience against what its platform reports: members where it lists them, or sizes.",
        )
    ]


def reconcile_schedule(settings: Settings, job: "UnresolvedAssetJobDefinition") -> dg.ScheduleDefinition:
    """Once a day, well after the night, so that most platforms have counted what it sent."""
    return dg.ScheduleDefinition(
        "sizes",
        job=job,
        cron_schedule="0 17 * * *",
        execution_timezone=settings.timezone,
        description="Holds each audience against what its platform reports.",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
