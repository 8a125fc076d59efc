"""Every kind of run that delivery knows, each small: up to fourteen people, four rows a request."""

from __future__ import annotations

import shutil
from dataclasses import replace

from tests.crash.judgement import LEDGER
from tests.crash.people import handle, person, world_of
from tests.crash.scenario import Family, trouble
from tests.crash.stage import Stage
from tests.crash.worker import PLAIN, Ask, Stop, state
from tests.delivery.world import DAY, World

MOVES = Family()
REFUSALS = Family()
DECISIONS = Family()
FOUNDATIONS = Family()

FAMILIES = {"moves": MOVES, "refusals": REFUSALS, "decisions": DECISIONS, "foundations": FOUNDATIONS}


def delivered(stage: Stage, people: int = 14, segment: set[int] | None = None, ask: Ask = PLAIN) -> None:
    """People are on the platform already."""
    stage.world = world_of(people, vip=set(range(9)) if segment is None else segment)
    delivered_as_is(stage, ask)


def delivered_as_is(stage: Stage, ask: Ask = PLAIN) -> None:
    """The world as it is, delivered by undisturbed runs, its jobs worked off and their verdicts read."""
    stage.quiet_runs(ask, 2)
    if stage.kind == "job":
        stage.quiet_runs(ask, 1)


# --- who comes and goes ------------------------------------------------------------------------------------


@MOVES.scenario(
    "nobody was there before: the audience is opened and filled",
    own=("journal.opened.", "ledger.audience.", "platform.open."),
)
def first_push(stage: Stage) -> None:
    stage.world = world_of(14, vip=set(range(9)))


@MOVES.scenario("people leave and others come", own=("journal.", "ledger.", "platform."))
def a_day_passes(stage: Stage) -> None:
    delivered(stage)
    stage.world.want("vip", {3, 4, 5, 6, 7, 8, 9, 10, 11})


@MOVES.scenario("everybody leaves, and an operator says it is right", ask=Ask(accept_removals=True))
def all_leave(stage: Stage) -> None:
    delivered(stage)
    stage.world.want("vip", set())


@MOVES.scenario("who was removed yesterday comes back today")
def they_come_back(stage: Stage) -> None:
    delivered(stage)
    stage.world.want("vip", {5, 6, 7, 8})
    delivered_as_is(stage)
    stage.world.want("vip", {0, 1, 2, 5, 6})


@MOVES.scenario("people change their e-mail or phone: an old identity leaves, a new one comes")
def identifiers_change(stage: Stage) -> None:
    delivered(stage)
    stage.world.change(1, email="new1@example.com")
    stage.world.change(2, phone="+1 202 555 0999")
    stage.world.change(3, email=None)
    stage.world.change(4, phone=None)


@MOVES.scenario("who leaves shares a phone with somebody who stays and somebody who comes")
def phones_are_shared(stage: Stage) -> None:
    stage.world = world_of(14, vip=set(range(9)))
    for number in (0, 1, 9):
        stage.world.change(number, phone="+1 202 555 0777")
    delivered_as_is(stage)
    stage.world.want("vip", {1, 3, 4, 5, 6, 7, 8, 9})


@MOVES.scenario("who leaves has no identifier that is theirs alone: nobody is asked to be removed")
def nothing_to_ask_for(stage: Stage) -> None:
    stage.world = world_of(14, vip=set(range(6)))
    stage.world.change(0, email=None, phone="+1 202 555 0777")
    stage.world.change(1, phone="+1 202 555 0777")
    delivered_as_is(stage)
    stage.world.want("vip", {1, 2, 3, 4, 5, 6})


def _both_move(world: World) -> None:
    world.want("vip", {1, 2, 11})
    world.want("new", {4, 5, 6})
    world.change(5, granted=False)


@MOVES.scenario(
    "two audiences with people in common in one run", ask=Ask(("vip", "new")), next_version=_both_move
)
def two_audiences(stage: Stage) -> None:
    stage.world = world_of(14, vip=set(range(6)), new={4, 5, 10})
    delivered_as_is(stage, Ask(("vip", "new")))
    stage.world.want("vip", {2, 3, 4, 5, 6})
    stage.world.want("new", {5, 10, 11})


# --- rows and requests that fail ---------------------------------------------------------------------------


@REFUSALS.scenario(
    "a request is refused because of rows that the answer names: the others go again",
    own=("journal.refuse_rows.", "ledger.repoint."),
)
def rows_named(stage: Stage) -> None:
    stage.world = world_of(14, vip=set(range(9)))
    trouble(stage, "named", 1, 2, 6)


@REFUSALS.scenario("a request is refused because of a row that the answer does not name: it is searched for")
def rows_searched(stage: Stage) -> None:
    stage.world = world_of(14, vip=set(range(9)))
    trouble(stage, "unnamed", 2)


@REFUSALS.scenario("single rows are not taken, with a reason; the others are")
def rows_rejected(stage: Stage) -> None:
    stage.world = world_of(14, vip=set(range(9)))
    trouble(stage, "rejected", 0, 5)


