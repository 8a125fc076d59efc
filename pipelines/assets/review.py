"""Jobs that an operator starts by hand: make a plan, apply it, undo a push, hold an audience, let it go on.

Each asks for a name and a reason in the launchpad and records both. What they push shows on the audience's page like
any push. No pool is taken, because the account is known only when the job runs: the account's ledger file is what
makes one push wait for another.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import dagster as dg
from pydantic import Field

from pipelines.assets import metadata
from pipelines.assets.keys import audience_key
from pipelines.assets.progress import Progress
from pipelines.delivery.holds import Hold
from pipelines.delivery.model import Delivery
from pipelines.names import UnknownName
from pipelines.project import Project
from pipelines.review.applying import AppliedAudience, apply_plan
from pipelines.review.errors import ReviewError
from pipelines.review.holding import hold, one_audience, resume
from pipelines.review.operator import Operator
from pipelines.review.plan_file import Plan, plan_of, read_plan, write_plan
from pipelines.review.planning import make_plan
from pipelines.review.undoing import undo

Answer = TypeVar("Answer")

WHO = Field(min_length=1, description="Your name; recorded.")
WHY = Field(min_length=1, description="Your reason; recorded, and shown to whoever asks later.")
AUDIENCE = Field(description="DESTINATION/SEGMENT, as in the key of the audience's asset.")


class PlanConfig(dg.Config):
    """Which audiences to plan."""

    who: str = WHO
    audiences: list[str] = Field(
        default_factory=list, description="SEGMENT, DESTINATION/SEGMENT or DESTINATION/; nothing means all."
    )
    path: str = Field("", description="Where to write; nothing: plans/<run>.json in TURNOUT_HOME.")


class ApplyConfig(dg.Config):
    """Which plan to apply."""

    plan: str = Field(description="The plan's file, or its text.")
    who: str = WHO
    why: str = WHY
    accept_removals: bool = False
    accept_growth: bool = False


class UndoConfig(dg.Config):
    """Which audience's last push to take back."""

    audience: str = AUDIENCE
    who: str = WHO
    why: str = WHY
    accept_removals: bool = False
    accept_growth: bool = False


class HoldConfig(dg.Config):
    """Which audience to hold, or to let go on."""

    audience: str = AUDIENCE
    who: str = WHO
    why: str = WHY


def review_jobs(project: Project) -> list[dg.JobDefinition]:
    """The five jobs."""
    steps: dict[str, tuple[Callable[..., None], str]] = {
        "write_plan": (
            _plan_step(project),
            "Write a sealed plan of what a push would do now. Sends nothing.",
        ),
        "apply_plan": (_apply_step(project), "Do exactly what a plan says, or nothing."),
        "undo": (
            _undo_step(project),
            "Take back the last push that changed an audience, and put the audience on hold.",
        ),
        "hold": (
            _hold_step(project),
            "Let nobody join or leave an audience, opt-outs excepted, until it is resumed.",
        ),
        "resume": (_resume_step(project), "End an audience's hold."),
    }
    return [_job(name, step, description) for name, (step, description) in steps.items()]


def _job(name: str, step: Callable[..., None], description: str) -> dg.JobDefinition:
    """A job of one step, which is called after what it does."""
    made = dg.op(description=description)(step)
    return dg.GraphDefinition(name=name, node_defs=[made]).to_job(name=name, description=description)


def _plan_step(project: Project) -> Callable[..., None]:
    def write_plan_file(context: dg.OpExecutionContext, config: PlanConfig) -> None:
        draft = _asked(lambda: make_plan(project, config.audiences, config.who))
        content = draft.content
        if content is None:
            raise _failure("No plan was written", [d for d in draft.deliveries if not d.ok])
        path = (
            Path(config.path)
            if config.path
            else project.settings.home / "plans" / f"{context.run.run_id}.json"
        )
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        plan = _asked(lambda: write_plan(path, content, project.settings.seal_key))
        context.log.info(
            f"Plan {plan.mark} is in {path}: {sum(d.adds for d in draft.deliveries):,} would be added, "
            f"{sum(d.removes for d in draft.deliveries):,} removed, in {len(plan.audiences)} audiences"
        )

    return write_plan_file


