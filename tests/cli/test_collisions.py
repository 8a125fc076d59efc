"""``turnout collisions``, and what the other commands say of people whom a waterfall gave to another segment."""

from __future__ import annotations

import pytest

from pipelines.cli.exits import Exit
from tests.assets.shop import NEWEST, Shop, customer
from tests.cli.conftest import Turnout

RECENT = "select person_no\nfrom features\nwhere orders_30d >= 1"
EVERYBODY = "select person_no\nfrom features\nwhere orders_ever >= 0"


def placed(priority: int) -> str:
    """A place in the group."""
    return f'waterfall = "care"\npriority = {priority}'


@pytest.mark.requirement("DEF-10")
def test_a_waterfall_is_shown_as_it_decides(shop: Shop, turnout: Turnout) -> None:
    """Its order, each one's own people, whom it lost to whom, and who is left; the parts are the whole."""
    shop.segment("recent", RECENT, ["ads"], more=placed(1))
    shop.segment("others", EVERYBODY, ["ads"], more=placed(2))
    assert turnout("sources").code == Exit.OK
    assert turnout("segments").code == Exit.OK
    ran = turnout("collisions", "care", "--json")
    assert ran.code == Exit.OK, ran.err
    first, second = ran.objects
    assert (first["segment"], first["own"], first["taken"], first["left"]) == ("recent", 60, [], 60)
    assert (second["segment"], second["own"], second["left"]) == ("others", 120, 60)
    assert second["taken"] == [{"segment": "recent", "people": 60}]
    shown = turnout("collisions")
    assert "care: 120 people, each in one segment" in shown.out
    assert "recent: 60" in shown.out


@pytest.mark.requirement("DEF-10")
def test_who_is_undecided_is_counted(computed: Shop, turnout: Turnout) -> None:
    """People by the number of segments that they are in, and the pairs that share them; what is missing is named."""
    computed.segment("new", RECENT, [])
    ran = turnout("collisions", "--json")
    assert ran.code == Exit.OK, ran.err
    crowds = {one["segments"]: one["people"] for one in ran.objects if one["kind"] == "crowd"}
    sizes = {one["name"]: one["size"] for one in turnout("segments", "--json").objects}
    held = sum(size for name, size in sizes.items() if name != "new")
    assert sum(segments * people for segments, people in crowds.items()) == held
    pairs = {(one["segment"], one["other"]): one["people"] for one in ran.objects if one["kind"] == "pair"}
    both = {n for n in range(120) if n % 2 and n % 3 == 0}
    assert pairs[("browsers", "buyers")] == len(both)
    assert [one["segment"] for one in ran.objects if one["kind"] == "not_computed"] == ["new"]
    shown = turnout("collisions")
    assert "No segment names a waterfall." in shown.out
    assert "people in both" in shown.out


@pytest.mark.requirement("DEF-10")
def test_an_unknown_waterfall_has_its_nearest_name(shop: Shop, turnout: Turnout) -> None:
    """And is a mistake."""
    shop.segment("recent", RECENT, ["ads"], more=placed(1))
    assert turnout("sources").code == Exit.OK
    wrong = turnout("collisions", "cares")
    assert (wrong.code, "did you mean 'care'?" in wrong.err) == (Exit.USAGE, True)


@pytest.mark.requirement("DEF-10")
def test_who_was_taken_is_explained(shop: Shop, turnout: Turnout) -> None:
    """The conditions hold, and it is said by whom they were taken; a preview counts them."""
    shop.segment("recent", RECENT, ["ads"], more=placed(1))
    shop.segment("others", EVERYBODY, ["ads"], more=placed(2))
    assert turnout("sources").code == Exit.OK
    ran = turnout("explain", customer(1), "others", "--json")
    assert ran.code == Exit.OK, ran.err
    (told,) = ran.objects
    assert (told["member"], told["taken_by"], told["waterfall"]) == (False, "recent", "care")
    assert all(one["holds"] for one in told["conditions"])
    assert told["sentence"] == f"Not in others on {NEWEST}: taken by recent (waterfall care)."
    (told,) = turnout("preview", "others", "--json").objects
    assert (told["size"], told["taken"]) == (60, [{"segment": "recent", "people": 60}])
    assert "taken by" in turnout("preview", "others").out


@pytest.mark.requirement("DEF-10", "DEF-6")
def test_a_person_gets_one_treatment(shop: Shop, turnout: Turnout) -> None:
    """On the platform nobody is in two audiences of the group; one segment may feed several audiences."""
    shop.segment("recent", RECENT, ["ads", "mail"], more=placed(1))
    shop.segment("others", EVERYBODY, ["ads", "mail"], more=placed(2))
    for command in ("sources", "segments", "sync"):
        assert turnout(command).code == Exit.OK
    for destination in ("ads", "mail"):
        recent, others = (shop.members(destination, name) for name in ("recent", "others"))
        assert recent & others == set()
        assert recent | others == {customer(n) for n in range(119)}
