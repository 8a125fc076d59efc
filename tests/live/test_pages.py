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


def test_the_graph_shows_the_way_to_an_audience(live: Live, page: Browser, pictures: Path) -> None:
    """From the sources through people, features and segment to what would change and what is pushed."""
    page.open(
        f"{live.settings.dagster_url}/assets/audience/meta/buyers?view=lineage&lineageScope=upstream&lineageDepth=5",
        "features",
        "orders",
    )
    page.shoot(pictures / "lineage.png")


def test_a_segments_page_shows_its_rule_and_its_sizes(live: Live, page: Browser, pictures: Path) -> None:
    """Owner, SQL, and what became of each day."""
    address = f"{live.settings.dagster_url}/assets/segment/browsers"
    page.open(f"{address}?view=overview", "crm", "A newsletter about Browsers", "person_no")
    page.shoot(pictures / "segment.png")
    page.open(f"{address}?view=partitions", "2017-12-24")
    page.shoot(pictures / "segment-days.png")


def test_days_are_chosen_in_a_dialog(live: Live, page: Browser, pictures: Path) -> None:
    """The Materialize button of a segment asks which days."""
    page.open(f"{live.settings.dagster_url}/assets/segment/browsers?view=partitions", "2017-12-24")
    page.click("//button[contains(., 'Materialize')]")
    page.wait_for("Launch backfill")
    page.shoot(pictures / "backfill-dialog.png")


def test_backfills_are_listed_with_what_became_of_them(live: Live, page: Browser, pictures: Path) -> None:
    """Both backfills, with what they were of."""
    page.open(f"{live.settings.dagster_url}/runs?view=backfills", "3 partitions", "Success")
    page.shoot(pictures / "backfills.png")


def test_a_stopped_push_says_why_and_what_to_do(live: Live, page: Browser, pictures: Path) -> None:
    """The check's history shows the share, and the sentence with the word that lets it pass."""
    page.open(
        f"{live.settings.dagster_url}/assets/audience/meta/buyers?view=checks&checkDetail=removals",
        "removal share",
    )
    page.click("//*[text()='Execution history']")
    page.wait_for("would be removed")
    page.wait_for("accept_removals")
    page.shoot(pictures / "guard.png")


def test_the_launchpad_scaffolds_the_words_to_flip(live: Live, page: Browser, pictures: Path) -> None:
    """The arrow beside Materialize, Open launchpad: the configuration is there to be edited."""
    page.open(f"{live.settings.dagster_url}/assets/audience/meta/buyers?view=overview", "size held")
    page.click("(//button[contains(., 'Materialize')]/following::button)[1]")
    page.click("//*[text()='Open launchpad']")
    page.wait_for("accept_removals")
    page.shoot(pictures / "launchpad.png")


def test_a_push_is_watched_while_it_runs(live: Live, page: Browser, pictures: Path) -> None:
    """The run's page counts requests while they are answered."""
    slow = [{"effect": "delay", "platform": "meta", "method": "POST", "path": "*/users", "seconds": 3}]
    with live.faults(slow):
        run = live.dagster.materialize(["audience", "meta", "buyers"], config={"resync": True})
        page.open(f"{live.settings.dagster_url}/runs/{run}", "requests answered")
        page.shoot(pictures / "progress.png")
        assert live.dagster.wait(run) == "SUCCESS"


def test_adds_removes_size_and_rejected_are_plotted(live: Live, page: Browser, pictures: Path) -> None:
    """Every number of a push is a line over time on the audience's page."""
    page.open(f"{live.settings.dagster_url}/assets/audience/meta/buyers?view=events", "size held")
    page.shoot(pictures / "audience.png")
    page.open(f"{live.settings.dagster_url}/assets/audience/meta/buyers?view=overview", "size held")
    page.click("//button[contains(., 'Plots')]")
    for plotted in ("added", "removed", "size held", "rejected"):
        page.wait_for(plotted)
    page.show("//*[text()='added']")
    page.shoot(pictures / "plots.png")


def test_a_night_with_failures_goes_on_to_its_end(live: Live, page: Browser, pictures: Path) -> None:
    """The three runs of the broken night, one after another."""
    page.open(f"{live.settings.dagster_url}/runs", "deliver", "segment", "load", "Failure")
    page.shoot(pictures / "night.png")