@REFUSALS.scenario(
    "only how many rows were not taken is told: they are found by halves", kinds=("direct", "session")
)
def rows_counted(stage: Stage) -> None:
    stage.world = world_of(14, vip=set(range(9)))
    trouble(stage, "counted", 2, 6)


@REFUSALS.scenario(
    "people rejected earlier leave, or change what was rejected", own=("journal.forget_rejections.",)
)
def the_rejected_move(stage: Stage) -> None:
    stage.world = world_of(14, vip=set(range(9)))
    trouble(stage, "rejected", 0, 5, 6)
    delivered_as_is(stage)
    stage.world.want("vip", {1, 2, 3, 4, 5, 6, 7, 8, 9})
    stage.world.change(5, email="better@example.com")


@REFUSALS.scenario("one request is refused as a whole, for now", own=("journal.fail.",))
def a_request_refused(stage: Stage) -> None:
    delivered(stage)
    stage.world.want("vip", {3, 4, 5, 6, 7, 8, 9, 10, 11})
    trouble(stage, "refused", 0, 9)


@REFUSALS.scenario("the answers to a removal and to an addition are lost after they were applied")
def answers_lost(stage: Stage) -> None:
    delivered(stage)
    stage.world.want("vip", {3, 4, 5, 6, 7, 8, 9, 10, 11})
    trouble(stage, "unanswered", 1, 10)


@REFUSALS.scenario(
    "a page for people comes where an answer should, and nothing was applied", kinds=("direct", "session")
)
def a_page_instead(stage: Stage) -> None:
    delivered(stage)
    stage.world.want("vip", {3, 4, 5, 6, 7, 8, 9, 10, 11})
    trouble(stage, "html", 1, 10)


@REFUSALS.scenario("a removal is answered, but somebody in it is not taken out", own=("ledger.set_apart.",))
def somebody_stays(stage: Stage) -> None:
    delivered(stage)
    stage.world.want("vip", {3, 4, 5, 6, 7, 8, 9, 10, 11})
    trouble(stage, "staying", 1)
    if stage.kind == "job":
        stage.run(PLAIN)
        stage.platform.work()


# --- what people decide ------------------------------------------------------------------------------------


def _back_to_normal(world: World) -> None:
    world.want("vip", set(range(10)))
    world.change(3, granted=False)


@DECISIONS.scenario(
    "the segment is suddenly empty: a guard holds everybody, but opt-outs and the erased leave",
    ask=Ask(strict=True),
    held_back=True,
    next_version=_back_to_normal,
)
def guard_trips(stage: Stage) -> None:
    delivered(stage)
    stage.world.want("vip", set())
    stage.world.change(0, granted=False)
    stage.world.change(1, suppressed="unsubscribed")
    stage.world.erase(2)


@DECISIONS.scenario(
    "too many would be removed, and an operator says it is right",
    ask=Ask(strict=True, accept_removals=True),
    own=("journal.decided.",),
)
def removals_accepted(stage: Stage) -> None:
    delivered(stage)
    stage.world.want("vip", {6, 7, 8, 9})


@DECISIONS.scenario(
    "a reviewed plan is applied: looked at, begun, sent, ended",
    ask=Ask(task="apply"),
    own=("journal.apply_begin.", "journal.apply_end.", "ledger.let_go."),
)
def plan_applied(stage: Stage) -> None:
    delivered(stage)
    stage.world.want("vip", {3, 4, 5, 6, 7, 8, 9, 10, 11})


@DECISIONS.scenario(
    "an audience is put on hold, and goes on",
    ask=Ask(task="hold and resume"),
    own=("journal.hold.", "journal.lift_hold."),
)
def held_and_resumed(stage: Stage) -> None:
    delivered(stage)
    stage.world.want("vip", {3, 4, 5, 6, 7, 8, 9, 10, 11})
    stage.world.change(4, granted=False)


@DECISIONS.scenario(
    "people ask to be forgotten: they are found by what was once known of them",
    ask=Ask(task="erase"),
    own=("ledger.tie_erased.", "ledger.forget_erased."),
)
def erasure_asked(stage: Stage) -> None:
    delivered(stage)
    stage.world.erase(1)
    stage.world.erase(6)


@DECISIONS.scenario(
    "the platform lists somebody whom nobody sent and lacks two who were: ours wins",
    ask=Ask(task="compare"),
    own=("ledger.repair.",),
)
def changed_by_hand(stage: Stage) -> None:
    delivered(stage)
    stage.platform.change_by_hand({handle(person(99))}, {handle(person(0)), handle(person(1))})
    stage.world.change(2, granted=False)


@DECISIONS.scenario("people withdraw, opt out and are erased", own=("journal.erased.",))
def people_refuse(stage: Stage) -> None:
    delivered(stage)
    stage.world.change(0, granted=False)
    stage.world.change(1, suppressed="unsubscribed")
    stage.world.erase(2)
    stage.world.erase(7)


