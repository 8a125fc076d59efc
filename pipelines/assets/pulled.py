"""What email tools tell of unsubscribes and bounces, as a part of the load: an asset for each tool, and a check.

They are made within the load's own step, before people: as a step of its own, a tool that does not answer would leave
out everything that stands below it.
"""

from collections.abc import Collection, Iterator

import dagster as dg

from pipelines.assets import checks, metadata
from pipelines.assets.keys import name_of, pulled_key, step_name
from pipelines.project import Project
from pipelines.pulling import Pulled, askable, pull

ANSWERED = "answered"


def specs(project: Project) -> list[dg.AssetSpec]:
    """An asset for each destination that a pull asks."""
    return [
        dg.AssetSpec(
            pulled_key(destination),
            description=f"Who unsubscribed, bounced or complained at {destination}, as far as it tells: kept for ever, "
            "and suppressed everywhere.",
            group_name=step_name(destination),
            kinds={project.settings.destinations[destination]},
        )
        for destination in askable(project)
    ]


def check_specs(assets: Collection[dg.AssetSpec]) -> list[dg.AssetCheckSpec]:
    """One check for each of these."""
    return [
        dg.AssetCheckSpec(
            ANSWERED,
            asset=spec.key,
            description="The tool was asked to the end. If not, what it told before is honoured, and the next load "
            "asks again.",
            blocking=False,
        )
        for spec in assets
    ]


def results(
    context: dg.AssetExecutionContext,
    project: Project,
    assets: Collection[dg.AssetSpec],
    wanted: Collection[dg.AssetKey],
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Ask the tools of which asset or check is wanted. One that fails is a warning: the load goes on."""
    asked = {spec.key for spec in assets} & {*wanted, *checks.alone(context)}
    names = sorted(name_of(key) for key in asked)
    for one in pull(project, names) if names else []:
        key = pulled_key(one.destination)
        if one.ok and key in wanted:
            yield dg.MaterializeResult(asset_key=key, metadata=metadata.of_pulled(one))
        if dg.AssetCheckKey(key, ANSWERED) in context.selected_asset_check_keys:
            yield _result(key, one)
        (context.log.info if one.ok else context.log.warning)(f"{one.destination}: {one.sentence}")


def _result(key: dg.AssetKey, one: Pulled) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=ANSWERED,
        passed=one.ok,
        severity=dg.AssetCheckSeverity.WARN,
        description=one.sentence,
        metadata=metadata.of_pulled(one),
    )
