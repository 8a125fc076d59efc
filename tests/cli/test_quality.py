"""``turnout card``, ``coverage``, ``growth``, ``accept``, and the gate that new audiences pass."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pipelines.cli.exits import Exit
from tests.assets.shop import NEWEST, Shop, customer, ordered_on
from tests.cli.conftest import Turnout

RECENT = "select person_no\nfrom features\nwhere orders_ever >= 1\n  and person_no > 10"
FEW = "select person_no\nfrom features\nwhere orders_ever >= 1\n  and person_no <= 40"


@pytest.fixture
def gated(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The shop with the gate as it ships."""
    monkeypatch.setenv("TURNOUT_QUALITY_GATE", "block")
    return shop


def loaded(turnout: Turnout) -> None:
    """Sources and segments are in the warehouse."""
    for command in ("sources", "segments"):
        assert turnout(command).code == Exit.OK


@pytest.mark.requirement("QUA-1", "ACT-8")
def test_no_new_audience_of_too_few_people(gated: Shop, turnout: Turnout) -> None:
    """20 people are fewer than 50: nothing is opened or sent, the sentence names the way, it exits as guards do."""
    gated.segment("few", FEW, ["ads"])
    loaded(turnout)
    planned = turnout("plan", "few", "--json")
    assert (planned.code, planned.objects[0]["verdict"]) == (Exit.STOPPED, "unfit_segment")
    ran = turnout("sync", "few", "--json")
    (told,) = ran.objects
    assert ran.code == Exit.STOPPED
    assert (told["verdict"], told["requests"], told["added"], told["audience_id"]) == (
        "unfit_segment",
        0,
        0,
        None,
    )
    assert "(QUA-1)" in told["sentence"]
    assert "turnout accept few --rule QUA-1 --reason" in told["sentence"]
    assert not gated.members_file("ads", "few").exists()


@pytest.mark.requirement("QUA-1")
def test_it_goes_once_somebody_accepted_it(gated: Shop, turnout: Turnout) -> None:
    """Who, when and why are decisions like others; taken back, it counts no more for another new audience."""
    gated.segment("few", FEW, ["ads"])
    loaded(turnout)
    ran = turnout("accept", "few", "--rule", "qua-1", "--reason", "A pilot.", "--json")
    assert ran.code == Exit.OK, ran.err
    assert [(one["segment"], one["rule"], one["why"]) for one in ran.objects] == [
        ("few", "QUA-1", "A pilot.")
    ]
    decided = turnout("decisions", "--json").objects
    assert [(one["segment"], one["decision"], one["why"]) for one in decided] == [
        ("few", "accept QUA-1", "A pilot.")
    ]
    card = turnout("card", "few", "--replay", "0", "--json")
    assert (card.code, card.objects[0]["errors"]) == (Exit.OK, [])
    assert card.objects[0]["accepted"][0]["why"] == "A pilot."
    assert turnout("sync", "few").code == Exit.OK
    assert len(gated.members("ads", "few")) == 20
    assert turnout("accept", "few", "--rule", "QUA-1", "--reason", "Over.", "--withdraw").code == Exit.OK
    assert turnout("sync", "few").code == Exit.OK, "an audience that was made is never stopped by it"
    gated.segment("few", FEW, ["ads", "mail"])
    stopped = turnout("sync", "mail/few", "--json")
    assert (stopped.code, stopped.objects[0]["verdict"]) == (Exit.STOPPED, "unfit_segment")


@pytest.mark.requirement("QUA-1")
def test_what_was_accepted_is_of_the_segment_and_not_of_its_name(gated: Shop, turnout: Turnout) -> None:
    """A segment that is renamed before it was ever sent keeps what was accepted of it; taken back, it is gone."""
    path = gated.segment("few", FEW, ["ads"])
    assert turnout("accept", "few", "--rule", "QUA-1", "--reason", "A pilot.").code == Exit.OK
    renamed = path.with_name("pilot.sql")
    renamed.write_text(path.read_text().replace("owner =", 'formerly = "few"\nowner =', 1))
    path.unlink()
    loaded(turnout)
    assert turnout("plan", "pilot").code == Exit.OK
    assert turnout("accept", "pilot", "--rule", "QUA-1", "--reason", "Over.", "--withdraw").code == Exit.OK
    assert turnout("plan", "pilot").code == Exit.STOPPED


