from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipelines.assets import audiences
from pipelines.assets.keys import audience_key, changes_key
from pipelines.project import Project
from tests.assets.dagster_room import Room, attempts, failed_checks, failure, made, metadata
from tests.assets.shop import BUYERS, TODAY, customer

THE_NEXT_DAY = TODAY + timedelta(days=1)
QUICK = dg.RetryPolicy(max_retries=2, delay=1)
FEW = "select distinct person_no\nfrom orders\nwhere total < 40"


def refuse(room: Room, destination: str, segment: str) -> Path:
    """The destination refuses one audience: its file can't be written."""
    kept = room.shop.members_file(destination, segment)
    kept.rename(kept.with_suffix(".kept"))
    kept.mkdir()
    return kept


def mend(kept: Path) -> None:
    """The destination works again."""
    kept.rmdir()
    kept.with_suffix(".kept").rename(kept)


def test_a_night_brings_every_audience_to_what_its_segment_wants(delivered: Room) -> None:
    """Load, segment and deliver one after another, over real stores."""
    assert delivered.shop.members("ads", "buyers") == delivered.shop.buyers()
    assert delivered.shop.members("mail", "buyers") == delivered.shop.buyers()
    assert delivered.shop.members("mail", "browsers") == delivered.shop.browsers()


def test_a_second_night_sends_nothing(delivered: Room) -> None:
    """Desired equals held, so there is nothing to send; the pages say so in numbers."""
    result = delivered.deliver()
    told = metadata(result, "audience/ads/buyers")
    assert (told["added"], told["removed"], told["requests"], told["size held"]) == (0, 0, 0, 59)


@pytest.mark.privacy("P27")
@pytest.mark.promise("closes", "quiet")
def test_the_page_accounts_for_everybody_without_naming_anybody(delivered: Room) -> None:
    """Added and withheld by reason add up to desired; batches have receipts; no identifier is in any metadata."""
    delivered.shop.opt_out(1)
    delivered.load()
    told = metadata(delivered.deliver(), "audience/ads/buyers")
    assert told["desired"] == 60
    assert told["removed"] == 1
    assert "| withheld: unsubscribed | 2 |" in str(told["everybody accounted for"])
    assert "| already there | 58 |" in str(told["everybody accounted for"])
    assert [(r.data["operation"], r.data["people"], r.data["state"]) for r in told["batches"].records] == [
        ("remove", 1, "applied")
    ]
    assert "@" not in str(told)
    assert customer(1) not in str(told)


def test_changes_are_shown_before_they_are_sent(delivered: Room) -> None:
    """In a delivery, the preview is made first and sends nothing by itself."""
    delivered.shop.opt_out(1)
    delivered.load()
    told = metadata(delivered.deliver(), "changes/ads/buyers")
    assert (told["adds"], told["removes"], told["of these, must go"]) == (0, 1, 1)


def test_one_audience_alone_leaves_its_neighbours_alone(delivered: Room) -> None:
    """The button on one page pushes that audience and no other."""
    delivered.shop.opt_out(1)
    delivered.load()
    assert made(delivered.materialize(audience_key("ads", "buyers"))) == {"audience/ads/buyers"}
    assert customer(1) not in delivered.shop.members("ads", "buyers")
    assert customer(1) in delivered.shop.members("mail", "buyers")


def test_a_tripped_guard_is_red_without_retries_and_its_neighbours_are_delivered(delivered: Room) -> None:
    """Too many would leave: nobody but opt-outs does, the check says why, the other audiences go on."""
    delivered.shop.segment("buyers", FEW, ["ads", "mail"])
    delivered.shop.opt_out(1)
    delivered.load()
    delivered.segment()
    result = delivered.deliver()
    assert made(result) >= {"audience/ads/spenders", "audience/mail/browsers", "changes/ads/buyers"}
    assert "audience/ads/buyers" not in made(result)
    assert ("audience/ads/buyers", "removals") in failed_checks(result)
    assert ("changes/ads/buyers", "removals") in failed_checks(result)
    assert "ads/buyers: 44 of 59 people (75%) would be removed" in failure(result)
    assert attempts(result) == 0
    assert delivered.shop.members("ads", "buyers") == delivered.shop.buyers()


