"""What models say of people, one day at a time: from frozen versions, before the segments that read it."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from pipelines.assets.keys import FEATURES, SCORES, SEGMENTS, WAREHOUSE_POOL, WAREHOUSE_RETRIES
from pipelines.assets.segments import days
from pipelines.modelling import Scoring
from pipelines.models.store import Card
from pipelines.project import Project

IN_FORCE = "every_model_scored"


def scores_assets(project: Project) -> list[dg.AssetsDefinition]:
    """The step that scores, where any segment reads scores.

    A model that cannot be scored does not fail it: Dagster would leave out every segment then. Its check says so, and
    the segments that read the model fail with the reason.
    """
    read = project.models.read()
    if not read:
        return []
    listed = "\n".join(f"- `{one.model.name}`: {one.model.description}" for one in project.models.known())

    @dg.multi_asset(
        name="scores",
        specs=[
            dg.AssetSpec(
                SCORES,
                description=f"What models say of people on a day, by the versions in force.\n\n{listed}",
                deps=[FEATURES],
                group_name=SEGMENTS,
                kinds={"duckdb", "scikitlearn"},
            )
        ],
        check_specs=[
            dg.AssetCheckSpec(
                IN_FORCE, asset=SCORES, description="Every model that a segment reads has a version in force."
            )
        ],
        partitions_def=days(project.settings),
        pool=WAREHOUSE_POOL,
        retry_policy=WAREHOUSE_RETRIES,
    )
    def scores(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        found = project.models.score(date.fromisoformat(context.partition_key), read, anew=True)
        cards = {one.model: project.models.card(one.model, one.version) for one in found.done}
        yield dg.MaterializeResult(asset_key=SCORES, metadata=_shown(found, cards))
        if context.selected_asset_check_keys:
            yield _checked(found)

    return [scores]


def _shown(found: Scoring, cards: dict[str, Card]) -> dict[str, dg.MetadataValue]:
    """Numbers that become plots, by model; then the cards in short."""
    shown: dict[str, dg.MetadataValue] = {
        "dagster/partition_row_count": dg.MetadataValue.int(sum(one.people for one in found.done))
    }
    for one in found.done:
        shown[f"{one.model}/people"] = dg.MetadataValue.int(one.people)
        shown[f"{one.model}/mean score"] = dg.MetadataValue.float(round(one.mean_score, 6))
        shown[f"{one.model}/version"] = dg.MetadataValue.int(one.version)
        if one.hindsight:
            shown[f"{one.model}/hindsight"] = dg.MetadataValue.text(
                f"trained as of {cards[one.model].as_of}, later than this day: a replay, no forecast"
            )
    if cards:
        shown["models"] = dg.MetadataValue.md("\n\n".join(map(_in_short, cards.values())))
    if found.faults:
        shown["not scored"] = dg.MetadataValue.md("\n".join(f"- {error}" for error in found.faults.values()))
    return shown


def _in_short(card: Card) -> str:
    head = (
        f"**{card.title}** (`{card.model}`), version {card.version}, {card.kind}, trained as of {card.as_of}"
    )
    rows = [f"| {one.name} | {one.value:.4g} | {one.says} |" for one in card.measures]
    gates = [f"| {one.name} | {'passed' if one.passed else 'failed'} | {one.says} |" for one in card.gates]
    return "\n".join([head, "", "| | | |", "| :--- | ---: | :--- |", *rows, *gates])


def _checked(found: Scoring) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=IN_FORCE,
        asset_key=SCORES,
        passed=not found.faults,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={name: dg.MetadataValue.text(str(error)) for name, error in found.faults.items()},
    )
