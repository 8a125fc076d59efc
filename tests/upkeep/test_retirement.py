"""An audience that nothing asks for any more is emptied on the platform and leaves the books; its history stays."""

from __future__ import annotations

import json

import pytest

from pipelines.delivery.boundaries import observe
from pipelines.project import Project
from pipelines.retirement import RetirementRefused, retire
from tests.assets.shop import Shop
from tests.cli.conftest import Turnout


class Stop(Exception):
    """The process dies here."""


def project(shop: Shop) -> Project:
    """The shop's project, read anew."""
    return Project(shop.settings())


def behind(shop: Shop) -> set[str]:
    """Audiences at ``ads`` that hold people though nothing asks for them."""
    return set(project(shop).deliveries.left_behind("ads"))


@pytest.fixture
def unwanted(pushed: Shop) -> Shop:
    """Nobody asks for the buyers any more, who are everywhere."""
    (pushed.segment_defs / "buyers.sql").unlink()
    assert behind(pushed) == {"buyers"}
    return pushed


def test_everybody_leaves_and_the_books_close(unwanted: Shop, turnout: Turnout) -> None:
    """Past the removal guard; the audience is no longer left behind; the other destination's stays as it is."""
    held = len(unwanted.members("ads", "buyers"))
    ran = turnout("retire", "ads/buyers", "--why", "campaign is over", "--json")
    assert ran.code == 0
    [told] = ran.objects
    assert (told["state"], told["removed"], told["left_behind"]) == ("closed", held, 0)
    assert unwanted.members("ads", "buyers") == set()
    assert unwanted.members("mail", "buyers") != set()
    assert behind(unwanted) == set()
    said = [(d.decision, d.why) for d in project(unwanted).record.decisions()]
    assert ("retired", "campaign is over") in said
    assert [one["segment"] for one in turnout("status", "--json").objects].count("buyers") == 2, (
        "its history stays"
    )


def test_a_segment_that_still_fills_it_is_named(pushed: Shop, turnout: Turnout) -> None:
    """Nothing is removed while a file asks for the audience, nor while that file is broken."""
    ran = turnout("retire", "ads/buyers", "--why", "a slip")
    assert ran.code == 2
    assert "buyers.sql still fills this audience: take its [sync.ads] out first" in ran.err
    (pushed.segment_defs / "buyers.sql").write_text("select")
    with pytest.raises(RetirementRefused, match=r"buyers\.sql is broken, and it may still fill"):
        retire(project(pushed), "ads/buyers", who="t", why="t")
    assert pushed.members("ads", "buyers") == pushed.buyers()


def test_the_new_name_of_a_segment_protects_it_too(pushed: Shop) -> None:
    """A renamed segment that says what it was called still fills the audience of the old name."""
    path = pushed.segment_defs / "buyers.sql"
    text = path.read_text().replace('universe = "customers"', 'universe = "customers"\nformerly = "buyers"')
    path.unlink()
    (pushed.segment_defs / "customers_of_ours.sql").write_text(text)
    with pytest.raises(RetirementRefused, match=r"customers_of_ours\.sql still fills this audience"):
        retire(project(pushed), "ads/buyers", who="t", why="t")


def test_names_and_reasons_are_needed(unwanted: Shop, turnout: Turnout) -> None:
    """An unknown audience is answered with the nearest; without a reason nothing is done."""
    ran = turnout("retire", "ads/buyer", "--why", "x")
    assert ran.code == 2
    assert "did you mean 'ads/buyers'?" in ran.err
    assert turnout("retire", "ads/buyers").code == 2
    assert unwanted.members("ads", "buyers") != set()


def test_members_can_be_kept_on_purpose(unwanted: Shop, turnout: Turnout) -> None:
    """`--keep-members` removes nobody and says how many stay behind, known to nobody."""
    held = len(unwanted.members("ads", "buyers"))
    ran = turnout("retire", "ads/buyers", "--why", "the agency has it now", "--keep-members")
    assert ran.code == 0
    assert f"{held} people stay in 'Buyers' on the platform" in " ".join(ran.out.split())
    assert len(unwanted.members("ads", "buyers")) == held
    assert behind(unwanted) == set()


def test_a_new_segment_of_that_name_starts_anew(unwanted: Shop, turnout: Turnout) -> None:
    """After a retirement the name is free: the next push fills an audience again."""
    assert turnout("retire", "ads/buyers", "--why", "over").code == 0
    unwanted.segment("buyers", "select distinct person_no\nfrom orders", ("ads", "mail"))
    assert turnout("segments", "buyers").code == 0
    assert turnout("sync", "ads/buyers").code == 0
    assert unwanted.members("ads", "buyers") == unwanted.buyers()


def test_an_audience_deleted_on_the_platform_closes_too(unwanted: Shop, turnout: Turnout) -> None:
    """Whoever was in it has left with it."""
    folder = unwanted.destination_folder("ads") / "buyers"
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    ran = turnout("retire", "ads/buyers", "--why", "over", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["state"] == "closed"
    assert behind(unwanted) == set()


STEPS = (
    *(
        f"journal.{step}.{at}"
        for step in ("plan", "sent", "settle", "forget_audience")
        for at in ("before", "open", "after")
    ),
    *(f"ledger.{step}.{at}" for step in ("point", "forget") for at in ("before", "open", "after")),
    "platform.remove.before",
    "platform.remove.answered",
)


@pytest.mark.fault(
    "F37", injected="a retirement cut off at each commit and request", outcome="the same command ends it"
)
@pytest.mark.parametrize("step", STEPS)
def test_a_retirement_that_died_is_repeated(unwanted: Shop, step: str) -> None:
    """Cut off anywhere, it ends with nobody in the audience and closed books."""
    reached: list[str] = []

    def dies(point: str) -> None:
        if point == step and not reached:
            reached.append(point)
            raise Stop

    with observe(dies), pytest.raises(Stop):
        retire(project(unwanted), "ads/buyers", who="t", why="over")
    if "buyers" in project(unwanted).record.opened_audiences("ads"):
        assert retire(project(unwanted), "ads/buyers", who="t", why="over").state == "closed"
    assert unwanted.members("ads", "buyers") == set()
    assert behind(unwanted) == set()