@pytest.mark.requirement("QUA-5")
def test_no_new_audience_of_the_same_people(gated: Shop, turnout: Turnout) -> None:
    """Two segments with the same sixty people: both are refused until one of the doubts is accepted."""
    gated.segment("again", "select distinct person_no\nfrom orders", ["ads"])
    loaded(turnout)
    ran = turnout("sync", "again", "--json")
    assert ran.code == Exit.STOPPED
    assert "the same people as buyers" in ran.objects[0]["sentence"]
    wrong = turnout("accept", "again", "--rule", "QUA-1", "--reason", "Not that one.")
    assert wrong.code == Exit.OK
    assert turnout("sync", "again").code == Exit.STOPPED
    assert turnout("accept", "again", "--rule", "QUA-5", "--reason", "Two letters.").code == Exit.OK
    assert turnout("sync", "again").code == Exit.OK


@pytest.mark.requirement("QUA-3", "MIS-6")
def test_no_new_audience_of_nobody_that_can_be_sent(gated: Shop, turnout: Turnout) -> None:
    """Everybody in it wants nothing any more: an audience would be empty."""
    gated.segment("all_gone", "select person_no\nfrom features\nwhere person_no > 60", ["ads"])
    gated.opt_out(*range(120))
    loaded(turnout)
    ran = turnout("sync", "all_gone", "--json")
    assert ran.code == Exit.STOPPED
    assert "nobody can be sent to ads (QUA-3)" in ran.objects[0]["sentence"]