def test_an_operator_lets_a_guard_pass_once_by_one_word(delivered: Room) -> None:
    """`accept_removals: true` in the launchpad; who and why are kept in the journal; the next run asks again."""
    delivered.shop.segment("buyers", FEW, ["ads", "mail"])
    delivered.segment()
    allowed = {"accept_removals": True, "who": "ada", "why": "new rule"}
    result = delivered.materialize(audience_key("ads", "buyers"), config=allowed)
    assert result.success
    assert len(delivered.shop.members("ads", "buyers")) == 15
    decision = Project(delivered.shop.settings()).record.decisions()[0]
    assert (decision.destination, decision.segment, decision.who, decision.why) == (
        "ads",
        "buyers",
        "ada",
        "new rule",
    )
    assert len(delivered.shop.members("mail", "buyers")) == 59


@pytest.mark.fault("F34", injected="members vanish behind our back", outcome="a resync sends everybody again")
def test_a_full_resync_sends_everybody_again(delivered: Room) -> None:
    """What was lost behind our back on the platform is there again afterwards."""
    delivered.shop.members_file("ads", "buyers").write_text("")
    assert delivered.deliver().success
    assert delivered.shop.members("ads", "buyers") == set()
    result = delivered.materialize(audience_key("ads", "buyers"), config={"resync": True})
    told = metadata(result, "audience/ads/buyers")
    assert (told["added"], told["kept"], told["sent again"]) == (0, 59, 59)
    assert delivered.shop.members("ads", "buyers") == delivered.shop.buyers()


def test_a_missing_credential_waits_for_a_person(delivered: Room) -> None:
    """Trying again would meet the same missing credential: the step is red at once, naming the variable."""
    delivered.shop.destinations["social"] = "meta"
    delivered.shop.segment("buyers", BUYERS, ["ads", "social"])
    delivered.segment()
    result = delivered.deliver()
    assert "social/buyers: social: set TURNOUT_SOCIAL_" in failure(result)
    assert attempts(result) == 0
    assert "audience/ads/buyers" in made(result)


