"""What this run has done already, so that a retry repeats only what is missing."""

from __future__ import annotations

import dagster as dg


def missing(context: dg.AssetExecutionContext) -> set[dg.AssetKey]:
    """The asked keys of this step that an earlier attempt within this run has not materialized."""
    asked = set(context.selected_asset_keys)
    if context.retry_number == 0:
        return asked
    done = context.instance.get_records_for_run(
        context.run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
    )
    return asked - {record.asset_key for record in done.records}
