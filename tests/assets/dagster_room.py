"""Running the graph in this process, as a run's own process would: definitions are made anew for each run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import dagster as dg

from pipelines.assets.graph import build_definitions
from pipelines.assets.jobs import DELIVER, LOAD, SEGMENT
from tests.assets.shop import TODAY, Shop


@dataclass
class Room:
    """A shop and the Dagster instance that runs it."""

    shop: Shop
    instance: dg.DagsterInstance
    today: date = TODAY

    @property
    def definitions(self) -> dg.Definitions:
        """What the code location would hold now."""
        return build_definitions(self.shop.settings(today=self.today))

    def load(self) -> dg.ExecuteInProcessResult:
        """The first job of the night."""
        return self.job(LOAD)

    def segment(self, as_of: date | None = None) -> dg.ExecuteInProcessResult:
        """The second job of the night."""
        return self.job(SEGMENT, as_of or self.today - timedelta(days=1))

    def deliver(self) -> dg.ExecuteInProcessResult:
        """The third job of the night."""
        return self.job(DELIVER)

    def night(self) -> list[dg.ExecuteInProcessResult]:
        """The three jobs, each whatever became of the one before."""
        return [self.load(), self.segment(), self.deliver()]

    def job(self, name: str, as_of: date | None = None) -> dg.ExecuteInProcessResult:
        """Run a job to its end."""
        return self.definitions.resolve_job_def(name).execute_in_process(
            instance=self.instance, raise_on_error=False, partition_key=as_of.isoformat() if as_of else None
        )

    def materialize(
        self, *keys: dg.AssetKey, config: Mapping[str, object] | None = None
    ) -> dg.ExecuteInProcessResult:
        """Materialize some unpartitioned assets, as the button does; ``config`` is the push's."""
        step = f"audience_{keys[0].path[1]}"
        return self.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance,
            raise_on_error=False,
            asset_selection=list(keys),
            run_config={"ops": {step: {"config": dict(config)}}} if config else None,
        )


def made(result: dg.ExecuteInProcessResult) -> set[str]:
    """Keys that a run materialized."""
    events = result.get_asset_materialization_events()
    return {event.materialization.asset_key.to_user_string() for event in events}


def metadata(result: dg.ExecuteInProcessResult, key: str) -> dict[str, Any]:
    """What a run says about an asset that it made."""
    for event in result.get_asset_materialization_events():
        if event.materialization.asset_key.to_user_string() == key:
            return {name: value.value for name, value in event.materialization.metadata.items()}
    raise AssertionError(f"{key} was not materialized")


def failure(result: dg.ExecuteInProcessResult) -> str:
    """The sentence of the step that failed."""
    for event in result.all_events:
        if event.is_step_failure and event.step_failure_data.user_failure_data:
            return str(event.step_failure_data.user_failure_data.description)
    raise AssertionError("no step failed with a sentence")


def failed_checks(result: dg.ExecuteInProcessResult) -> set[tuple[str, str]]:
    """Asset and check, of all that did not pass."""
    return {
        (evaluation.asset_key.to_user_string(), evaluation.check_name)
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed
    }


def attempts(result: dg.ExecuteInProcessResult) -> int:
    """How often a run's steps were started anew."""
    return sum(event.event_type is dg.DagsterEventType.STEP_RESTARTED for event in result.all_events)