def test_one_audience_that_fails_never_stops_the_others(
    delivered: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform refuses one audience: the others are delivered and shown, the step is red with its name."""
    monkeypatch.setattr(audiences, "PUSH_RETRIES", dg.RetryPolicy(max_retries=1, delay=0))
    refuse(delivered, "ads", "buyers")
    delivered.shop.opt_out(1)
    delivered.load()
    result = delivered.deliver()
    assert {"audience/ads/spenders", "audience/mail/buyers", "audience/mail/browsers"} <= made(result)
    assert failure(result) == (
        "1 of 1 audiences were not brought up to date; the others were.\n- ads/buyers: the disk refused: Is a directory"
    )


@pytest.mark.promise("bounded")
def test_a_retry_repeats_only_what_is_missing(delivered: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform recovers between two attempts: the second pushes the one audience that had no receipt."""
    monkeypatch.setattr(audiences, "PUSH_RETRIES", QUICK)
    kept = refuse(delivered, "ads", "buyers")
    delivered.shop.opt_out(1, 7)
    delivered.load()

    def recover() -> None:
        time.sleep(0.5)
        mend(kept)

    recovery = threading.Thread(target=recover)
    monkeypatch.setattr(audiences, "_failure", _then(recovery.start, audiences._failure))
    result = delivered.materialize(audience_key("ads", "buyers"), audience_key("ads", "spenders"))
    recovery.join()
    assert result.success
    assert attempts(result) == 1
    materialized = [e.materialization.asset_key for e in result.get_asset_materialization_events()]
    assert materialized == [audience_key("ads", "spenders"), audience_key("ads", "buyers")]
    assert delivered.shop.members("ads", "buyers") == delivered.shop.buyers()


def _then(first, wrapped):  # type: ignore[no-untyped-def]
    """Call ``first`` once the step knows that it failed, then go on as it would."""

    def both(*args):  # type: ignore[no-untyped-def]
        first()
        return wrapped(*args)

    return both


@pytest.mark.privacy("P05")
def test_an_audience_of_a_broken_segment_still_loses_its_opt_outs(delivered: Room) -> None:
    """Its file is broken: nobody new is added or removed, but who opted out leaves, and the page says why."""
    delivered.shop.segment("buyers", "select person_no\nfrom ordres", ["ads", "mail"])
    delivered.shop.opt_out(1)
    results = delivered.night()
    assert [result.success for result in results] == [True, False, False]
    for destination in ("ads", "mail"):
        assert delivered.shop.members(destination, "buyers") == delivered.shop.buyers()
    assert "its file is broken, so only opt-outs are removed" in failure(results[2])
    assert {"audience/ads/spenders", "audience/mail/browsers"} <= made(results[2])
    assert ("audience/ads/buyers", "fresh") in failed_checks(results[2])


@pytest.mark.privacy("P05", "P07")
def test_an_audience_of_a_deleted_segment_still_loses_its_opt_outs(delivered: Room) -> None:
    """Deleting a file never leaves people targeted silently: the audience stays in the graph and is red."""
    (delivered.shop.segment_defs / "buyers.sql").unlink()
    delivered.shop.opt_out(1)
    results = delivered.night()
    assert [result.success for result in results] == [True, True, False]
    assert delivered.shop.members("ads", "buyers") == delivered.shop.buyers()
    assert "there is no buyers.sql any more" in failure(results[2])


def test_a_broken_source_stops_only_the_audiences_of_its_segments(delivered: Room) -> None:
    """Browsers read web_events, which did not come: they lose their opt-outs; buyers get their full difference."""
    delivered.shop.break_source("web_events")
    delivered.shop.opt_out(1, 3)
    delivered.shop.segment("buyers", BUYERS + "\nwhere total < 120", ["ads", "mail"])
    delivered.today = THE_NEXT_DAY
    results = delivered.night()
    assert [result.success for result in results] == [False, False, False]
    assert delivered.shop.members("mail", "browsers") == delivered.shop.browsers()
    wanted = {customer(n) for n in range(110) if n % 2} - {customer(n) for n in delivered.shop.gone}
    assert delivered.shop.members("mail", "buyers") == wanted
    assert "mail/browsers: the newest segment is of 2017-12-31, but 2018-01-01 was due" in failure(results[2])
    assert "mail/buyers" not in failure(results[2])


@pytest.mark.privacy("P11")
@pytest.mark.bad_input("B54")
def test_unreadable_opt_outs_let_nobody_in(delivered: Room) -> None:
    """Who opted out since can't be known, so nobody is added anywhere; those known to have left still leave."""
    delivered.shop.opt_out(1)
    delivered.load()
    delivered.shop.break_source("suppressions")
    delivered.shop.segment("browsers", "select person_no\nfrom features", ["mail"])
    results = delivered.night()
    assert [result.success for result in results] == [False, True, False]
    assert delivered.shop.members("mail", "browsers") == delivered.shop.browsers()
    assert customer(1) not in delivered.shop.members("ads", "buyers")
    assert "the opt-outs of suppressions could not be read" in failure(results[2])


@pytest.mark.fault("F60", injected="the newest day could not be computed", outcome="only opt-outs move")
def test_a_stale_segment_loses_its_opt_outs_and_nothing_else(delivered: Room) -> None:
    """The segment's query fails on the newest day: yesterday's result stays, its audience is red."""
    delivered.shop.opt_out(1)
    delivered.today = THE_NEXT_DAY
    unruly = "select person_no\nfrom orders\nwhere cast(order_id as integer) > 0"
    delivered.shop.segment("buyers", unruly, ["ads", "mail"])
    results = delivered.night()
    assert "but 2018-01-01 was due" in failure(results[2])
    assert delivered.shop.members("ads", "buyers") == delivered.shop.buyers()


def test_a_check_that_is_executed_alone_compares_and_pushes_nothing(delivered: Room) -> None:
    """The Execute button of a check, on either asset of an audience, sends nothing."""
    delivered.shop.segment("buyers", FEW, ["ads", "mail"])
    delivered.segment()
    for key in (audience_key("ads", "buyers"), changes_key("ads", "buyers")):
        chosen = dg.AssetSelection.checks(dg.AssetCheckKey(key, "removals"))
        job = dg.define_asset_job("only_a_check", selection=chosen)
        definitions = dg.Definitions.merge(delivered.definitions, dg.Definitions(jobs=[job]))
        result = definitions.resolve_job_def("only_a_check").execute_in_process(instance=delivered.instance)
        assert failed_checks(result) == {(key.to_user_string(), "removals")}
        assert made(result) == set()
    assert delivered.shop.members("ads", "buyers") == delivered.shop.buyers()
