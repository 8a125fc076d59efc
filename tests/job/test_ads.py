"""The main job on the ad platforms besides Meta: each holds exactly its people, by its own rule, every night."""

from __future__ import annotations

import pytest

from pipelines.delivery.guards import Guard
from tests.job.conftest import Job, Night
from tests.job.independent import AD_EMAILS

AUDIENCES = {
    "criteo": 2, "google": 4, "linkedin": 2, "microsoft": 2, "pinterest": 2, "reddit": 2, "snapchat": 2, "tiktok": 3,
}  # fmt: skip


@pytest.mark.requirement("SUR-12")
@pytest.mark.promise("converges", "never_claimed")
@pytest.mark.privacy("P01")
@pytest.mark.parametrize("platform", AD_EMAILS)
def test_platforms_hold_exactly_the_desired(night: Night, platform: str) -> None:
    """By e-mail, hashed as each platform wants it: whoever is wanted and permitted is there, and nobody else."""
    mine = {segment: one for (name, segment), one in night.ads.items() if name == platform}
    assert len(mine) == AUDIENCES[platform]
    for segment, one in mine.items():
        if one.delivery.verdict == Guard.POLICY:
            assert not one.held, segment
            continue
        assert one.delivery.ok, one.delivery.errors
        assert one.held == one.wanted, segment
        assert one.wanted, "an audience without anybody proves nothing"


@pytest.mark.requirement("IDEA-9")
def test_one_audience_is_refused_by_policy(night: Night) -> None:
    """The wellness segment hints at health: Google gets nobody, and the sentence names the rule."""
    refused = {name: one.delivery for name, one in night.ads.items() if one.delivery.verdict == Guard.POLICY}
    assert set(refused) == {("google", "organic_wellness")}
    [delivery] = refused.values()
    assert (delivery.requests, delivery.audience_id, delivery.ok) == (0, None, True)
    assert "health" in delivery.sentence


def test_the_second_night_sends_nothing(job: Job) -> None:
    """Nothing changed: no batch is sent to any of them, whether it answers at once or later."""
    assert {one.delivery.requests for one in job.nights[1].ads.values()} == {0}


@pytest.mark.requirement("SUR-13")
def test_too_few_people_are_told_of(job: Job) -> None:
    """Where a platform would not use so small an audience, the run says so, and is no failure."""
    reddit = job.nights[0].ads["reddit", "rfm_champions"].delivery
    assert reddit.notes == ("Reddit does not use audiences of fewer than 1,000 matched people",)
    assert job.nights[0].ads["google", "high_spenders_500"].delivery.notes == ()
