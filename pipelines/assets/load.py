"""The load: what email tools tell, every source for itself, then people, consents and suppressions from all of it.

One step, because Dagster leaves out a step as soon as one thing above it failed: people must be brought up to
date also on a night on which a source did not come.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from pipelines.assets import datachecks, metadata, pulled
from pipelines.assets.attempts import missing
from pipelines.assets.keys import (
    CONSENTS,
    PEOPLE,
    PEOPLE_GROUP,
    SOURCES,
    SUPPRESSIONS,
    WAREHOUSE_POOL,
    WAREHOUSE_RETRIES,
    source_key,
)
from pipelines.project import Project
from pipelines.sources.contracts import CONSENTS as CONSENTS_CONTRACT
from pipelines.sources.contracts import CUSTOMERS as CUSTOMERS_CONTRACT
from pipelines.sources.contracts import SUPPRESSIONS as SUPPRESSIONS_CONTRACT
from pipelines.sources.model import LoadReport, Source
from pipelines.sources.pulled import PulledError

DERIVED = {
    PEOPLE: (
        (CUSTOMERS_CONTRACT, CONSENTS_CONTRACT, SUPPRESSIONS_CONTRACT),
        "One row a person: identifiers as delivered, the purposes granted, whether they are suppressed.",
    ),
    CONSENTS: ((CONSENTS_CONTRACT,), "Every consent given or taken back, by person; the latest decides."),
    SUPPRESSIONS: (
        (SUPPRESSIONS_CONTRACT,),
        "Who must not be contacted any more, as sources and email tools say.",
    ),
}


def load_assets(project: Project) -> dg.AssetsDefinition:
    """What is pulled, sources and people."""
    telling = pulled.specs(project)

    @dg.multi_asset(
        name="sources_and_people",
        specs=[
            *telling,
            *(_source_spec(source) for source in project.sources),
            *_derived_specs(project.sources, [spec.key for spec in telling]),
        ],
        check_specs=[
            *pulled.check_specs(telling),
            *datachecks.specs(project.sources, of_features=False),
        ],
        can_subset=True,
        pool=WAREHOUSE_POOL,
        retry_policy=WAREHOUSE_RETRIES,
    )
    def load(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        wanted = missing(context)
        names = [source.name for source in project.sources if source_key(source.name) in wanted]
        try:
            yield from pulled.results(context, project, telling, wanted)
            loaded, answers = project.load_sources(names)
        except PulledError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        for report in loaded.reports:
            if report.error is None:
                shown = metadata.of_source(report)
                yield dg.MaterializeResult(asset_key=source_key(report.source), metadata=shown)
        for key in sorted(wanted & DERIVED.keys()):
            yield dg.MaterializeResult(asset_key=key, metadata=metadata.of_people(loaded.people))
        yield from datachecks.results(answers, project.sources, context.selected_asset_check_keys)
        if loaded.failed:
            raise _failure(loaded.failed, len(loaded.reports))

    return load


def _source_spec(source: Source) -> dg.AssetSpec:
    columns = "\n".join(f"- `{field.name}`: {field.description}" for field in source.contract.fields)
    return dg.AssetSpec(
        source_key(source.name),
        description=f"{source.contract.description} As delivered.\n\n{columns}",
        group_name=SOURCES,
        kinds={_kind(source)},
    )


def _kind(source: Source) -> str:
    """The icon of where it is: csv, parquet, duckdb, sqlite, postgres or demo."""
    location = source.location
    return str(
        getattr(location, "format", None)
        or getattr(location, "kind", None)
        or type(location).__name__.lower()
    )


def _derived_specs(sources: Sequence[Source], told: Sequence[dg.AssetKey]) -> Iterator[dg.AssetSpec]:
    """People's own tables; ``told`` is what email tools tell, which is one with the suppressions."""
    for key, (contracts, description) in DERIVED.items():
        yield dg.AssetSpec(
            key,
            description=description,
            deps=[
                *(source_key(source.name) for source in sources if source.contract in contracts),
                *(told if SUPPRESSIONS_CONTRACT in contracts else ()),
            ],
            group_name=PEOPLE_GROUP,
            kinds={"duckdb", "sql"},
        )


def _failure(failed: Sequence[LoadReport], of: int) -> dg.Failure:
    """The step's own error. A broken source does not mend by reading it again a minute later."""
    listed = "\n".join(f"- {report.source}: {report.error}" for report in failed)
    return dg.Failure(
        f"{len(failed)} of {of} sources could not be loaded; their tables of the last good load stay.\n{listed}",
        metadata={"failed": dg.MetadataValue.md(listed)},
        allow_retries=False,
    )
