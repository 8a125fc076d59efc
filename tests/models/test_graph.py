"""Models in Dagster: scores between features and the segments that read them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import dagster as dg
import pytest

from pipelines.assets.graph import build_definitions
from pipelines.assets.jobs import SEGMENT
from pipelines.assets.keys import FEATURES, SCORES, segment_key
from pipelines.project import Project
from tests.assets.dagster_room import failure, made, metadata
from tests.sources.conftest import YEAR_END


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster in this process."""
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


def segment_job(project: Project, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """The second job of the night, for the year's last day."""
    return (
        build_definitions(project.settings)
        .resolve_job_def(SEGMENT)
        .execute_in_process(instance=instance, raise_on_error=False, partition_key=YEAR_END.isoformat())
    )


def test_scores_stand_between_features_and_segments(project: Project) -> None:
    """Only segments that read scores wait for them."""
    graph = build_definitions(project.settings).resolve_asset_graph()
    assert graph.get(SCORES).parent_keys == {FEATURES}
    assert SCORES in graph.get(segment_key("likely_to_churn_60d")).parent_keys
    assert SCORES not in graph.get(segment_key("young_families")).parent_keys


@pytest.mark.requirement("AI-1", "TYP-16", "TYP-17")
def test_a_night_scores_and_segments(project: Project, instance: dg.DagsterInstance) -> None:
    """Every model with its people, mean and version as numbers, its card in short; all segments are there."""
    result = segment_job(project, instance)
    assert result.success
    assert {"features", "scores", "segment/likely_to_churn_60d", "segment/cluster_light"} <= made(result)
    shown = metadata(result, "scores")
    assert shown["churn_60d/people"] > 2_000
    assert 0.02 < shown["churn_60d/mean score"] < 0.06
    assert shown["clusters/version"] == 1
    assert "| auc | 0.8" in shown["models"]
    assert "| calibrated | passed |" in shown["models"]
    assert all(check.passed for check in result.get_asset_check_evaluations() if check.asset_key == SCORES)


def test_a_model_that_is_missing_stops_only_its_segments(
    project: Project, instance: dg.DagsterInstance
) -> None:
    """The step of scores goes on and its check says so; the segment fails with the command, others are computed."""
    shutil.rmtree(project.settings.state_dir / "models" / "churn_60d")
    result = segment_job(project, instance)
    assert not result.success
    done = made(result)
    assert {"scores", "segment/coupon_propensity", "segment/young_families"} <= done
    assert "segment/likely_to_churn_60d" not in done
    assert "turnout models train churn_60d" in failure(result)
    assert "turnout models train churn_60d" in metadata(result, "scores")["not scored"]
    (check,) = [one for one in result.get_asset_check_evaluations() if one.asset_key == SCORES]
    assert not check.passed
