"""What `turnout preview` says of a segment before a push is what the push then found."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.insight.previewing import preview
from pipelines.project import Project
from pipelines.settings import Settings
from tests.job.conftest import LAST, Job


@pytest.fixture
def project(job: Job) -> Project:
    """The job's warehouse and state after the last night, its accounts not set up any more."""
    return Project(
        Settings(
            _env_file=None,  # type: ignore[call-arg]
            home=job.home,
            segment_defs=Path(__file__).parents[2] / "segment_defs",
            today=LAST + timedelta(days=1),
        )
    )


@pytest.mark.requirement("SUR-3", "IDEA-12")
@pytest.mark.parametrize(
    "segment", ["lapsed_61_180", "vip_top5pct", "high_spenders_500", "affluent_households"]
)
def test_reach_is_what_the_push_found(project: Project, job: Job, segment: str) -> None:
    """Reachable and withheld by reason, at every destination whose push was not stopped."""
    night = job.nights[-1]
    pushed = night.deliveries | {name: one.delivery for name, one in (night.ads | night.email).items()}
    told = preview(project, segment)
    assert told.sized.size == len(night.segments[segment])
    for reach in told.reach:
        delivery = pushed[reach.destination, segment]
        withheld = {reason: n for reason, n in delivery.withheld.items() if reason != "pending_removal"}
        assert reach.withheld == withheld, reach.destination
        assert reach.total == delivery.desired == told.sized.size
    assert told.reach