def _apply_step(project: Project) -> Callable[..., None]:
    def apply_as_planned(context: dg.OpExecutionContext, config: ApplyConfig) -> None:
        plan = _asked(lambda: _plan_in(project, config.plan))
        operator = Operator(config.who, config.why, config.accept_removals, config.accept_growth)
        results = apply_plan(project, plan, operator, watch=Progress(context.log), run_id=context.run.run_id)
        for one in results:
            context.log.info(f"{one.destination}/{one.segment}: {one.outcome}: {one.sentence}")
            if one.delivery is not None and one.outcome in ("applied", "failed"):
                _show(context, project, one.delivery)
        if wrong := [one for one in results if one.outcome not in ("applied", "already")]:
            raise _refusal(wrong, len(results))

    return apply_as_planned


def _plan_in(project: Project, text: str) -> Plan:
    """A plan given as a file's path or as its text."""
    key = project.settings.seal_key
    if text.lstrip().startswith("{"):
        return plan_of(text, key, "the plan in the run's configuration")
    return read_plan(Path(text.strip()), key)


def _undo_step(project: Project) -> Callable[..., None]:
    def take_back(context: dg.OpExecutionContext, config: UndoConfig) -> None:
        destination, segment = _asked(lambda: one_audience(project, config.audience))
        operator = Operator(config.who, config.why, config.accept_removals, config.accept_growth)
        delivery = undo(
            project, destination, segment, operator, watch=Progress(context.log), run_id=context.run.run_id
        )
        if delivery.status != "planned":
            _show(context, project, delivery)
        if not delivery.ok:
            raise _failure("The push was not taken back", [delivery])
        standing = project.record.hold(destination, segment)
        context.log.info(standing.sentence if standing else delivery.sentence)

    return take_back


def _hold_step(project: Project) -> Callable[..., None]:
    def put_on_hold(context: dg.OpExecutionContext, config: HoldConfig) -> None:
        placed = _asked(
            lambda: hold(project, config.audience, config.who, config.why, run_id=context.run.run_id)
        )
        _tell(context, placed, placed.sentence)

    return put_on_hold


def _resume_step(project: Project) -> Callable[..., None]:
    def let_go_on(context: dg.OpExecutionContext, config: HoldConfig) -> None:
        lifted = _asked(
            lambda: resume(project, config.audience, config.who, config.why, run_id=context.run.run_id)
        )
        _tell(context, lifted, f"resumed by {config.who} ({config.why}): it follows its segment again")

    return let_go_on


def _tell(context: dg.OpExecutionContext, hold: Hold, sentence: str) -> None:
    """On the audience's page, and in the run's log."""
    key = audience_key(hold.destination, hold.segment)
    shown = {"on hold": dg.MetadataValue.text(sentence)}
    context.log_event(dg.AssetObservation(asset_key=key, metadata=shown))
    context.log.info(f"{hold.name}: {sentence}")


def _show(context: dg.OpExecutionContext, project: Project, delivery: Delivery) -> None:
    """A push on the audience's page, as the night's are."""
    key = audience_key(delivery.destination, delivery.segment)
    shown = metadata.of_audience(delivery, project.record.batches(delivery))
    kind = dg.AssetMaterialization if delivery.ok else dg.AssetObservation
    context.log_event(kind(asset_key=key, metadata=shown))


def _asked(ask: Callable[[], Answer]) -> Answer:
    """An operator's mistake is the step's own error, and not tried again."""
    try:
        return ask()
    except (ReviewError, UnknownName) as error:
        raise dg.Failure(str(error), allow_retries=False) from error


def _failure(what: str, deliveries: Sequence[Delivery]) -> dg.Failure:
    listed = "\n".join(
        f"- {d.destination}/{d.segment}: {'; '.join(d.errors) or d.sentence}" for d in deliveries
    )
    return dg.Failure(f"{what}.\n{listed}", allow_retries=False)


def _refusal(wrong: Sequence[AppliedAudience], of: int) -> dg.Failure:
    listed = "\n".join(f"- {one.destination}/{one.segment}: {one.outcome}: {one.sentence}" for one in wrong)
    return dg.Failure(
        f"The plan was not applied, or not whole: {len(wrong)} of {of} audiences.\n{listed}",
        allow_retries=False,
    )
