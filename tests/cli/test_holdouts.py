"""Holdouts from the header to the platform's file: nobody held out arrives, and every command says who is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.cli.exits import Exit
from pipelines.segments.holdout import bucket
from tests.assets.shop import Shop, customer
from tests.cli.conftest import Turnout

BUYERS = "select distinct person_no\nfrom orders"


def hold_out(shop: Shop, share: float, more: str = "") -> None:
    """The buyers with a holdout."""
    path = shop.segment("buyers", BUYERS, ["ads", "mail"])
    text = path.read_text().replace("[goal]", f"[holdout]\nshare = {share}\n{more}\n[goal]")
    path.write_text(text)


def drawn(share: float, salt: str = "buyers") -> set[str]:
    """The buyers whom a share holds out, worked out here."""
    return {customer(n) for n in range(1, 120, 2) if bucket(salt, customer(n)) < share * 10_000}


@pytest.mark.requirement("HOLD-1", "PRI-1")
def test_nobody_held_out_arrives(computed: Shop, turnout: Turnout) -> None:
    """At no destination; plan and push count them alike, and preview says it before."""
    hold_out(computed, 0.2)
    out = drawn(0.2) - {customer(119)}
    assert 4 < len(out) < 24
    (told,) = turnout("preview", "buyers", "--json").objects
    assert [one["withheld"]["holdout"] for one in told["reach"]] == [len(out)] * 2
    planned = {one["destination"]: one for one in turnout("plan", "buyers", "--json").objects}
    assert planned["ads"]["withheld_by_reason"]["holdout"] == len(out)
    ran = turnout("sync", "buyers", "--json")
    assert ran.code == Exit.OK, ran.err
    for done in ran.objects:
        assert done["withheld_by_reason"] == {"holdout": len(out), "unsubscribed": 1}
        assert done["desired"] == done["added"] + done["withheld"] == 60
    for destination in ("ads", "mail"):
        assert computed.members(destination, "buyers") == computed.buyers() - out
        sent = {person for _, person in computed.changes(destination, "buyers")}
        assert sent & out == set()
    shown = turnout("preview", "buyers")
    assert f"{len(out)} holdout" in " ".join(shown.out.split())


@pytest.mark.requirement("HOLD-1")
def test_who_was_there_leaves_and_is_explained(pushed: Shop, turnout: Turnout) -> None:
    """A later holdout takes people out; why and explain say what keeps them out; a larger share keeps them out."""
    hold_out(pushed, 0.1)
    out = drawn(0.1) - {customer(119)}
    ran = turnout("sync", "ads/buyers", "--json")
    assert ran.code == Exit.OK, ran.err
    assert [one["removed"] for one in ran.objects] == [len(out)]
    person = sorted(out)[0]
    (told,) = turnout("why", person, "ads/buyers", "--json").objects
    assert (told["wanted"], told["held"], told["withheld"]) == (True, "no", "holdout")
    assert told["moves"][0]["why"] == "held_out"
    shown = " ".join(turnout("why", person, "ads/buyers").out.split())
    assert "they may not be sent there: holdout" in shown
    assert person not in shown
    (told,) = turnout("explain", person, "buyers", "--json").objects
    assert {one["withheld"] for one in told["audiences"]} == {"holdout"}
    hold_out(pushed, 0.4)
    assert turnout("sync", "ads/buyers", "--accept-removals", "--why", "test").code == Exit.OK
    assert pushed.members("ads", "buyers") == pushed.buyers() - drawn(0.4)
    assert drawn(0.1) < drawn(0.4)


@pytest.mark.requirement("HOLD-1")
def test_the_global_holdout_is_in_no_audience(
    computed: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Set by the operator for all segments; another salt is another draw."""
    monkeypatch.setenv("TURNOUT_GLOBAL_HOLDOUT", "0.25")
    monkeypatch.setenv("TURNOUT_GLOBAL_HOLDOUT_SALT", "2018-q1")
    everybody = {customer(n) for n in range(120)}
    out = {person for person in everybody if bucket("2018-q1", person) < 2_500}
    assert turnout("sync").code == Exit.OK
    assert computed.members("ads", "buyers") == computed.buyers() - out
    assert computed.members("mail", "browsers") == computed.browsers() - out
    (told,) = turnout("why", sorted(out)[0], "mail/browsers", "--json").objects
    assert told["withheld"] == "global_holdout"


@pytest.mark.requirement("HOLD-1")
def test_an_opt_out_leaves_beside_a_holdout(pushed: Shop, turnout: Turnout) -> None:
    """Who says no leaves at once, held out or not, and is counted under that reason."""
    hold_out(pushed, 0.1)
    out = sorted(drawn(0.1) - {customer(119)})
    pushed.opt_out(int(out[0].removeprefix("c")), 1)
    assert turnout("sources").code == Exit.OK
    assert turnout("segments", "buyers").code == Exit.OK
    ran = turnout("sync", "ads/buyers", "--json")
    assert ran.code == Exit.OK, ran.err
    gone = {out[0], customer(1), customer(119)}
    assert ran.objects[0]["withheld_by_reason"] == {
        "unsubscribed": len(gone),
        "holdout": len(set(out) - gone),
    }
    assert pushed.members("ads", "buyers") == pushed.buyers() - set(out)


@pytest.mark.requirement("HOLD-1")
def test_somebody_held_out_can_be_erased(pushed: Shop, turnout: Turnout) -> None:
    """A holdout that takes them out at the next push does not keep them until then."""
    hold_out(pushed, 0.1)
    person = min(drawn(0.1) - {customer(119)})
    Path("request.csv").write_text(f"customer_id\n{person}\n")
    ran = turnout("erase", "--request", "request.csv", "--why", "asked", "--json")
    assert (ran.code, ran.objects[0]["complete"]) == (Exit.OK, True), ran.err
    assert person not in pushed.members("ads", "buyers") | pushed.members("mail", "buyers")


@pytest.mark.requirement("HOLD-1")
def test_a_taken_back_push_brings_nobody_held_out(pushed: Shop, turnout: Turnout) -> None:
    """Undoing the push that took them out puts nobody into a payload who is held out."""
    hold_out(pushed, 0.1)
    assert turnout("sync", "ads/buyers").code == Exit.OK
    assert turnout("undo", "ads/buyers", "--why", "test").code in (Exit.OK, Exit.STOPPED)
    assert pushed.members("ads", "buyers") & drawn(0.1) == set()
