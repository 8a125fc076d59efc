"""The night is three jobs, so that nothing that fails can stop what comes after it from looking for itself.

Inside one run, a step is left out as soon as anything above it failed: one bad source would stop every audience,
opt-outs with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

LOAD, SEGMENT, DELIVER = "load", "segment", "deliver"
STAGE = "turnout/stage"
"""Run tag of every run of these jobs, whatever started it: which one it is."""
NIGHT = "turnout/night"
"""Run tag of a segment or deliver run that follows another: the load run that began that night."""

DESCRIPTIONS = {
    LOAD: "Ask email tools for unsubscribes, read every source, then bring people, consents and suppressions up to "
    "date. Starts the night.",
    SEGMENT: "Features, scores and segments of one day. Follows `load`, whatever became of it.",
    DELIVER: "Compare and push every audience. Follows `segment`, whatever became of it.",
}


def job(stage: str, assets: Sequence[dg.AssetsDefinition]) -> UnresolvedAssetJobDefinition:
    """One of the night's three jobs, with the assets that it makes and the checks made with them."""
    made = dg.AssetSelection.assets(*(key for definition in assets for key in definition.keys))
    checks = dg.AssetSelection.checks(*(key for definition in assets for key in definition.check_keys))
    return dg.define_asset_job(
        stage,
        selection=made.without_checks() | checks,
        description=DESCRIPTIONS[stage],
        tags={STAGE: stage},
    )
