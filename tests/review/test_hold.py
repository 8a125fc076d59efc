"""Audiences on hold: opt-outs leave, nobody else moves, until somebody lets them go on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.delivery.delivery import deliver
from pipelines.delivery.model import Delivery
from pipelines.names import UnknownName
from pipelines.review.errors import ReviewError
from pipelines.review.holding import hold, one_audience, resume
from tests.review.office import Office


def test_a_hold_survives_nights_and_lets_opt_outs_through(office: Office) -> None:
    """Whatever the segment wants, only those who must go leave."""
    office.want("vip", *range(3, 12))
    office.hold("vip")
    for gone in range(3):
        office.world.change(gone + 5, suppressed="unsubscribed")
        [night] = office.sync()
        assert (night.verdict, night.added, night.removed) == ("on_hold", 0, 1)
        office.later(days=1)
    assert office.held("vip") == set(range(10)) - {5, 6, 7}


def test_who_why_and_how_long(office: Office) -> None:
    """A run that meets a hold says who placed it, when, why, and how to end it; a plan says the same."""
    office.hold("vip")
    [night] = office.sync()
    assert night.sentence.startswith("it is on hold since ")
    assert (
        " by ann (wait for the launch); only opt-outs are removed until: turnout resume platform/vip"
        in night.sentence
    )
    planned = office.plan().audiences[0]
    assert (planned.verdict, planned.sentence, planned.adds) == ("on_hold", night.sentence, 0)


def test_a_hold_is_no_failure(office: Office) -> None:
    """What an operator asked for is done: the run is not red for it. Trouble with an opt-out on hold is."""
    office.hold("vip")
    office.world.change(3, suppressed="unsubscribed")
    office.platform.faults = ["refuse"]
    [night] = office.sync()
    assert not night.ok
    [night] = office.sync()
    assert night.ok
    assert Delivery.from_json(night.to_json()).stands_still


def test_resumed_it_follows_its_segment(office: Office) -> None:
    """The next push after a resume does everything that the hold kept back."""
    office.want("vip", *range(3, 12))
    office.hold("vip")
    office.sync()
    lifted = office.resume("vip")
    assert (lifted.who, lifted.why, lifted.undoes) == ("ann", "wait for the launch", None)
    office.sync()
    assert office.held("vip") == set(range(3, 12))
    assert office.project.record.holds() == []


def test_neighbours_go_on(office: Office) -> None:
    """A hold is one audience's."""
    office.want("new", 1, 2, 3)
    office.hold("vip")
    new, vip = office.sync()
    assert (new.verdict, new.added, vip.verdict) == ("fine", 3, "on_hold")


def test_a_new_audience_on_hold_is_not_opened(office: Office) -> None:
    """An audience that never was anywhere stays so while it is on hold."""
    office.want("new", 1, 2, 3)
    office.hold("new")
    office.sync()
    assert "turnout:new" not in office.platform.audiences


def test_a_plan_from_before_a_hold_is_refused(office: Office) -> None:
    """A hold stands above a plan that was made before it."""
    office.want("vip", *range(3, 12))
    plan = office.plan()
    office.hold("vip")
    [refused] = office.apply(plan)
    assert refused.outcome == "refused"
    assert refused.sentence.startswith("the guards said fine and say on_hold now: it is on hold since ")
    assert office.held("vip") == set(range(10))


def test_held_again_keeps_what_was_undone(office: Office) -> None:
    """Another reason for a hold does not forget which push was taken back."""
    office.want("vip", *range(3, 12))
    office.sync()
    office.undo("vip")
    [undone] = office.project.record.holds()
    office.hold("vip")
    [held] = office.project.record.holds()
    assert held == replace(undone, at=held.at, who="ann", why="wait for the launch")
    assert office.undo("vip").sentence.startswith("nothing is left to take back")


def test_a_hold_goes_with_a_renamed_segment(office: Office) -> None:
    """The first push under the new name is held as well, also when a hold was placed under both names."""
    office.hold("vip")
    office.world.segments["best"] = office.world.segments.pop("vip")
    office.formerly["best"] = "vip"
    office.want("best", *range(3, 12))
    office.hold("best")
    for _ in range(2):
        [night] = office.sync()
        assert night.verdict == "on_hold"
    assert office.held("vip") == set(range(10)), "the audience keeps its mark on the platform"
    assert [one.name for one in office.project.record.holds()] == ["platform/best"]
    office.resume("best")
    office.sync()
    assert office.held("vip") == set(range(3, 12))


def test_a_run_that_waited_for_an_undo_meets_its_hold(office: Office) -> None:
    """A night whose audiences were chosen before the hold was placed does not do the change again after it."""
    office.want("vip", *range(3, 12))
    office.sync()
    deliveries = office.project.deliveries
    run = deliveries.new_run()
    chosen = deliveries.pushes("platform", ["vip"])
    office.undo("vip")
    [night] = deliveries.on_account(
        "platform", chosen, run, lambda account, pushes: deliver(account, pushes, run)
    )
    assert night.verdict == "on_hold"
    assert office.held("vip") == set(range(10))


def test_every_decision_is_listed(office: Office) -> None:
    """Holds and resumes are among the decisions, newest first."""
    office.hold("vip")
    office.resume("vip")
    told = [(d.decision, d.segment, d.who, d.why) for d in office.project.record.decisions()]
    assert told == [("resume", "vip", "ann", "launched"), ("hold", "vip", "ann", "wait for the launch")]


def test_names_that_mean_nothing_or_too_much(office: Office) -> None:
    """An audience is named exactly; the nearest is offered."""
    office.want("new", 1)
    with pytest.raises(UnknownName, match="did you mean 'vip'"):
        hold(office.project, "vipp", "ann", "why")
    with pytest.raises(ReviewError, match=r"means several audiences.*: platform/new, platform/vip"):
        one_audience(office.project, "platform/")
    with pytest.raises(UnknownName, match="there is no audience on hold 'vip'"):
        resume(office.project, "vip", "ann", "why")
