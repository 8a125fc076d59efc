"""Criteria of quality as checks of each segment's asset. None blocks: the push itself guards new audiences."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import date

import dagster as dg

from pipelines.assets.keys import segment_key
from pipelines.assets.metadata import Metadata
from pipelines.duck import StoreBusy, StoreDamaged
from pipelines.engine import EngineError
from pipelines.project import Project
from pipelines.quality.criterion import Criterion
from pipelines.quality.evidence import Evidence
from pipelines.quality.night import RULES, criteria, look
from pipelines.segments.model import Segment


def specs(segments: Iterable[Segment]) -> list[dg.AssetCheckSpec]:
    """The checks of every segment that can be computed."""
    return [
        dg.AssetCheckSpec(
            _name(rule.name), asset=segment_key(segment.name), description=f"{rule.id}: {rule.threshold}."
        )
        for segment in segments
        for rule in RULES
    ]


def asked(context: dg.AssetExecutionContext) -> set[dg.AssetKey]:
    """Segments of which only checks are asked for ("Execute" on a check)."""
    return {check.asset_key for check in context.selected_asset_check_keys} - set(context.selected_asset_keys)


def looked_at(
    context: dg.AssetExecutionContext, project: Project, names: Collection[str], day: date | None
) -> dict[str, Evidence]:
    """What is known of the segments, by name. A warehouse that cannot be read costs the checks, not the segments."""
    try:
        return {found.segment.name: found for found in look(project, names, day)}
    except (EngineError, StoreBusy, StoreDamaged) as error:
        context.log.warning(f"the quality of the segments was not looked at: {error}")
        return {}


def reach(found: Evidence | None) -> Metadata:
    """How many people each destination could be sent, plotted by day."""
    shown = found.looked.reach if found else ()
    return {f"reachable/{one.destination}": dg.MetadataValue.int(one.reachable) for one in shown}


def results(found: Evidence, wanted: Collection[dg.AssetCheckKey]) -> Iterator[dg.AssetCheckResult]:
    """The asked checks of a segment; what cannot be told yet has no result."""
    key = segment_key(found.segment.name)
    for answer in criteria(found):
        if answer.verdict == "unknown" or dg.AssetCheckKey(key, _name(answer.name)) not in wanted:
            continue
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=_name(answer.name),
            passed=answer.verdict == "pass",
            severity=_severity(answer),
            description=answer.sentence,
            metadata={}
            if answer.measured is None
            else {"measured": dg.MetadataValue.float(float(answer.measured))},
        )


def _severity(answer: Criterion) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if answer.verdict == "fail" else dg.AssetCheckSeverity.WARN


def _name(criterion: str) -> str:
    return criterion.replace(" ", "_")
