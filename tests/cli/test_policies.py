"""``turnout policies`` and what a profile does to the other commands."""

from __future__ import annotations

import pytest

from pipelines.cli.exits import Exit
from tests.assets.shop import Shop
from tests.cli.conftest import Turnout


@pytest.mark.requirement("PRI-2")
def test_the_profile_in_force_is_shown(shop: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch) -> None:
    """In plain words and for machines; another is shown by its name."""
    monkeypatch.setenv("TURNOUT_POLICY_PROFILE", "housing")
    shown = " ".join(turnout("policies").out.split())
    assert "Housing (in force)" in shown
    assert "Nobody is sent of a segment with fewer than 100 people" in shown
    assert "features.age_from" in shown
    (told,) = turnout("policies", "healthcare", "--json").objects
    assert (told["profile"], told["in_force"], told["min_cell"]) == ("healthcare", False, 11)
    assert all(one["rule"] and one["source"] for one in told["forbidden"])
    assert "not in force; housing is" in " ".join(turnout("policies", "finance").out.split())


def test_an_unknown_profile_is_told(shop: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its nearest name; a setting that is none names the variable."""
    wrong = turnout("policies", "health")
    assert (wrong.code, "did you mean 'healthcare'?" in wrong.err) == (Exit.USAGE, True)
    monkeypatch.setenv("TURNOUT_POLICY_PROFILE", "banking")
    wrong = turnout("policies")
    assert (wrong.code, "TURNOUT_POLICY_PROFILE" in wrong.err) == (Exit.USAGE, True)


@pytest.mark.requirement("PRI-2")
def test_a_push_of_too_few_is_refused(shop: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch) -> None:
    """The segment is computed, the push says why nobody goes, and it is no failure."""
    monkeypatch.setenv("TURNOUT_POLICY_PROFILE", "finance")
    for command in ("sources", "segments"):
        assert turnout(command).code == Exit.OK
    ran = turnout("sync", "ads/buyers", "--json")
    (told,) = ran.objects
    assert (ran.code, told["verdict"], told["held"]) == (Exit.OK, "too_few_people", 0)
    assert "fewer than the 100 people" in told["sentence"]
    assert shop.members("ads", "buyers") == set()


@pytest.mark.requirement("PRI-3")
def test_breakdowns_say_nothing_of_few(shop: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the floor there is a number of values and no more, in words and for machines."""
    shop.segment("recent", "select person_no\nfrom features\nwhere orders_ever >= 1", [])
    assert turnout("sources").code == Exit.OK
    (usual,) = turnout("profile", "recent", "--json").objects
    assert "orders_ever" in {one["feature"] for one in usual["traits"]}
    monkeypatch.setenv("TURNOUT_CELL_FLOOR", "61")
    (told,) = turnout("profile", "recent", "--json").objects
    assert "orders_ever" not in {one["feature"] for one in told["traits"]}
    assert {"feature": "orders_ever", "values": 1, "people": "fewer than 61"} in told["unshown"]
    assert "Values of fewer than 61 people, not shown:" in turnout("profile", "recent").out


@pytest.mark.requirement("PRI-3")
def test_a_preview_says_nothing_of_few(shop: Shop, turnout: Turnout, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many share or lack something is null below the floor, and in words said to be fewer; sizes stay exact."""
    shop.segment(
        "some",
        "select person_no\nfrom features\nanti join browsers using (person_no)\nwhere orders_ever >= 1",
        [],
    )
    for command in ("sources", "segments"):
        assert turnout(command).code == Exit.OK
    (usual,) = turnout("preview", "some", "--json").objects
    assert (usual["size"], usual["floor"]) == (40, 20)
    assert usual["conditions"][0]["only_this"] == 20
    assert [one["shared"] for one in usual["layers"]] == [0]
    monkeypatch.setenv("TURNOUT_CELL_FLOOR", "41")
    (told,) = turnout("preview", "some", "--json").objects
    assert told["size"] == 40
    assert told["conditions"][0]["only_this"] is None
    assert {(one["shared"], one["jaccard"]) for one in told["overlaps"]} == {(None, None)}
    assert "fewer than 41" in " ".join(turnout("preview", "some").out.split())
