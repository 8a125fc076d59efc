"""``turnout uses`` and ``turnout rm``: a segment's file goes only when nothing rests on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.cli.exits import Exit
from tests.assets.shop import Shop
from tests.cli.conftest import Turnout


@pytest.mark.requirement("SUR-7")
def test_users_are_listed(pushed: Shop, turnout: Turnout) -> None:
    """Segments built on it, broken files that name it, audiences with their people."""
    pushed.segment(
        "good_buyers", "select person_no\nfrom buyers\nsemi join spenders using (person_no)", ["mail"]
    )
    pushed.segment("typo", "select person_no\nform buyers", ["mail"])
    (told,) = turnout("uses", "buyers", "--json").objects
    assert (told["built_on_it"], told["perhaps"]) == (["good_buyers"], ["typo"])
    assert {(one["destination"], one["opened"], one["held"]) for one in told["audiences"]} == {
        ("ads", True, 59),
        ("mail", True, 59),
    }
    shown = turnout("uses", "buyers").out
    assert "Built on it: good_buyers" in shown
    assert "not pushed yet" in turnout("uses", "good_buyers").out
    pushed.segment("alone", "select person_no\nfrom features", [])
    assert "used nowhere" in turnout("uses", "alone").out


@pytest.mark.requirement("SUR-7")
def test_a_segment_in_use_is_not_removed(pushed: Shop, turnout: Turnout) -> None:
    """The refusal lists every user with what to do, and the file is still there."""
    path = pushed.segment_defs / "buyers.sql"
    pushed.segment("good_buyers", "select person_no\nfrom buyers", [])
    ran = turnout("rm", "buyers")
    assert ran.code == Exit.USAGE
    assert "good_buyers built on it" in ran.err
    assert (
        "59 people are in ads/buyers; take [sync.ads] out of buyers.sql, then turnout retire ads/buyers"
        in ran.err
    )
    assert path.exists()
    unknown = turnout("rm", "buyer")
    assert (unknown.code, "did you mean 'buyers'?" in unknown.err) == (Exit.USAGE, True)


@pytest.mark.requirement("SUR-7")
def test_a_retired_segment_is_removed(pushed: Shop, turnout: Turnout) -> None:
    """What the refusal says is what works: the sync out, the audience retired, then the file goes."""
    path = pushed.segment_defs / "spenders.sql"
    text = path.read_text()
    path.write_text(text.replace('[sync.ads]\naudience = "Spenders"\n', ""))
    refused = turnout("rm", "spenders")
    assert refused.code == Exit.USAGE
    assert "take [sync" not in refused.err
    assert turnout("retire", "ads/spenders", "--why", "not needed").code == Exit.OK
    assert turnout("rm", "spenders").code == Exit.OK
    assert not path.exists()
    assert "spenders" not in {one["name"] for one in turnout("segments", "--json").objects}


@pytest.mark.requirement("SUR-7")
def test_segments_that_ship_stay(turnout: Turnout, bare: Path) -> None:
    """The installed package is not taken apart."""
    ran = turnout("rm", "fuel_only")
    assert (ran.code, "ships with Turnout" in ran.err) == (Exit.USAGE, True)
    assert turnout("uses", "fuel_only").code == Exit.OK


@pytest.mark.requirement("SUR-7", "TYP-20")
def test_whoever_leaves_its_people_out_uses_it(pushed: Shop, turnout: Turnout) -> None:
    """An exclusion without its segment would send nobody, so the segment stays."""
    path = pushed.segment("others", "select person_no\nfrom features", ["mail"])
    path.write_text(
        path.read_text().replace('audience = "Others"', 'audience = "Others"\nexclude = ["idle"]')
    )
    pushed.segment("idle", "select person_no\nfrom features\nwhere orders_ever = 0", [])
    (told,) = turnout("uses", "idle", "--json").objects
    assert told["left_out_by"] == ["mail/others"]
    assert "Left out by: mail/others" in turnout("uses", "idle").out
    ran = turnout("rm", "idle")
    assert ran.code == Exit.USAGE
    assert "mail/others leaves its people out" in ran.err


@pytest.mark.requirement("SUR-7", "TYP-3")
def test_a_template_goes_with_its_parts_and_no_part_alone(pushed: Shop, turnout: Turnout) -> None:
    """A part has no file of its own; what is built on a part is built on the template."""
    template = '[template]\nover = "orders_ever"\nvalues = [1]\nmin_size = 1\n'
    path = pushed.segment("by_orders", "select person_no\nfrom features", [])
    path.write_text(path.read_text().replace("[goal]", f"{template}\n[goal]", 1))
    refused = turnout("rm", "by_orders__1")
    assert refused.code == Exit.USAGE
    assert "it is a part of by_orders; take its value out of [template] in by_orders.sql" in refused.err
    above = pushed.segment("above", "select person_no\nfrom by_orders__1", [])
    assert "above built on it" in turnout("rm", "by_orders").err
    above.unlink()
    ran = turnout("rm", "by_orders")
    assert ran.code == Exit.OK, ran.err
    assert not path.exists()
