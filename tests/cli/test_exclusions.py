"""An audience that leaves people out, as an operator sees it."""

from __future__ import annotations

import pytest

from pipelines.cli.exits import Exit
from tests.assets.shop import Shop, customer
from tests.cli.conftest import Turnout


@pytest.fixture
def excluding(shop: Shop, turnout: Turnout) -> Shop:
    """A shop whose mailed buyers are without those who browse; everything is loaded and computed."""
    path = shop.segment("calm", "select distinct person_no\nfrom orders", ["mail"])
    text = path.read_text().replace('audience = "Calm"', 'audience = "Calm"\nexclude = ["browsers"]')
    path.write_text(text)
    for command in ("sources", "segments"):
        assert turnout(command).code == Exit.OK
    return shop


@pytest.mark.requirement("TYP-20")
def test_preview_and_push_agree(excluding: Shop, turnout: Turnout) -> None:
    """Both count whom the audience leaves out, and the rest arrives."""
    wanted = excluding.buyers() - excluding.browsers()
    (told,) = turnout("preview", "calm", "--json").objects
    (reach,) = told["reach"]
    (pushed,) = turnout("sync", "mail/calm", "--json").objects
    assert excluding.members("mail", "calm") == wanted
    assert reach["reachable"] == pushed["added"] == len(wanted)
    assert reach["withheld"]["excluded"] == pushed["withheld_by_reason"]["excluded"] == 20


@pytest.mark.requirement("TYP-20")
def test_why_names_the_exclusion(excluding: Shop, turnout: Turnout) -> None:
    """A buyer who browses is wanted by the segment and left out by the audience."""
    assert turnout("sync", "mail/calm").code == Exit.OK
    (told,) = turnout("why", customer(3), "mail/calm", "--json").objects
    assert (told["wanted"], told["held"], told["excluded_by"]) == (True, "no", ["browsers"])
    assert "the audience leaves out browsers, where they are" in told["sentence"]
    (told,) = turnout("why", customer(1), "mail/calm", "--json").objects
    assert (told["held"], told["excluded_by"]) == ("yes", [])


@pytest.mark.requirement("FRE-4")
def test_a_static_segment_shows_its_day(shop: Shop, turnout: Turnout) -> None:
    """The features of its day are built when they are missing; its day is told with its size."""
    path = shop.segment("early", "select person_no\nfrom features\nwhere orders_ever > 0", [])
    header = 'universe = "customers"\nmode = "static"\nfrozen_on = 2017-12-20'
    path.write_text(path.read_text().replace('universe = "customers"', header))
    assert turnout("sources").code == Exit.OK
    ran = turnout("segments", "early")
    assert ran.code == Exit.OK, ran.err
    assert "early: static: its people are those of 2017-12-20" in ran.out
    (computed,) = turnout("segments", "early", "--json").objects
    (looked,) = turnout("preview", "early", "--json").objects
    assert computed["size"] == looked["size"] < len(shop.buyers())
    assert (computed["as_of"], looked["as_of"]) == ("2017-12-31", "2017-12-20")
