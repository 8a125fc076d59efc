"""The guards' visible twins. They stop nothing: the guards inside the push do, for every way to start one."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from pipelines.delivery.guards import Bounds, Guard
from pipelines.delivery.model import WAITS_FOR_BUDGET, Delivery

TWINS: dict[str, tuple[frozenset[str], str]] = {
    "removals": (
        frozenset({Guard.REMOVALS, Guard.EMPTY}),
        "No larger share of the audience leaves at once than is allowed. Opt-outs and erasures don't count.",
    ),
    "growth": (
        frozenset({Guard.GROWTH}),
        "The audience does not become many times as large at once.",
    ),
    "fresh": (
        frozenset(
            {
                Guard.STALE,
                Guard.NEVER_COMPUTED,
                Guard.HELD_BACK,
                Guard.ON_HOLD,
                Guard.POLICY,
                Guard.CELL,
                Guard.UNFIT,
            }
        ),
        "The segment was computed for the newest day, its file is whole, the opt-outs could be read, nobody put the "
        "audience on hold, the platform and the policy profile let audiences of its kind and size be sent, and a new "
        "one is fit to be made.",
    ),
}
"""Check, the guards' verdicts that fail it, and what it promises."""


def specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The three checks of an audience, or of its changes."""
    return [
        dg.AssetCheckSpec(name, asset=key, description=promise, blocking=False)
        for name, (_, promise) in TWINS.items()
    ]


def alone(context: dg.AssetExecutionContext) -> set[dg.AssetKey]:
    """Assets of which only checks are asked for ("Execute" on a check): they are compared, never pushed."""
    return {check.asset_key for check in context.selected_asset_check_keys} - set(context.selected_asset_keys)


def results(
    context: dg.AssetExecutionContext, key: dg.AssetKey, delivery: Delivery, bounds: Bounds
) -> Iterator[dg.AssetCheckResult]:
    """The asked checks of one delivery; none when it could not even be judged."""
    if delivery.verdict == "failed" or (delivery.verdict == WAITS_FOR_BUDGET and delivery.as_of is None):
        return
    for name, (verdicts, _) in TWINS.items():
        if dg.AssetCheckKey(key, name) not in context.selected_asset_check_keys:
            continue
        passed = delivery.verdict not in verdicts
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=name,
            passed=passed,
            severity=_severity(delivery),
            description=None if passed and delivery.verdict != "overridden" else delivery.sentence,
            metadata=_figures(name, delivery, bounds),
        )


def _severity(delivery: Delivery) -> dg.AssetCheckSeverity:
    """What an operator asked for is worth a look, and no alarm."""
    return dg.AssetCheckSeverity.WARN if delivery.stands_still else dg.AssetCheckSeverity.ERROR


def _figures(name: str, delivery: Delivery, bounds: Bounds) -> dict[str, dg.MetadataValue]:
    """What was measured beside what is allowed; numbers are plotted over time."""
    held = delivery.held_before
    if name == "removals":
        ordinary = delivery.removes - delivery.must_go
        return {
            "removal share": dg.MetadataValue.float(round(ordinary / held, 4) if held else 0.0),
            "allowed share": dg.MetadataValue.float(bounds.max_removed),
        }
    if name == "growth":
        return {
            "times as many": dg.MetadataValue.float(round(delivery.desired / held, 3) if held else 1.0),
            "allowed times": dg.MetadataValue.float(bounds.max_growth),
        }
    as_of = delivery.as_of.isoformat() if delivery.as_of else "never computed"
    return {
        "as of": dg.MetadataValue.text(as_of),
        "allowed days": dg.MetadataValue.int(bounds.max_age_days),
    }
