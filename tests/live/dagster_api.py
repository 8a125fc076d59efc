"""A running Dagster, spoken to as its own pages do: GraphQL over HTTP."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

LOCATION = {"repositoryLocationName": "turnout", "repositoryName": "__repository__"}
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
BACKFILL_ENDED = {"COMPLETED", "COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}
LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } }
  }
}
"""
BACKFILL = """
mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
MATERIALIZATIONS = """
query ($key: AssetKeyInput!) {
  assetOrError(assetKey: $key) {
    ... on Asset {
      assetMaterializations(limit: 50) {
        runId partition timestamp
        metadataEntries {
          label
          ... on IntMetadataEntry { intValue }
          ... on FloatMetadataEntry { floatValue }
          ... on TextMetadataEntry { text }
        }
      }
    }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Dagster:
    """A webserver on this machine."""

    url: str

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """One GraphQL request's data; fails with the server's own words."""
        answer = requests.post(
            f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=30
        ).json()
        assert "errors" not in answer, answer["errors"]
        return dict(answer["data"])

    def ready(self) -> bool:
        """Whether the code location is loaded and the daemon is at work."""
        try:
            told = self.ask(
                "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus"
                " locationOrLoadError { __typename ... on PythonError { message } } } } }"
                " instance { daemonHealth { allDaemonStatuses { daemonType healthy required } } } }"
            )
        except (requests.RequestException, ValueError):
            return False
        entries = told["workspaceOrError"]["locationEntries"]
        daemons = told["instance"]["daemonHealth"]["allDaemonStatuses"]
        loaded = [e["locationOrLoadError"] or {} for e in entries]
        assert all(e.get("__typename") != "PythonError" for e in loaded), loaded
        return (
            bool(entries)
            and all(e["loadStatus"] == "LOADED" for e in entries)
            and all(d["healthy"] for d in daemons if d["required"])
        )

    def launch(self, job: str, *, tags: Mapping[str, str] | None = None) -> str:
        """Start one of the named jobs; returns the run's id."""
        return self._launch({"jobName": job}, tags=tags)

    def materialize(self, *keys: Sequence[str], config: Mapping[str, object] | None = None) -> str:
        """The button on the page of some unpartitioned assets, with the launchpad's configuration."""
        selector = {"jobName": "__ASSET_JOB", "assetSelection": [{"path": list(key)} for key in keys]}
        step = f"audience_{keys[0][1]}" if config else ""
        return self._launch(selector, config={"ops": {step: {"config": dict(config)}}} if config else {})

    def _launch(
        self,
        selector: Mapping[str, object],
        config: Mapping[str, object] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> str:
        metadata = {"tags": [{"key": k, "value": v} for k, v in (tags or {}).items()]}
        answer = self.ask(
            LAUNCH,
            params={
                "selector": {**LOCATION, **selector},
                "runConfigData": dict(config or {}),
                "executionMetadata": metadata,
                "mode": "default",
            },
        )["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["runId"])

    def run(self, run_id: str) -> dict[str, Any]:
        """A run's status, tags and failed assets."""
        query = """
        query ($id: ID!) { runOrError(runId: $id) { ... on Run {
          runId status jobName startTime endTime tags { key value }
        } } }
        """
        return dict(self.ask(query, id=run_id)["runOrError"])

    def wait(self, run_id: str, seconds: float = 90) -> str:
        """The status in which a run ended."""
        return str(
            until(lambda: _ended(self.run(run_id)["status"], ENDED), seconds, f"the end of run {run_id}")
        )

    def runs(self, job: str | None = None, tags: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Runs, newest first."""
        wanted: dict[str, object] = {"tags": [{"key": k, "value": v} for k, v in (tags or {}).items()]}
        if job is not None:
            wanted["pipelineName"] = job
        query = """
        query ($filter: RunsFilter) { runsOrError(filter: $filter, limit: 100) { ... on Runs { results {
          runId status jobName tags { key value } assetSelection { path }
        } } } }
        """
        return list(self.ask(query, filter=wanted)["runsOrError"]["results"])

    def backfill(self, keys: Sequence[Sequence[str]], days: Sequence[str]) -> str:
        """Launch a backfill of some assets over some days, as the dialog does; returns its id."""
        answer = self.ask(
            BACKFILL,
            params={"assetSelection": [{"path": list(key)} for key in keys], "partitionNames": list(days)},
        )["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        return str(answer["backfillId"])

    def wait_backfill(self, backfill_id: str, seconds: float = 150) -> str:
        """The status in which a backfill ended."""
        query = """
        query ($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }
        """

        def status() -> str | None:
            found = self.ask(query, id=backfill_id)["partitionBackfillOrError"]["status"]
            return _ended(found, BACKFILL_ENDED)

        return str(until(status, seconds, f"the end of backfill {backfill_id}"))

    def materializations(self, *key: str) -> list[dict[str, Any]]:
        """What is known of an asset's materializations, newest first, with numbers and texts by label."""
        found = self.ask(MATERIALIZATIONS, key={"path": list(key)})["assetOrError"]["assetMaterializations"]
        return [
            {
                "run": one["runId"],
                "partition": one["partition"],
                **{
                    e["label"]: e.get("intValue", e.get("floatValue", e.get("text")))
                    for e in one["metadataEntries"]
                },
            }
            for one in found
        ]

    def made(self, run_id: str) -> set[str]:
        """Assets that a run materialized."""
        query = """
        query ($id: ID!) { runOrError(runId: $id) { ... on Run { assetMaterializations { assetKey { path } } } } }
        """
        found = self.ask(query, id=run_id)["runOrError"]["assetMaterializations"]
        return {"/".join(one["assetKey"]["path"]) for one in found}

    def check_figures(self, check: str, figure: str, *key: str) -> list[float]:
        """A number that a check measured, over its executions, newest first."""
        query = """
        query ($key: AssetKeyInput!, $check: String!) {
          assetCheckExecutions(assetKey: $key, checkName: $check, limit: 50) {
            evaluation { metadataEntries { label ... on FloatMetadataEntry { floatValue } } }
          }
        }
        """
        found = self.ask(query, key={"path": list(key)}, check=check)["assetCheckExecutions"]
        return [
            entry["floatValue"]
            for one in found
            if one["evaluation"]
            for entry in one["evaluation"]["metadataEntries"]
            if entry["label"] == figure
        ]

    def log(self, run_id: str) -> list[str]:
        """The messages of a run so far."""
        query = """
        query ($id: ID!) { logsForRun(runId: $id) { ... on EventConnection {
          events { ... on MessageEvent { message } }
        } } }
        """
        return [event.get("message", "") for event in self.ask(query, id=run_id)["logsForRun"]["events"]]

    def reload(self) -> None:
        """Press "Reload definitions"."""
        answer = self.ask(
            "mutation ($name: String!) { reloadRepositoryLocation(repositoryLocationName: $name)"
            " { __typename ... on PythonError { message } } }",
            name=LOCATION["repositoryLocationName"],
        )["reloadRepositoryLocation"]
        assert answer["__typename"] == "WorkspaceLocationEntry", answer


def _ended(status: str, ended: set[str]) -> str | None:
    return status if status in ended else None


def until(look: Any, seconds: float, what: str) -> Any:
    """Look again and again until there is something; fails naming what never came."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.4)
    raise AssertionError(f"waited {seconds:g} s for {what}")
