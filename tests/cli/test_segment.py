"""``turnout explain`` and ``turnout preview``: one segment looked at, in words and for machines."""

from __future__ import annotations

import pytest

from pipelines.cli.exits import Exit
from tests.assets.shop import NEWEST, Shop, customer
from tests.cli.conftest import Turnout


@pytest.mark.requirement("SUR-1")
def test_a_member_is_explained(shop: Shop, turnout: Turnout) -> None:
    """In since when, each condition with its values, and what every audience makes of it."""
    shop.segment(
        "recent", "select person_no\nfrom features\nwhere orders_ever >= 1\n  and orders_90d >= 1", ["ads"]
    )
    for command in ("sources", "segments", "sync"):
        assert turnout(command).code == Exit.OK
    ran = turnout("explain", customer(1), "recent", "--json")
    assert ran.code == Exit.OK, ran.err
    (told,) = ran.objects
    assert (told["member"], told["since"], told["as_of"]) == (True, NEWEST.isoformat(), NEWEST.isoformat())
    assert [one["condition"] for one in told["conditions"]] == ["orders_ever >= 1", "orders_90d >= 1"]
    assert all(one["holds"] and next(iter(one["values"].values())) >= 1 for one in told["conditions"])
    assert [one["audience"] for one in told["audiences"]] == ["ads/recent"]
    shown = turnout("explain", customer(1), "recent")
    assert f"In recent on {NEWEST}, since {NEWEST}." in shown.out
    assert "orders_90d >= 1" in shown.out


def test_somebody_outside_is_explained(shop: Shop, turnout: Turnout) -> None:
    """Which condition is not met, and the value that it met instead; the person is not named."""
    shop.segment("recent", "select person_no\nfrom features\nwhere orders_ever >= 1", [])
    assert turnout("sources").code == Exit.OK
    ran = turnout("explain", customer(0), "recent")
    assert ran.code == Exit.OK, ran.err
    assert "1 of 1 conditions not met" in ran.out
    assert "orders_ever = 0" in ran.out
    assert customer(0) not in ran.out


def test_sql_that_is_no_list_is_left_whole(shop: Shop, turnout: Turnout) -> None:
    """Then only the answer is given."""
    assert turnout("sources").code == Exit.OK
    ran = turnout("explain", customer(1), "buyers")
    assert "In buyers on" in ran.out
    assert "not taken apart" in ran.out


def test_unknown_names_are_told(shop: Shop, turnout: Turnout) -> None:
    """A segment has its nearest name; a person's key is never repeated."""
    assert turnout("sources").code == Exit.OK
    wrong = turnout("explain", customer(1), "buyer")
    assert (wrong.code, "did you mean 'buyers'?" in wrong.err) == (Exit.USAGE, True)
    nobody = turnout("explain", "nobody-at-all", "buyers")
    assert (nobody.code, "nobody-at-all" in nobody.err) == (Exit.USAGE, False)


@pytest.mark.requirement("SUR-3")
def test_a_preview_keeps_nothing(shop: Shop, turnout: Turnout) -> None:
    """Size, conditions and reach of a segment that was never computed; afterwards it still is not."""
    shop.segment(
        "recent", "select person_no\nfrom features\nwhere orders_ever >= 1\n  and orders_90d >= 1", ["ads"]
    )
    assert turnout("sources").code == Exit.OK
    ran = turnout("preview", "recent", "--json")
    assert ran.code == Exit.OK, ran.err
    (told,) = ran.objects
    assert (told["size"], told["universe"], told["share"]) == (60, 120, 0.5)
    assert [one["so_far"] for one in told["conditions"]] == [60, 60]
    (reach,) = told["reach"]
    assert reach["reachable"] + sum(reach["withheld"].values()) == 60
    shown = turnout("preview", "recent")
    assert f"recent on {NEWEST}: 60 people, 50.0% of 120" in shown.out
    assert turnout("explain", customer(1), "recent", "--json").objects[0]["since"] is None


def test_a_profile_says_what_tells_people_apart(shop: Shop, turnout: Turnout) -> None:
    """The most telling feature first, in words and numbers, whether or not the segment was computed."""
    shop.segment("recent", "select person_no\nfrom features\nwhere orders_ever >= 1", [])
    assert turnout("sources").code == Exit.OK
    ran = turnout("profile", "recent", "--json")
    assert ran.code == Exit.OK, ran.err
    (told,) = ran.objects
    ordered = next(one for one in told["traits"] if one["feature"] == "orders_ever")
    assert (ordered["here"], ordered["universe"], ordered["index"]) == (1.0, 0.5, 2.0)
    assert "more orders_ever (1.00 instead of 0.50)" in told["sentence"]
    assert "orders_ever" in turnout("profile", "recent").out


@pytest.mark.requirement("IDEA-4")
def test_other_bounds_give_other_sizes(shop: Shop, turnout: Turnout) -> None:
    """Each bound with its size; a segment without any says so."""
    shop.segment("recent", "select person_no\nfrom features\nwhere orders_ever >= 1", [])
    assert turnout("sources").code == Exit.OK
    (told,) = turnout("tune", "recent", "--json").objects
    assert (told["column"], told["sign"], told["bound"]) == ("orders_ever", ">=", 1.0)
    assert {"bound": 1.0, "size": 60} in told["options"]
    assert "orders_ever >= 1" in turnout("tune", "recent").out
    assert "None of its conditions" in turnout("tune", "buyers").out


