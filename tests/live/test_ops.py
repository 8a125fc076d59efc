"""What operators do in the UI, against a running webserver and daemon. The tests follow one another on one instance,
as days do; each says what it found at its beginning."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pipelines.project import Project
from tests.assets.shop import BUYERS, NEWEST, customer
from tests.live.conftest import Live
from tests.live.dagster_api import until

pytestmark = pytest.mark.live

OLD_DAYS = ["2017-12-22", "2017-12-23", "2017-12-24"]
FEW = f"{BUYERS}\nwhere total < 60"
PEOPLE = (["source", "suppressions"], ["people"], ["consents"], ["suppressions"])


def email(number: int) -> str:
    return f"{customer(number)}@example.com"


def test_a_night_is_three_runs_one_after_another(live: Live) -> None:
    """Load is launched; segment and deliver follow by themselves, and both platforms have exactly whom they should."""
    assert live.night() == {"load": "SUCCESS", "segment": "SUCCESS", "deliver": "SUCCESS"}
    assert live.emails("Buyers") == {f"{person}@example.com" for person in live.shop.buyers()}
    assert live.emails("Browsers") == {f"{person}@example.com" for person in live.shop.browsers()}
    assert live.size("meta", "Buyers") == len(live.shop.buyers())


@dataclass(frozen=True)
class Backfills:
    """Two backfills over the same old days, and what stood before them."""

    segments: str
    with_audience: str
    requests_to_mailchimp: int
    pushes_to_meta: int


@pytest.fixture(scope="module")
def backfills(live: Live) -> Backfills:
    """One of two segments alone, one of a segment together with its audience; both at once, to save the waiting."""
    before = live.pushes("mailchimp"), len(live.dagster.materializations("audience", "meta", "buyers"))
    return Backfills(
        live.dagster.backfill([["segment", "browsers"], ["segment", "spenders"]], OLD_DAYS),
        live.dagster.backfill([["segment", "buyers"], ["audience", "meta", "buyers"]], OLD_DAYS),
        *before,
    )


def test_backfilling_days_of_segments_leaves_the_platforms_untouched(
    live: Live, backfills: Backfills
) -> None:
    """A range of old days is computed, each in a run of its own; nothing is pushed for them."""
    assert live.dagster.wait_backfill(backfills.segments) == "COMPLETED_SUCCESS"
    for segment in ("browsers", "spenders"):
        days = {m["partition"] for m in live.dagster.materializations("segment", segment)}
        assert days == {*OLD_DAYS, NEWEST.isoformat()}
    assert live.pushes("mailchimp") == backfills.requests_to_mailchimp
    assert len(live.dagster.materializations("audience", "meta", "spenders")) == 1


def test_backfilling_segments_with_their_audience_pushes_once_and_the_newest_day(
    live: Live, backfills: Backfills
) -> None:
    """However many old days are selected, one run pushes, after them all, what the newest day wants."""
    assert live.dagster.wait_backfill(backfills.with_audience) == "COMPLETED_SUCCESS"
    runs = live.dagster.runs(tags={"dagster/backfill": backfills.with_audience})
    assert [run["status"] for run in runs] == ["SUCCESS"] * (len(OLD_DAYS) + 1)
    days = {m["partition"]: m["people"] for m in live.dagster.materializations("segment", "buyers")}
    assert days["2017-12-22"] < days["2017-12-23"] < days["2017-12-24"] < days[NEWEST.isoformat()]
    pushes = live.dagster.materializations("audience", "meta", "buyers")
    assert len(pushes) == backfills.pushes_to_meta + 1
    assert (pushes[0]["as of"], pushes[0]["added"], pushes[0]["removed"]) == (NEWEST.isoformat(), 0, 0)
    assert pushes[0]["run"] == runs[0]["runId"]
    assert live.size("meta", "Buyers") == len(live.shop.buyers())


def test_one_audience_is_pushed_alone(live: Live) -> None:
    """Somebody opts out; the audience whose button is pressed loses them, its neighbours wait for the night."""
    live.shop.opt_out(9)
    assert live.dagster.wait(live.dagster.materialize(*PEOPLE)) == "SUCCESS"
    assert live.dagster.wait(live.dagster.materialize(["audience", "mailchimp", "buyers"])) == "SUCCESS"
    assert email(9) not in live.emails("Buyers")
    assert email(9) in live.emails("Browsers")
    assert live.size("meta", "Buyers") == len(live.shop.buyers()) + 1


def test_a_guard_is_let_pass_once(live: Live) -> None:
    """A new rule would remove most people: red, nobody but the opted out leaves; accepted by one word, they go."""
    live.shop.segment("buyers", FEW, ["meta", "mailchimp"])
    partition = {"dagster/partition": NEWEST.isoformat()}
    assert live.dagster.wait(live.dagster.launch("segment", tags=partition)) == "SUCCESS"
    held = live.size("meta", "Buyers")
    stopped = live.dagster.materialize(["audience", "meta", "buyers"])
    assert live.dagster.wait(stopped) == "FAILURE"
    assert live.size("meta", "Buyers") == held - 1
    assert any(
        "if that is right, run this audience with accept_removals" in line
        for line in live.dagster.log(stopped)
    )
    allowed = {"accept_removals": True, "who": "ada", "why": "only small baskets this winter"}
    accepted = live.dagster.materialize(["audience", "meta", "buyers"], config=allowed)
    assert live.dagster.wait(accepted) == "SUCCESS"
    assert live.size("meta", "Buyers") == 24
    assert [(d.who, d.why) for d in Project(live.settings).record.decisions()] == [
        ("ada", "only small baskets this winter")
    ]


@pytest.mark.privacy("P07", "P27")
def test_a_failed_run_is_told_to_the_webhook(live: Live) -> None:
    """The stopped push arrives as JSON: the run's address, the asset, the sentence; nobody's data, not the address."""
    told = until(lambda: list(live.alerts), 60, "the alert")[0]
    assert told["failing_assets"] == ["audience/meta/buyers"]
    assert told["run_url"] == f"{live.settings.dagster_url}/runs/{told['run_id']}"
    assert "people (" in told["error"]
    assert "@example.com" not in str(told)
    assert live.settings.alert_webhook is not None
    assert live.settings.alert_webhook.get_secret_value() not in live.dagster_log()


def test_a_full_resync_is_watched_while_it_runs(live: Live) -> None:
    """Everybody is sent again, those who just left are asked out again, and no guard minds; how far it is can be
    read in the run's log and in `turnout status` meanwhile."""
    slow = [{"effect": "delay", "platform": "meta", "method": "POST", "path": "*/users", "seconds": 3}]
    with live.faults(slow):
        run = live.dagster.materialize(["audience", "meta", "buyers"], config={"resync": True})
        moving = until(
            lambda: [m for m in Project(live.settings).record.under_way() if m.settled],
            60,
            "the first receipt",
        )
        assert (moving[0].destination, moving[0].segment) == ("meta", "buyers")
        assert 0 < moving[0].settled < moving[0].batches
        line = until(
            lambda: [
                line
                for line in live.dagster.log(run)
                if "meta/buyers: remove, 1 of 10 requests answered" in line
            ],
            30,
            "a line of progress",
        )
        assert line
        assert live.dagster.run(run)["status"] == "STARTED"
        assert live.dagster.wait(run) == "SUCCESS"
    newest = live.dagster.materializations("audience", "meta", "buyers")[0]
    assert (newest["added"], newest["kept"], newest["size held"]) == (0, 24, 24)


