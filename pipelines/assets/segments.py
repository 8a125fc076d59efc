"""Features and segments: one day at a time, one page a segment, one step for all of them."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cache

import dagster as dg

from pipelines.assets import datachecks, metadata, qualitychecks
from pipelines.assets.attempts import missing
from pipelines.assets.keys import (
    FEATURES,
    PEOPLE,
    SCORES,
    SEGMENTS,
    WAREHOUSE_POOL,
    WAREHOUSE_RETRIES,
    name_of,
    segment_key,
    source_key,
)
from pipelines.project import Project
from pipelines.segments.load import BrokenSegment
from pipelines.segments.model import Segment
from pipelines.segments.predictions import models_read
from pipelines.segments.run import Computed, Failed
from pipelines.settings import Settings
from pipelines.sources.model import Source


def days(settings: Settings) -> dg.DailyPartitionsDefinition:
    """The days that can be computed; a key is the last whole day that counts (``as_of``)."""
    return dg.DailyPartitionsDefinition(
        start_date=settings.first_day.isoformat(),
        end_date=settings.today.isoformat() if settings.today else None,
        timezone=settings.timezone,
    )


def newest_day(settings: Settings) -> str:
    """Yesterday, as a partition key."""
    return (settings.current_day - timedelta(days=1)).isoformat()


def features_asset(project: Project) -> dg.AssetsDefinition:
    """The dated features from which segments read."""

    @dg.multi_asset(
        name="features",
        specs=[
            dg.AssetSpec(
                FEATURES,
                description="One row a person and day: everything that segments may know about them on that day.",
                deps=[PEOPLE, *(source_key(s.name) for s in project.sources if not s.contract.opt_out)],
                group_name=SEGMENTS,
                kinds={"duckdb", "sql"},
            )
        ],
        check_specs=datachecks.specs(project.sources, of_features=True),
        partitions_def=days(project.settings),
        pool=WAREHOUSE_POOL,
        retry_policy=WAREHOUSE_RETRIES,
    )
    def features(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        people, answers = project.build_features(date.fromisoformat(context.partition_key))
        shown = {
            "dagster/partition_row_count": dg.MetadataValue.int(people),
            "people": dg.MetadataValue.int(people),
        }
        yield dg.MaterializeResult(asset_key=FEATURES, metadata=shown)
        yield from datachecks.results(answers, project.sources, context.selected_asset_check_keys)

    return features


def segment_assets(project: Project) -> list[dg.AssetsDefinition]:
    """The step that makes every segment, also the broken ones, which fail with their message."""
    if not project.definitions:
        return []

    @cache
    def below(name: str) -> int:
        """How high one stands: Dagster wants each segment after those that it is built on, or comes after."""
        definition = project.definition(name)
        return 1 + max(map(below, _upstream(definition)), default=0) if isinstance(definition, Segment) else 0

    @dg.multi_asset(
        name=SEGMENTS,
        specs=[_spec(project, definition) for definition in project.definitions],
        check_specs=qualitychecks.specs(project.segments),
        partitions_def=days(project.settings),
        can_subset=True,
        pool=WAREHOUSE_POOL,
        retry_policy=WAREHOUSE_RETRIES,
    )
    def segments(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        wanted = sorted((name_of(key) for key in missing(context)), key=lambda name: (below(name), name))
        failed: list[Failed] = []
        # The button of a check starts a run without a day: it is answered for the newest.
        as_of = date.fromisoformat(context.partition_key) if context.has_partition_key else None
        outcomes = project.compute(as_of, wanted) if wanted else []
        computed = {one.segment.name for one in outcomes if isinstance(one, Computed)}
        only_checked = {name_of(key) for key in qualitychecks.asked(context)}
        known = qualitychecks.looked_at(context, project, computed | only_checked, as_of)
        for outcome in outcomes:
            match outcome:
                case Computed(segment, profile, notes):
                    shown = metadata.of_segment(segment, profile, notes)
                    shown |= qualitychecks.reach(known.get(segment.name))
                    yield dg.MaterializeResult(asset_key=segment_key(segment.name), metadata=shown)
                case Failed():
                    failed.append(outcome)
        for found in known.values():
            yield from qualitychecks.results(found, context.selected_asset_check_keys)
        if failed:
            raise _failure(failed, len(wanted))

    return [segments]


def _spec(project: Project, definition: Segment | BrokenSegment) -> dg.AssetSpec:
    if isinstance(definition, BrokenSegment):
        return _broken_spec(definition)
    return dg.AssetSpec(
        segment_key(definition.name),
        description=metadata.described(definition),
        deps=[*_read_keys(project.sources, definition), *map(segment_key, _upstream(definition))],
        owners=metadata.owners(definition),
        tags={**definition.tags, **{f"type/{kind}": "" for kind in definition.types}},
        kinds={"duckdb", "sql"},
        group_name=SEGMENTS,
        metadata={
            "owner": definition.owner,
            "goal": f"{definition.goal.metric} {definition.goal.direction}, {definition.goal.target}",
            **metadata.code_reference(
                str(definition.path.resolve()), definition.sql_line, definition.path.name
            ),
        },
    )


def _upstream(segment: Segment) -> list[str]:
    """The segments without which this one cannot be known."""
    return sorted({*segment.layers, *(better.name for better in segment.after)})


def _broken_spec(broken: BrokenSegment) -> dg.AssetSpec:
    line = broken.error.line or 1
    return dg.AssetSpec(
        segment_key(broken.name),
        description=f"**This segment is broken and is not computed.**\n\n{broken.error}",
        group_name=SEGMENTS,
        tags={"broken": ""},
        kinds={"sql"},
        metadata=metadata.code_reference(str(broken.path.resolve()), line, broken.path.name),
    )


def _read_keys(sources: Sequence[Source], segment: Segment) -> list[dg.AssetKey]:
    """Features, scores where they are read or sent, and the sources behind the tables that the segment's SQL reads."""
    made = [FEATURES, SCORES] if models_read(segment) else [FEATURES]
    return made + [source_key(source.name) for source in sources if source.contract.name in segment.reads]


def _failure(failed: list[Failed], of: int) -> dg.Failure:
    """The step's own error; a mistake in a file or in data does not go away by trying again."""
    listed = "\n".join(f"- {one.name}: {one.error}" for one in failed)
    return dg.Failure(
        f"{len(failed)} of {of} segments could not be computed; the others were.\n{listed}",
        metadata={"failed": dg.MetadataValue.md(listed)},
        allow_retries=False,
    )