def test_doubts_are_named_with_their_rules(shop: Shop, turnout: Turnout) -> None:
    """A segment of nobody is an error and exit code 2; one that is fine but goes nowhere a warning."""
    shop.segment("nobody", "select person_no\nfrom features\nwhere orders_ever > 99", ["ads"])
    shop.segment("recent", "select person_no\nfrom features\nwhere orders_ever >= 1", [])
    assert turnout("sources").code == Exit.OK
    ran = turnout("lint", "nobody", "recent", "--json")
    assert ran.code == Exit.USAGE
    first = ran.objects[0]
    assert (first["segment"], first["rule"], first["severity"]) == ("nobody", "QUA-1", "error")
    assert ("recent", "ACT-7") in [(one["segment"], one["rule"]) for one in ran.objects]
    fine = turnout("lint", "recent")
    assert (fine.code, "it goes nowhere" in " ".join(fine.out.split())) == (Exit.OK, True)


@pytest.mark.requirement("IDEA-5")
def test_a_segment_is_replayed(shop: Shop, turnout: Turnout) -> None:
    """Every past day with those who came and left; what it says in words is what it says in numbers."""
    shop.segment("recent", "select person_no\nfrom features\nwhere orders_30d >= 1", [])
    assert turnout("sources").code == Exit.OK
    ran = turnout("backtest", "recent", "--days", "5", "--json")
    assert ran.code == Exit.OK, ran.err
    (told,) = ran.objects
    assert [one["as_of"] for one in told["days"]][-1] == NEWEST.isoformat()
    assert len(told["days"]) == 5
    assert told["changes"] == sum(one["entered"] + one["left"] for one in told["days"])
    assert told["days"][-1]["size"] > told["days"][0]["size"], "two more people order every day"
    assert "change a day" in turnout("backtest", "recent", "--days", "5").out


@pytest.mark.requirement("DEF-8")
def test_a_persona_is_written_from_the_profile(shop: Shop, turnout: Turnout) -> None:
    """One line for the header, of what the people do more than everybody; with a name it is a header's persona."""
    path = shop.segment("recent", "select person_no\nfrom features\nwhere orders_ever >= 1", [])
    assert turnout("sources").code == Exit.OK
    ran = turnout("profile", "recent", "--persona")
    assert ran.code == Exit.OK, ran.err
    line = ran.out.strip()
    assert line.startswith('persona = "NAME: more ')
    assert "more orders_ever (1.00 instead of 0.50)" in line
    assert "less " not in line
    path.write_text(path.read_text().replace("\n[goal]", f"\n{line.replace('NAME', 'Orla')}\n[goal]"))
    (told,) = turnout("profile", "recent", "--json").objects
    assert told["persona"].startswith("Orla: more ")
    assert told["persona_line"] == line


def damped(shop: Shop, rules: str) -> None:
    """A segment of those who ordered on the very day, with these lines about entry and exit."""
    path = shop.segment("today", "select person_no\nfrom features\nwhere days_since_last_order = 0", [])
    path.write_text(path.read_text().replace("[goal]", f"[entry_exit]\n{rules}\n\n[goal]", 1))


@pytest.mark.requirement("DAMP-2", "DAMP-3", "IDEA-6")
def test_entry_and_exit_is_tried(shop: Shop, turnout: Turnout) -> None:
    """Days of grace make more people and fewer who meet the SQL, before the segment is edited; then it is told both."""
    shop.segment("today", "select person_no\nfrom features\nwhere days_since_last_order = 0", [])
    assert turnout("sources").code == Exit.OK
    trial = ("backtest", "today", "--days", "5", "--grace", "2", "--grace", "4", "--cooldown", "1")
    ran = turnout(*trial, "--json")
    assert ran.code == Exit.OK, ran.err
    as_is, two, four = ran.objects[0]["entry_exit"]
    assert (as_is["rules"], two["rules"]["grace_days"], four["rules"]["cooldown_days"]) == (None, 2, 1)
    assert as_is["by_rule"] == 1.0 > two["by_rule"] > four["by_rule"]
    assert as_is["mean_size"] < two["mean_size"] < four["mean_size"]
    shown = turnout(*trial)
    assert "the SQL alone" in shown.out
    assert "grace 4, cool-down 1" in shown.out
    damped(shop, "grace_days = 2")
    (lived,) = turnout("backtest", "today", "--days", "3", "--json").objects
    assert [one["rules"] and one["rules"]["grace_days"] for one in lived["entry_exit"]] == [2, None]
    assert turnout("backtest", "today", "--grace", "91").code == Exit.USAGE


@pytest.mark.requirement("DAMP-2", "DAMP-3")
def test_entry_and_exit_is_in_every_answer(shop: Shop, turnout: Turnout) -> None:
    """A preview counts both, and a person is told why they are still in, and until when."""
    damped(shop, "grace_days = 2\ncooldown_days = 3")
    assert turnout("sources").code == Exit.OK
    (seen,) = turnout("preview", "today", "--json").objects
    assert (seen["size"], seen["by_rule"]) == (12, 4)
    assert "Its SQL alone gives 4; entry and exit make it 12." in turnout("preview", "today").out
    told = turnout("explain", customer(5), "today", "--json").objects[0]
    assert (told["member"], told["damped"]["by"], told["damped"]["held_on"]) == (True, "grace", "2017-12-30")
    assert "by grace: the SQL last held on 2017-12-30; they leave on 2018-01-02" in told["sentence"]
    left = turnout("explain", customer(13), "today", "--json").objects[0]
    assert (left["member"], left["damped"]) == (False, None)
    for command in ("lint", "profile", "tune"):
        assert turnout(command, "today", "--json").err == ""