def test_what_was_done_is_plotted(live: Live) -> None:
    """Adds, removes, size and rejected rows are numbers of each push, which Dagster draws over time."""
    pushes = live.dagster.materializations("audience", "meta", "buyers")
    assert len(pushes) >= 4
    for push in pushes:
        assert all(isinstance(push[label], int) for label in ("added", "removed", "size held", "rejected"))
    assert [push["size held"] for push in pushes][-1] == len(live.shop.buyers()) + 1
    shares = live.dagster.check_figures("removals", "removal share", "audience", "meta", "buyers")
    assert max(shares) > 0.7


def test_a_broken_source_and_a_broken_segment_stop_their_own_and_no_opt_out(live: Live) -> None:
    """The next day, web_events does not come and spenders.sql has a slip. Browsers and spenders lose their opt-outs
    and nothing else; buyers get their full difference; the night goes on to its end, red where something failed."""
    live.next_day()
    live.shop.break_source("web_events")
    live.shop.segment("spenders", "select person_no\nfrom ordres", ["meta"])
    live.shop.segment("buyers", f"{BUYERS}\nwhere total < 70", ["meta", "mailchimp"])
    spenders = live.size("meta", "Spenders")
    live.shop.opt_out(21, 201)
    assert live.night() == {"load": "FAILURE", "segment": "FAILURE", "deliver": "FAILURE"}
    gone = {email(n) for n in live.shop.gone}
    assert live.emails("Browsers") == {f"{person}@example.com" for person in live.shop.browsers()}
    assert live.size("meta", "Spenders") == spenders - 1  # of the two, 201 is among them
    assert live.size("meta", "Buyers") == len({n for n in range(60) if n % 2} - live.shop.gone)
    assert not live.emails("Buyers") & gone
    assert live.made_in_newest("segment") == {"features", "segment/buyers"}