@pytest.mark.requirement("QUA-1")
def test_audiences_that_exist_go_on(pushed: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty browsers are too few for a new audience; the one that is there follows its segment all the same."""
    monkeypatch.setenv("TURNOUT_QUALITY_GATE", "block")
    pushed.opt_out(0)
    for command in ("sources", "segments", "sync"):
        assert turnout(command).code == Exit.OK
    assert customer(0) not in pushed.members("mail", "browsers")
    assert pushed.members("mail", "browsers") == pushed.browsers()


@pytest.mark.requirement("QUA-1")
def test_a_gate_that_warns_stops_nothing(
    shop: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``warn`` leaves it to lint and card, which tell; another word is no setting."""
    loaded(turnout)
    assert turnout("sync", "browsers").code == Exit.OK
    assert turnout("lint", "browsers").code == Exit.USAGE
    monkeypatch.setenv("TURNOUT_QUALITY_GATE", "perhaps")
    assert turnout("sync").code == Exit.USAGE


@pytest.mark.requirement("QUA-1")
def test_what_can_be_accepted_is_known(shop: Shop, turnout: Turnout) -> None:
    """A rule or a segment that is none is named with the nearest; a reason is needed."""
    assert turnout("accept", "buyers", "--rule", "QUA-4", "--reason", "x").code == Exit.USAGE
    wrong = turnout("accept", "buyer", "--rule", "QUA-1", "--reason", "x")
    assert (wrong.code, "did you mean 'buyers'?" in wrong.err) == (Exit.USAGE, True)
    assert turnout("accept", "buyers", "--rule", "QUA-1", "--reason", " ").code == Exit.USAGE


@pytest.mark.requirement("QUA-3", "DEF-7", "IDEA-8")
def test_a_card_tells_size_and_reach(shop: Shop, turnout: Turnout) -> None:
    """Size as a share of the universe, and for each destination whom it could be sent and why not the others."""
    shop.segment("recent", RECENT, ["ads"])
    loaded(turnout)
    ran = turnout("card", "recent", "--replay", "5", "--json")
    assert ran.code == Exit.OK, ran.err
    (told,) = ran.objects
    assert (told["size"], told["universe"], told["share"], told["computed"]) == (
        55,
        120,
        round(55 / 120, 6),
        NEWEST.isoformat(),
    )
    assert [one["id"] for one in told["criteria"]] == [f"QUA-{n}" for n in range(1, 13)]
    (reach,) = told["reach"]
    assert (reach["reachable"], reach["withheld"], reach["share"]) == (
        54,
        {"unsubscribed": 1},
        round(54 / 55, 6),
    )
    durable = told["criteria"][3]
    assert durable["verdict"] in ("pass", "warn")
    assert durable["measured"] is not None, "five days were replayed"
    shown = turnout("card", "recent", "--replay", "0")
    assert "55 people, 45.8% of 120 customers" in " ".join(shown.out.split())
    assert "substantial" in shown.out


@pytest.mark.requirement("QUA-11", "MIS-8", "ACT-7")
def test_coverage_tells_what_is_left_out(shop: Shop, turnout: Turnout) -> None:
    """People in no segment, segments nobody ever got, and one too small with the nearest wider rule."""
    shop.segment("rich", "select person_no\nfrom features\nwhere spend_90d >= 110", ["ads"])
    loaded(turnout)
    ran = turnout("coverage", "--json")
    assert ran.code == Exit.OK, ran.err
    (told,) = ran.objects
    in_one = {n for n in range(120) if n % 2 or n % 3 == 0}
    assert (told["universe"], told["nowhere"]) == (120, 120 - len(in_one))
    assert set(told["never_activated"]) == {"browsers", "buyers", "rich", "spenders"}
    small = {one["segment"]: one for one in told["small"]}
    assert small["rich"]["size"] == 10
    assert small["rich"]["nearest"]["says"].startswith("spend_90d >= ")
    assert small["rich"]["nearest"]["size"] >= 50
    assert turnout("sync").code == Exit.OK
    assert turnout("coverage", "--json").objects[0]["never_activated"] == []
    assert "are in none of 4 segments" in turnout("coverage").out


@pytest.mark.requirement("FRE-3", "SUR-5")
def test_growth_tells_every_computed_day(shop: Shop, turnout: Turnout) -> None:
    """Four more people order on each of the last days; a segment that was never computed says so."""
    loaded(turnout)
    assert turnout("segments", "buyers", "--as-of", "2017-12-29").code == Exit.OK
    told = turnout("growth", "buyers", "--json").objects
    assert [(one["as_of"], one["size"]) for one in told] == [("2017-12-29", 52), (NEWEST.isoformat(), 60)]
    assert [(one["entered"], one["left"]) for one in told] == [(0, 0), (8, 0)]
    assert "▁█ 52 people" in turnout("growth", "buyers").out
    shop.segment("new", FEW, [])
    assert "never computed" in turnout("growth", "new").out


@pytest.mark.requirement("FRE-3", "PRI-3")
def test_growth_tells_what_its_people_are_like_and_what_they_did(
    shop: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the rule looks at, on average, and the goal metric of days whose window is over; nothing of a few people."""
    path = shop.segment("known", "select person_no\nfrom features\nwhere orders_ever >= 0", [])
    path.write_text(path.read_text().replace("repeat_purchase_rate_30d", "retention_2d"))
    loaded(turnout)
    for n in (4, 3, 2):
        assert turnout("segments", "known", "--as-of", str(NEWEST - timedelta(days=n))).code == Exit.OK
    told = turnout("growth", "known", "--json").objects
    assert len(told) == 4
    buys = [ordered_on(n) for n in range(1, shop.people, 2)]
    for one in told:
        day = date.fromisoformat(one["as_of"])
        before, soon = sum(at <= day for at in buys), sum(0 < (at - day).days <= 2 for at in buys)
        assert one["composition"] == {"orders_ever": round(before / shop.people, 4)}
        over = day <= NEWEST - timedelta(days=2)
        assert one["goal_metric"] == (round(soon / shop.people, 4) if over else None)
    assert {one["goal_metric"] for one in told} > {None}
    out = " ".join(turnout("growth", "known").out.split())
    assert "orders_ever of its people, on average: ▁" in out
    assert "retention_2d afterwards, on average:" in out
    monkeypatch.setenv("TURNOUT_CELL_FLOOR", "1000")
    assert {str(one["composition"]) for one in turnout("growth", "known", "--json").objects} == {"{}"}


@pytest.mark.requirement("MIS-1", "MIS-4", "MIS-6")
def test_lint_tells_the_mistakes_in_words(shop: Shop, turnout: Turnout) -> None:
    """Each finding names the mistake that it is a sign of; below the table they are told once, with their segments."""
    shop.segment("nowhere", FEW, [])
    loaded(turnout)
    found = turnout("lint", "nowhere", "--json").objects
    assert {("QUA-1", "MIS-1"), ("ACT-7", "MIS-4")} <= {(one["rule"], one["mistake"]) for one in found}
    out = " ".join(turnout("lint", "nowhere").out.split())
    assert "MIS-1 over-segmentation: tiny groups cannot be tested (nowhere)" in out


@pytest.mark.requirement("DAT-13", "MIS-3")
def test_a_source_that_is_too_old_stops_what_reads_it(
    shop: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the next day orders are older than declared: not computed, not sent, which every command says."""
    shop.segment("recent", RECENT, ["ads"])
    loaded(turnout)
    assert turnout("sync", "recent").code == Exit.OK
    sources = shop.sources / "sources.toml"
    sources.write_text(sources.read_text().replace('"orders.csv"', '"orders.csv"\nmax_age_days = 0'))
    monkeypatch.setenv("TURNOUT_TODAY", "2018-01-03")
    assert turnout("sources").code == Exit.FAILED
    computed = turnout("segments", "recent")
    assert computed.code == Exit.FAILED
    assert "its source orders could not be loaded" in " ".join(computed.err.split())
    pushed = turnout("sync", "recent", "--json")
    assert (pushed.code, pushed.objects[0]["verdict"]) == (Exit.STOPPED, "stale_segment")
    card = turnout("card", "recent", "--replay", "0", "--json").objects[0]
    assert card["data"] == "bad"
    found = {(one["rule"], one["severity"]) for one in card["findings"]}
    assert {("DAT-13", "error"), ("FRE-1", "warning")} <= found
