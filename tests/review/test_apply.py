"""Applying a plan: exactly what was reviewed, or nothing and how the world has changed."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.delivery.guards import Bounds
from pipelines.review.operator import Operator
from pipelines.review.plan_file import Plan
from tests.delivery.world import DAY
from tests.review.office import BOLD, Crashed, Office, dying_at


def outcomes(results: object) -> list[str]:
    """What became of each audience."""
    return [one.outcome for one in results]  # type: ignore[attr-defined]


def test_a_plan_is_applied_exactly(office: Office) -> None:
    """Those whom the plan adds are added, those whom it removes are removed, in its batches, and nobody else moves."""
    office.want("vip", *range(2, 12))
    plan = office.plan("vip")
    [planned] = plan.audiences
    assert (planned.adds, planned.removes, planned.held, planned.desired) == (2, 2, 10, 10)
    assert office.held("vip") == set(range(10)), "a plan sends nothing"
    before = office.mutations()
    [applied] = office.apply(plan)
    assert (applied.outcome, applied.sentence) == ("applied", "fine")
    assert office.held("vip") == set(range(2, 12))
    assert office.platform.calls[before:] == [(b.op, b.size) for b in planned.batches]


def test_applying_twice_says_so_and_does_nothing(office: Office) -> None:
    """The second time names who applied it and when; no request is made."""
    office.want("vip", *range(3, 12))
    plan = office.plan()
    office.apply(plan)
    before = office.mutations()
    [again] = office.apply(plan, Operator("bob", ""))
    assert again.outcome == "already"
    assert re.match(r"this plan was applied by ann at \d{4}-.* UTC; nothing was done now$", again.sentence)
    assert office.mutations() == before


def test_a_night_after_a_plan_has_nothing_left_to_do(office: Office) -> None:
    """What a plan did, the next push knows."""
    office.want("vip", *range(5, 12))
    office.apply(office.plan(), BOLD)
    before = office.mutations()
    [night] = office.sync()
    assert (night.adds, night.removes, office.mutations()) == (0, 0, before)


@pytest.mark.parametrize(
    ("now_wanted", "sentence"),
    [
        (range(2, 14), "since the plan there are 2 additions more"),
        (range(2, 11), "since the plan there are 1 addition fewer"),
        (range(3, 12), "since the plan there are 1 removal more"),
        (range(1, 12), "since the plan there are 1 removal fewer"),
        ([*range(2, 11), 12], "since the plan there are 1 addition of other people"),
        ([*range(1, 9), 10, 11, 0], "since the plan there are 1 removal more, 2 removals fewer"),
        ([0, *range(3, 12)], "since the plan there are 1 removal of other people"),
    ],
    ids=["more adds", "fewer adds", "more removes", "fewer removes", "other adds", "mixed", "other removes"],
)
def test_other_people_than_planned(office: Office, now_wanted: list[int], sentence: str) -> None:
    """More, fewer or other people: nothing is sent, and the sentence counts them."""
    office.people(12, 13)
    office.want("vip", *range(2, 12))
    plan = office.plan()
    office.want("vip", *now_wanted)
    before = office.mutations()
    [refused] = office.apply(plan)
    assert (refused.outcome, refused.sentence) == ("refused", sentence)
    assert office.mutations() == before
    assert outcomes(office.apply(office.plan())) == ["applied"], "a new plan fits"


def test_another_day_of_the_segment(office: Office) -> None:
    """A segment that was computed anew is another one, even with the same people."""
    office.want("vip", *range(2, 12))
    plan = office.plan()
    office.world.want("vip", set(range(2, 12)), DAY + timedelta(days=1))
    [refused] = office.apply(plan)
    assert refused.sentence == "the segment is of 2018-01-01 now, the plan is of 2017-12-31"
    assert office.held("vip") == set(range(10))


def test_opt_outs_after_the_plan_wait_for_no_plan(office: Office) -> None:
    """Somebody who opted out since refuses the plan as a whole, and leaves with the next sync, as the sentence says."""
    office.want("vip", *range(12))
    plan = office.plan()
    office.world.change(3, suppressed="unsubscribed")
    [refused] = office.apply(plan)
    assert refused.sentence == (
        "since the plan there are 1 removal more; 1 of them opted out or were erased: they leave with the next run "
        "of turnout sync platform/vip, which waits for no plan"
    )
    assert office.held("vip") == set(range(10))
    office.sync()
    assert office.held("vip") == set(range(12)) - {3}


def test_somebody_planned_who_opted_out_is_not_added(office: Office) -> None:
    """A planned addition that may not be sent any more refuses the plan."""
    office.want("vip", *range(12))
    plan = office.plan()
    office.world.change(11, granted=False)
    [refused] = office.apply(plan)
    assert refused.sentence == "since the plan there are 1 addition fewer"


def test_a_changed_identifier_is_another_person_to_the_platform(office: Office) -> None:
    """Who has another address than when the plan was made is counted as other people."""
    office.want("vip", *range(12))
    plan = office.plan()
    office.world.change(11, email="new@x.example")
    [refused] = office.apply(plan)
    assert refused.sentence == "since the plan there are 1 addition of other people"


def test_the_same_done_by_a_night(office: Office) -> None:
    """A night that did everything in the plan leaves nothing to apply, and that is said."""
    office.want("vip", *range(2, 12))
    plan = office.plan()
    office.sync()
    before = office.mutations()
    [refused] = office.apply(plan)
    assert refused.sentence == "everything in the plan was done since, by another push"
    assert office.mutations() == before


def test_an_audience_that_was_deleted_on_the_platform(office: Office) -> None:
    """The audience is gone behind our back: the plan is not applied to a new one."""
    office.want("vip", *range(2, 12))
    plan = office.plan()
    office.platform.audiences.clear()
    [failed] = office.apply(plan)
    assert failed.outcome == "failed"
    assert "is not there any more" in failed.sentence
    [refused] = office.apply(plan)
    assert refused.outcome == "refused", "by now it is known to be empty"
    assert not office.platform.audiences or office.held("vip") == set()


def test_an_audience_that_nothing_asks_for_any_more(office: Office) -> None:
    """The segment is gone: nothing is sent for it."""
    office.want("vip", *range(2, 12))
    plan = office.plan()
    del office.world.segments["vip"]
    [refused] = office.apply(plan)
    assert (refused.outcome, refused.sentence) == ("refused", "nothing asks for this audience any more")


def test_an_audience_with_another_name(office: Office) -> None:
    """A plan for one audience of the platform is not applied to another."""
    office.want("vip", *range(2, 12))
    plan = office.plan()
    office.audience_names["vip"] = "Something else"
    [refused] = office.apply(plan)
    assert refused.sentence == "it is called 'Something else' now, the plan says 'Vip'"


def test_a_guard_that_did_not_speak_when_it_was_planned(office: Office) -> None:
    """A stricter guard stops the plan, and says which word lets it pass."""
    office.want("vip", *range(5, 12))
    office.bounds = Bounds(max_removed=0.9, max_growth=3.0, floor=5, max_age_days=2)
    plan = office.plan()
    assert plan.audiences[0].verdict == "fine"
    office.bounds = Bounds(max_removed=0.1, max_growth=3.0, floor=5, max_age_days=2)
    [refused] = office.apply(plan)
    assert refused.sentence == (
        "the guards said fine and say too_many_removals now: 5 of 10 people (50%) would be removed, more than the 10% "
        "allowed; if that is right, apply it with --accept-removals and say why"
    )
    assert outcomes(office.apply(plan, BOLD)) == ["applied"]


def test_a_stopped_plan_needs_the_word_and_the_reason(office: Office) -> None:
    """A plan that a guard stopped shows everybody it would move, and moves them only when somebody answers for it."""
    office.want("vip", *range(7, 12))
    plan = office.plan()
    [planned] = plan.audiences
    assert (planned.verdict, planned.accept, planned.removes) == ("too_many_removals", "accept_removals", 7)
    assert planned.changes.count("remove") == 7
    [refused] = office.apply(plan)
    assert refused.outcome == "refused"
    assert refused.sentence.endswith("apply it with --accept-removals and say why")
    assert office.held("vip") == set(range(10))
    assert outcomes(office.apply(plan, BOLD)) == ["applied"]
    assert office.held("vip") == set(range(7, 12))
    told = [(d.decision, d.who, d.why) for d in office.project.record.decisions()]
    assert sorted(told) == [
        ("apply_plan", "ann", f"plan {plan.mark}: the campaign was wrong"),
        ("overridden", "ann", "the campaign was wrong"),
    ]


def test_a_plan_that_is_stopped_no_more_is_another_plan(office: Office) -> None:
    """The guard was eased since: the plan is made anew, for somebody reviewed it as a stopped one."""
    office.want("vip", *range(7, 12))
    plan = office.plan()
    office.bounds = Bounds(max_removed=0.99, max_growth=3.0, floor=5, max_age_days=2)
    [refused] = office.apply(plan)
    assert refused.sentence == "the guards said too_many_removals and say fine now: fine"


def test_a_plan_of_opt_outs_alone(office: Office) -> None:
    """Where only opt-outs may leave, a plan names them and applying it takes them out."""
    office.world.newest = DAY + timedelta(days=1)
    office.world.change(4, suppressed="unsubscribed")
    plan = office.plan()
    [planned] = plan.audiences
    assert (planned.verdict, planned.accept, planned.changes.count("remove")) == ("stale_segment", None, 1)
    assert outcomes(office.apply(plan)) == ["applied"]
    assert office.held("vip") == set(range(10)) - {4}


def test_all_audiences_or_none(office: Office) -> None:
    """One audience that changed holds back every other of the plan, and each says why."""
    office.want("new", 1, 2)
    office.want("vip", *range(2, 12))
    plan = office.plan()
    office.want("vip", *range(3, 12))
    before = office.mutations()
    new, vip = office.apply(plan)
    assert (new.segment, new.outcome) == ("new", "left")
    assert new.sentence == "as planned, but left alone: the plan is applied whole or not at all"
    assert (vip.outcome, office.mutations()) == ("refused", before)
    assert "turnout:new" not in office.platform.audiences, "not even opened"


def test_looking_whether_a_plan_fits_sends_nothing(office: Office) -> None:
    """``--check`` says yes or no and leaves everything as it is."""
    office.want("vip", *range(2, 12))
    plan = office.plan()
    before = office.mutations()
    assert outcomes(office.apply(plan, only_look=True)) == ["fits"]
    office.want("vip", *range(3, 12))
    assert outcomes(office.apply(plan, only_look=True)) == ["refused"]
    assert (office.mutations(), office.project.record.decisions()) == (before, [])


def test_a_batch_without_an_answer_is_finished_by_applying_again(office: Office) -> None:
    """Trouble on the way leaves the plan open; applied again, it goes on with what has no receipt."""
    office.people(*range(40))
    office.platform.max_in_flight = 1
    office.want("vip", *range(40))
    office.bounds = Bounds(max_removed=0.5, max_growth=9.0, floor=5, max_age_days=2)
    plan = office.plan()
    office.platform.faults = ["none", "lost_after", "refuse"]
    [failed] = office.apply(plan)
    assert failed.outcome == "failed"
    [again] = office.apply(plan)
    assert again.outcome == "applied", again.sentence
    assert office.held("vip") == set(range(40))
    assert outcomes(office.apply(plan)) == ["already"]


def test_a_plan_that_was_cut_off_holds_to_the_plan(office: Office) -> None:
    """Going on with a plan, somebody who is not in it still refuses it."""
    office.people(*range(40))
    office.want("vip", *range(30))
    office.bounds = Bounds(max_removed=0.5, max_growth=9.0, floor=5, max_age_days=2)
    plan = office.plan()
    office.platform.faults = ["none", "refuse"]
    office.apply(plan)
    office.want("vip", *range(31))
    [refused] = office.apply(plan)
    assert (refused.outcome, refused.sentence) == ("refused", "since the plan there are 1 addition more")
    office.want("vip", *range(29))
    [refused] = office.apply(plan)
    assert refused.outcome == "refused", "somebody planned is not wanted any more"


SHARES = 4
"""Parts that a test over all boundaries is cut into, so that none takes long."""
FIRST_OF_THE_PUSH = "journal.started.before"


@pytest.fixture(scope="module")
def about_to_apply(tmp_path_factory: pytest.TempPathFactory) -> tuple[Office, Plan]:
    """An audience with a plan that adds eight and removes four."""
    office = Office(tmp_path_factory.mktemp("about_to_apply"))
    office.people(*range(16))
    office.want("vip", *range(8))
    office.sync()
    office.want("vip", *range(4, 16))
    return office, office.plan()


def boundaries(office: Office, plan: Plan, folder: Path) -> list[str]:
    """What delivery reaches while it applies a plan."""
    with dying_at(0, FIRST_OF_THE_PUSH) as reached:
        assert outcomes(office.copy(folder).apply(plan, BOLD)) == ["applied"]
    return reached


@pytest.mark.fault(
    "F37", injected="the process dies at each boundary of applying a plan", outcome="the whole plan"
)
@pytest.mark.parametrize("share", range(SHARES))
def test_dying_anywhere_while_applying(
    about_to_apply: tuple[Office, Plan], tmp_path: Path, share: int
) -> None:
    """Wherever the process dies, applying the plan again ends with exactly the plan, and so does a night instead."""
    office, plan = about_to_apply
    reached = boundaries(office, plan, tmp_path / "whole")
    assert {"journal.apply_begin.open", "ledger.point.open", "platform.add.answered"} <= set(reached)
    for position, boundary in list(enumerate(reached, 1))[share::SHARES]:
        dead = office.copy(tmp_path / f"{position}")
        with pytest.raises(Crashed), dying_at(position, FIRST_OF_THE_PUSH):
            dead.apply(plan, BOLD)
        night = dead.copy(tmp_path / f"{position}-night")
        [ended] = dead.apply(plan, BOLD)
        assert ended.outcome in ("applied", "already"), (boundary, ended.sentence)
        assert dead.held("vip") == set(range(4, 16)), boundary
        night.sync(overrides=BOLD.overrides)
        assert night.held("vip") == set(range(4, 16)), boundary


def test_a_renamed_segment_keeps_its_plan(office: Office) -> None:
    """Nothing of a plan is held against an audience under another name: it is planned anew."""
    office.want("vip", *range(2, 12))
    plan = office.plan()
    office.world.segments["best"] = office.world.segments.pop("vip")
    [refused] = office.apply(plan)
    assert refused.sentence == "nothing asks for this audience any more"


def test_nobody_is_named_by_their_hash(office: Office) -> None:
    """The digests of two plans of the same change have nothing in common: they are made for one file."""
    office.want("vip", *range(2, 12))
    first, second = office.plan(), office.plan()
    [one], [other] = first.audiences, second.audiences
    digests = [{d.changes.members["add"][i : i + 16] for i in (0, 16)} for d in (one, other)]
    assert digests[0].isdisjoint(digests[1])
    assert first.mark != second.mark
