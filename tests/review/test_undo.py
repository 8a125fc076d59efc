"""Taking back the last push that changed an audience."""

from __future__ import annotations

import pytest

from pipelines.delivery.guards import Bounds
from tests.delivery.world import Person
from tests.review.office import ANN, BOLD, Crashed, Office, dying_at


def test_undo_of_adds(office: Office) -> None:
    """Who joined in the last push leaves; everybody else stays."""
    office.want("vip", *range(12))
    office.sync()
    taken_back = office.undo("vip")
    assert (taken_back.status, taken_back.removed, taken_back.added) == ("delivered", 2, 0)
    assert office.held("vip") == set(range(10))


def test_undo_of_removes(office: Office) -> None:
    """Who left in the last push comes back."""
    office.want("vip", *range(4, 10))
    office.sync()
    assert office.held("vip") == set(range(4, 10))
    taken_back = office.undo("vip")
    assert (taken_back.added, taken_back.removed) == (4, 0)
    assert office.held("vip") == set(range(10))


def test_undo_of_both(office: Office) -> None:
    """Joins and leaves of one push are taken back together."""
    office.want("vip", *range(3, 12))
    office.sync()
    taken_back = office.undo("vip")
    assert (taken_back.added, taken_back.removed) == (3, 2)
    assert office.held("vip") == set(range(10))


def test_the_night_after_an_undo_does_not_do_it_again(office: Office) -> None:
    """The audience is on hold until it is resumed; then it follows its segment again."""
    office.want("vip", *range(3, 12))
    office.sync()
    office.undo("vip")
    for _ in range(3):
        [night] = office.sync()
        assert (night.verdict, night.ok, night.added, night.removed) == ("on_hold", True, 0, 0)
        assert night.sentence.startswith("its last push was undone and it is on hold since ")
        assert night.sentence.endswith("only opt-outs are removed until: turnout resume platform/vip")
    assert office.held("vip") == set(range(10))
    office.resume("vip")
    office.sync()
    assert office.held("vip") == set(range(3, 12))


def test_undo_passes_over_nights_that_changed_nothing(office: Office) -> None:
    """The last push that *changed* the audience is taken back, not the quiet ones after it."""
    office.want("vip", *range(12))
    office.sync()
    office.sync()
    office.later(days=1)
    office.sync()
    assert office.undo("vip").removed == 2
    assert office.held("vip") == set(range(10))


def test_who_withdrew_since_stays_out(office: Office) -> None:
    """Consent is read anew: who took it back, was suppressed or erased since is not sent again, and is counted."""
    office.want("vip", *range(4, 10))
    office.sync()
    office.world.change(0, granted=False)
    office.world.change(1, suppressed="unsubscribed")
    office.world.erase(2)
    taken_back = office.undo("vip")
    assert taken_back.added == 1
    assert taken_back.withheld == {"no_consent": 1, "unsubscribed": 1, "erased": 1}
    assert office.held("vip") == set(range(3, 10))


def test_who_opted_out_in_that_push_stays_out(office: Office) -> None:
    """An opt-out is not taken back with the push that it left in."""
    office.want("vip", *range(4, 10))
    office.world.change(2, suppressed="unsubscribed")
    office.sync()
    taken_back = office.undo("vip")
    assert (taken_back.added, taken_back.withheld) == (3, {"unsubscribed": 1})
    assert office.held("vip") == set(range(10)) - {2}


def test_a_push_of_opt_outs_alone_cannot_be_taken_back(office: Office) -> None:
    """There is nobody who may come back: nothing is sent, and the audience is not put on hold."""
    office.world.change(2, suppressed="unsubscribed")
    office.sync()
    before = office.mutations()
    undone = office.undo("vip")
    assert undone.sentence == (
        "nothing can be taken back: whoever left in that push may not be sent any more (1 unsubscribed)"
    )
    assert (office.mutations(), office.project.record.holds()) == (before, [])


def test_whoever_comes_back_is_sent_as_they_are_now(office: Office) -> None:
    """Somebody who left and has another address now comes back under that."""
    office.want("vip", *range(4, 10))
    office.sync()
    office.world.change(1, email="new1@x.example")
    office.undo("vip")
    assert Person("new1@x.example").handle in office.platform.members("vip")
    assert Person("p1@x.example").handle not in office.platform.members("vip")


def test_a_changed_address_is_no_change_of_the_membership(office: Office) -> None:
    """A push that gave somebody a new address is undone without sending the old one again."""
    office.want("vip", *range(12))
    office.world.change(1, email="new1@x.example")
    office.sync()
    office.undo("vip")
    assert office.held("vip") == set(range(10))
    assert Person("new1@x.example").handle in office.platform.members("vip")


