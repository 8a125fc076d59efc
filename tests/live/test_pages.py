"""The pages that `docs/operations.md` shows, opened in a real browser on the instance of the other live tests.

With TURNOUT_SCREENSHOTS set to a folder, the pictures are kept there: that is how the ones in the docs are made.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import require
from tests.live.browser import BROWSER, DRIVER, Browser, browser
from tests.live.conftest import Live, free_port

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def page() -> Iterator[Browser]:
    """A browser."""
    require(BROWSER and DRIVER, "chromium and chromedriver are not installed")
    with browser(free_port()) as window:
        yield window


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures go."""
    wanted = os.environ.get("TURNOUT_SCREENSHOTS")
    return Path(wanted).resolve() if wanted else tmp_path_factory.mktemp("pictures")


def test_the_graph_shows_sources_segments_and_destinations(live: Live, page: Browser, pictures: Path) -> None:
    """One box a group, with the line from source to audience."""
    page.open(f"{live.settings.dagster_url}/asset-groups", "segments", "meta", "mailchimp", "sources")
    page.shoot(pictures / "graph.png")


def test_a_segments_page_shows_its_rule_and_its_sizes(live: Live, page: Browser, pictures: Path) -> None:
    """Owner, SQL, and the size of each computed day."""
    address = f"{live.settings.dagster_url}/assets/segment/browsers"
    page.open(f"{address}?view=overview", "team:crm", "A newsletter about Browsers", "person_no")
    page.shoot(pictures / "segment.png")
    page.open(f"{address}?view=partitions", "2017-12-24")
    page.shoot(pictures / "segment-days.png")


def test_days_are_chosen_in_a_dialog(live: Live, page: Browser, pictures: Path) -> None:
    """The Materialize button of a segment asks which days."""
    page.open(f"{live.settings.dagster_url}/assets/segment/browsers?view=partitions", "2017-12-24")
    page.click("//button[contains(., 'Materialize')]")
    page.wait_for("Missing")
    page.shoot(pictures / "backfill-dialog.png")


def test_backfills_are_listed_with_what_became_of_them(live: Live, page: Browser, pictures: Path) -> None:
    """Both backfills, completed."""
    page.open(f"{live.settings.dagster_url}/runs/backfills", "Completed")
    page.shoot(pictures / "backfills.png")


def test_a_stopped_push_says_why_and_what_to_do(live: Live, page: Browser, pictures: Path) -> None:
    """The run of the tripped guard shows the sentence with the word that lets it pass."""
    stopped = next(r for r in live.dagster.runs("__ASSET_JOB") if r["status"] == "FAILURE")
    page.open(f"{live.settings.dagster_url}/runs/{stopped['runId']}", "accept_removals")
    page.shoot(pictures / "guard.png")


def test_the_launchpad_scaffolds_the_words_to_flip(live: Live, page: Browser, pictures: Path) -> None:
    """Materialize, the arrow beside it, Open launchpad: the configuration is there to be edited."""
    page.open(f"{live.settings.dagster_url}/assets/audience/meta/buyers", "audience / meta / buyers")
    page.click(
        "//button[contains(., 'Materialize')]/following-sibling::*//button | //button[contains(., 'Materialize')]/following::button[1]"
    )
    page.click("//*[contains(text(), 'Open launchpad')]")
    page.wait_for("accept_removals")
    page.shoot(pictures / "launchpad.png")


def test_a_push_is_watched_while_it_runs(live: Live, page: Browser, pictures: Path) -> None:
    """The run's page counts requests while they are answered."""
    slow = [{"effect": "delay", "platform": "meta", "method": "POST", "path": "*/users", "seconds": 3}]
    with live.faults(slow):
        run = live.dagster.materialize(["audience", "meta", "buyers"], config={"resync": True})
        page.open(f"{live.settings.dagster_url}/runs/{run}", "requests answered")
        page.shoot(pictures / "progress.png")
        live.dagster.wait(run)


def test_adds_removes_size_and_rejected_are_plotted(live: Live, page: Browser, pictures: Path) -> None:
    """Every number of a push is a line over time on the audience's page."""
    page.open(f"{live.settings.dagster_url}/assets/audience/meta/buyers?view=events", "size held")
    page.shoot(pictures / "audience.png")
    page.open(f"{live.settings.dagster_url}/assets/audience/meta/buyers?view=plots", "size held", "rejected")
    page.shoot(pictures / "plots.png")
    page.open(f"{live.settings.dagster_url}/assets/audience/meta/buyers?view=checks", "removals")
    page.shoot(pictures / "checks.png")


def test_a_night_with_failures_shows_what_was_made_all_the_same(
    live: Live, page: Browser, pictures: Path
) -> None:
    """The three runs of the broken night, one after another."""
    page.open(f"{live.settings.dagster_url}/runs", "deliver", "segment", "load")
    page.shoot(pictures / "night.png")