@DECISIONS.scenario(
    "everything is doubted: all desired people are sent again, the others removed",
    ask=Ask(resync=True),
    own=("journal.doubt.",),
)
def resync(stage: Stage) -> None:
    delivered(stage)
    stage.world.want("vip", {2, 3, 4, 5, 6, 7, 8, 9, 10})


@DECISIONS.scenario(
    "a segment has a new name", ask=Ask(formerly="old"), own=("journal.rename.", "ledger.rename.")
)
def renamed(stage: Stage) -> None:
    stage.world = world_of(14, old=set(range(9)))
    delivered_as_is(stage, Ask(("old",)))
    del stage.world.segments["old"]
    stage.world.want("vip", {1, 2, 3, 4, 5, 6, 7, 8, 9})


@DECISIONS.scenario(
    "somebody deleted the audience on the platform", own=("journal.forget_audience.", "ledger.forget.")
)
def audience_deleted(stage: Stage) -> None:
    delivered(stage)
    stage.platform.delete_audiences()
    stage.world.want("vip", {3, 4, 5, 6, 7, 8, 9})


# --- what everything stands on -----------------------------------------------------------------------------


@FOUNDATIONS.scenario(
    "jobs of yesterday's run are still to be polled, one of them has failed",
    kinds=("job",),
    own=("platform.poll.",),
)
def jobs_waiting(stage: Stage) -> None:
    delivered(stage)
    stage.world.want("vip", {3, 4, 5, 6, 7, 8, 9, 10, 11})
    stage.run(PLAIN)
    stage.platform.work()
    stage.world.want("vip", {4, 5, 6, 7, 8, 9, 10, 11, 12})


@FOUNDATIONS.scenario(
    "a normalising rule has changed: what was sent is removed as it was sent", ask=Ask(rules="second")
)
def rule_changed(stage: Stage) -> None:
    delivered(stage)
    stage.world.want("vip", {1, 2, 3, 4, 5, 6, 7, 8, 9})


@FOUNDATIONS.scenario("the warehouse was built anew and numbers people differently")
def new_warehouse(stage: Stage) -> None:
    delivered(stage)
    world = World(identity="warehouse-2")
    for number, who in stage.world.people.items():
        world.put(13 - number, who)
    world.want("vip", {13 - number for number in range(2, 10)}, DAY)
    stage.world = world


@FOUNDATIONS.scenario(
    "an old copy of the ledger was put back: everybody is doubted", own=("journal.distrust.",)
)
def old_ledger(stage: Stage) -> None:
    delivered(stage)
    ledger = state(stage.folder) / LEDGER
    copy = shutil.copy(ledger, stage.folder / "copy")
    before = stage.members(PLAIN, "vip")
    stage.world.want("vip", {2, 3, 4, 5, 6, 7, 8})
    delivered_as_is(stage)
    shutil.move(copy, ledger)
    # The old ledger marks the two who left as on the platform; only the run that doubts it can know better.
    stage.platform.state.dropped |= before - stage.members(PLAIN, "vip")
    stage.world.want("vip", {2, 3, 4, 5, 6, 7, 8, 9, 10, 11})


LATE = Ask(hours=4, settles_hours=2)


@FOUNDATIONS.scenario(
    "copies of old additions come after the removals: what was asked last is asked once more", ask=LATE
)
def late_additions(stage: Stage) -> None:
    delivered(stage, ask=replace(LATE, hours=0))
    stage.world.want("vip", {3, 4, 5, 6, 7, 8, 9, 10, 11})
    delivered_as_is(stage, replace(LATE, hours=1))
    stage.platform.late_copy("add")


@FOUNDATIONS.scenario("copies of old removals come after the additions", ask=LATE)
def late_removals(stage: Stage) -> None:
    delivered(stage, ask=replace(LATE, hours=0))
    stage.world.want("vip", {3, 4, 5, 6, 7, 8})
    delivered_as_is(stage, replace(LATE, hours=0.5))
    stage.world.want("vip", {0, 1, 3, 4, 5, 6, 7, 8})
    delivered_as_is(stage, replace(LATE, hours=1))
    stage.platform.late_copy("remove")


@FOUNDATIONS.scenario(
    "history that was kept long enough is forgotten",
    ask=Ask(hours=48, history_hours=24),
    own=("journal.prune.", "journal.forget_batches.", "ledger.forget_batches."),
)
def history_ends(stage: Stage) -> None:
    delivered(stage)
    stage.world.want("vip", {9, 10, 11, 12, 13})
    delivered_as_is(stage)
    delivered_as_is(stage)
    stage.world.want("vip", {1, 2, 9, 10, 11, 12})


@FOUNDATIONS.scenario("the run before was killed in the middle of its requests")
def after_a_kill(stage: Stage) -> None:
    delivered(stage)
    stage.world.want("vip", {3, 4, 5, 6, 7, 8, 9, 10, 11})
    stage.run(PLAIN, Stop("wire.add.applied"))
    stage.world.want("vip", {2, 3, 4, 5, 6, 7, 8, 9, 12})
