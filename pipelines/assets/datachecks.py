"""Data checks: what may be wrong with loaded data, each with its measured figure, on the asset that it is about."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import dagster as dg

from pipelines.assets.keys import CONSENTS, FEATURES, PEOPLE, SUPPRESSIONS, source_key
from pipelines.sources.checks import DataCheck, questions
from pipelines.sources.model import Source

OWN = {"people": PEOPLE, "consents": CONSENTS, "suppressions": SUPPRESSIONS, "features": FEATURES}


def specs(sources: Sequence[Source], *, of_features: bool) -> list[dg.AssetCheckSpec]:
    """The checks of the load, or of the features. None blocks: bad data are told, a broken contract stops."""
    found = [(question, _key(question.table, sources)) for question in questions(sources)]
    return [
        dg.AssetCheckSpec(question.name, asset=key, description=question.description, blocking=False)
        for question, key in found
        if key is not None and (key == FEATURES) == of_features
    ]


def results(
    answers: Sequence[DataCheck], sources: Sequence[Source], wanted: Collection[dg.AssetCheckKey]
) -> Iterator[dg.AssetCheckResult]:
    """The answers to the checks that were asked for; figures are plotted over time."""
    for answer in answers:
        key = _key(answer.table, sources)
        if key is None or dg.AssetCheckKey(key, answer.name) not in wanted:
            continue
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=answer.name,
            passed=answer.passed,
            severity=dg.AssetCheckSeverity.WARN
            if answer.severity == "warning"
            else dg.AssetCheckSeverity.ERROR,
            metadata={"figure": dg.MetadataValue.float(answer.figure)},
        )


def _key(table: str, sources: Sequence[Source]) -> dg.AssetKey | None:
    """The asset that a table is shown as; of several sources of one contract the first."""
    if table in OWN:
        return OWN[table]
    return next((source_key(source.name) for source in sources if source.contract.name == table), None)