def test_undo_twice(office: Office) -> None:
    """The second time says that it is done and by whom; nothing is sent."""
    office.want("vip", *range(3, 12))
    office.sync()
    office.undo("vip")
    before = office.mutations()
    again = office.undo("vip")
    assert again.sentence.startswith("nothing is left to take back: its last push was undone")
    assert "by ann (the campaign was wrong)" in again.sentence
    assert office.mutations() == before
    assert office.held("vip") == set(range(10))


def test_undo_after_resume_takes_back_the_push_that_did_it_again(office: Office) -> None:
    """After a resume the change is a new push, which can be undone like any."""
    office.want("vip", *range(3, 12))
    office.sync()
    office.undo("vip")
    office.resume("vip")
    office.sync()
    assert office.held("vip") == set(range(3, 12))
    office.undo("vip")
    assert office.held("vip") == set(range(10))


def test_an_undo_that_lost_an_answer_is_finished_by_asking_again(office: Office) -> None:
    """What has no receipt is sent again, towards the same membership."""
    office.want("vip", *range(3, 12))
    office.sync()
    office.platform.faults = ["lost_after", "lost_before"]
    office.undo("vip")
    finished = office.undo("vip")
    assert finished.uncertain == 0
    assert office.held("vip") == set(range(10))


def test_a_push_whose_answers_were_lost_can_be_taken_back(office: Office) -> None:
    """Nobody knows what that push did: everybody it may have moved is put back."""
    office.want("vip", *range(3, 12))
    office.platform.faults = ["lost_before", "lost_after"]
    [push] = office.sync()
    assert push.uncertain == 5
    office.undo("vip")
    assert office.held("vip") == set(range(10))


def test_guards_judge_an_undo(office: Office) -> None:
    """An undo that takes out more than is allowed is shown and stopped; nothing is held or sent until accepted."""
    office.bounds = Bounds(max_removed=0.2, max_growth=9.0, floor=2, max_age_days=2)
    office.people(*range(20))
    office.want("vip", *range(20))
    office.sync()
    before = office.mutations()
    stopped = office.undo("vip", ANN)
    assert (stopped.status, stopped.verdict, stopped.removes) == ("stopped", "too_many_removals", 10)
    assert (office.mutations(), office.project.record.holds()) == (before, [])
    office.undo("vip", BOLD)
    assert office.held("vip") == set(range(10))


def test_undo_beyond_kept_history_says_so(office: Office) -> None:
    """History is kept for a declared time; a push before it can't be taken back, and the sentence says why."""
    office.later(days=401)
    office.sync()
    before = office.mutations()
    gone = office.undo("vip")
    assert gone.status == "failed"
    assert gone.sentence == (
        "there is no push to take back: history is kept for 400 days, and in that time none changed this audience"
    )
    assert (office.mutations(), office.project.record.holds()) == (before, [])


def test_undo_is_recorded(office: Office) -> None:
    """Who, why and what: among the decisions, and as the reason in the history."""
    office.want("vip", *range(12))
    office.sync()
    office.undo("vip", ANN)
    [decision] = office.project.record.decisions()
    assert (decision.decision, decision.who, decision.why) == ("undo", "ann", "the campaign was wrong")
    assert (decision.destination, decision.segment) == ("platform", "vip")


def test_undo_of_a_push_from_another_warehouse(office: Office) -> None:
    """A warehouse built anew numbers people anew: those who come back are found by what was sent, not by number."""
    office.want("vip", *range(4, 10))
    office.sync()
    people = dict(office.world.people)
    office.world.people.clear()
    for number, person in people.items():
        office.world.put(100 + number, person)
    office.world.identity = "warehouse-2"
    office.want("vip", *range(104, 110))
    office.undo("vip")
    assert office.held("vip") == set(range(100, 110))


@pytest.mark.fault(
    "F37", injected="the process dies at each boundary of an undo", outcome="the membership before"
)
@pytest.mark.parametrize("share", range(4))
def test_dying_anywhere_while_undoing(
    office: Office, tmp_path_factory: pytest.TempPathFactory, share: int
) -> None:
    """Wherever the process dies, asking again restores the membership, and a night in between does not hinder it."""
    office.want("vip", *range(3, 12))
    office.sync()
    start = "journal.started.before"
    with dying_at(0, start) as reached:
        office.copy(tmp_path_factory.mktemp("whole")).undo("vip")
    assert {"journal.hold.open", "ledger.point.open", "platform.add.answered"} <= set(reached)
    for position, boundary in list(enumerate(reached, 1))[share::4]:
        dead = office.copy(tmp_path_factory.mktemp("dead"))
        with pytest.raises(Crashed), dying_at(position, start):
            dead.undo("vip")
        if position % 2:
            dead.sync()
        dead.undo("vip")
        assert dead.held("vip") == set(range(10)), boundary


def test_history_of_a_day_is_one_push(office: Office) -> None:
    """Two pushes of one day are two: only the later is taken back."""
    office.want("vip", *range(11))
    office.sync()
    office.later(seconds=1)
    office.want("vip", *range(12))
    office.sync()
    office.undo("vip")
    assert office.held("vip") == set(range(11))
