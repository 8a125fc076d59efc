"""The main job on the email tools besides Mailchimp: each holds exactly its people, and nobody's consent changes."""

from __future__ import annotations

import pytest

from pipelines.cli.demo import EMAIL_TOOLS
from tests.job.conftest import Job, Night

AUDIENCES = {"hubspot": 1, "klaviyo": 1}


@pytest.mark.promise("converges", "never_claimed")
@pytest.mark.parametrize("tool", EMAIL_TOOLS)
def test_email_tools_hold_exactly_the_desired(night: Night, tool: str) -> None:
    """Whoever is wanted, permitted and known to the tool is there, and nobody else."""
    mine = [one for (name, _), one in night.email.items() if name == tool]
    assert len(mine) == AUDIENCES[tool]
    for one in mine:
        assert one.delivery.ok, one.delivery.errors
        assert one.held == one.wanted
        assert one.wanted, "an audience without anybody proves nothing"


@pytest.mark.requirement("TYP-21", "AI-3")
def test_members_are_described_as_declared(night: Night) -> None:
    """Klaviyo knows of every member what the features say that day, and of nobody anything else."""
    lapsed = night.email["klaviyo", "lapsed_61_180"]
    assert lapsed.told == lapsed.wanted_told
    assert any("Home store" in told for told in lapsed.told.values())
    assert not any(night.email["hubspot", "vip_top5pct"].wanted_told.values()), "nothing is declared there"


def test_the_second_night_sends_nothing(job: Job) -> None:
    """Nothing changed, nobody's attributes either: no batch is sent."""
    assert {one.delivery.requests for one in job.nights[1].email.values()} == {0}


@pytest.mark.privacy("P12", "P22")
def test_nobody_agreed_to_anything(job: Job) -> None:
    """Three nights, and the consent of nobody changed at any of the tools."""
    assert job.consent_changes == []
