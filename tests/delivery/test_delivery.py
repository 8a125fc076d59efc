"""What a push does, situation by situation."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from world import BOUNDS, DAY, TODAY, Person, Platform, World, audience_push, plan_all, push_all

from pipelines.delivery.delivery import deliver
from pipelines.delivery.guards import Overrides
from pipelines.delivery.journal import Journal
from pipelines.delivery.model import Delivery, Run


def one(deliveries: list[Delivery]) -> Delivery:
    """The only delivery of a run."""
    assert len(deliveries) == 1
    return deliveries[0]


@pytest.mark.promise("closes")
def test_first_push_adds_everybody_desired(world: World, platform: Platform, tmp_path: Path) -> None:
    """A new audience is opened and receives exactly the desired people, in batches of the platform's size."""
    result = one(push_all(world, platform, tmp_path, "vip"))
    assert result.ok
    assert platform.members("vip") == world.desired("vip")
    assert platform.calls == [("add", 10), ("add", 10), ("add", 5)]
    assert (result.desired, result.added, result.held, result.requests) == (25, 25, 25, 3)


def test_second_push_sends_nothing(world: World, platform: Platform, tmp_path: Path) -> None:
    """Nothing changed, nothing is sent."""
    push_all(world, platform, tmp_path, "vip")
    platform.calls.clear()
    result = one(push_all(world, platform, tmp_path, "vip"))
    assert platform.calls == []
    assert (result.added, result.removed, result.kept, result.requests) == (0, 0, 25, 0)


@pytest.mark.fault(
    "F24",
    injected="people join and leave in one run",
    outcome="every request carries one operation; removals go first",
)
def test_only_the_change_is_sent(world: World, platform: Platform, tmp_path: Path) -> None:
    """Who joined is added, who left is removed, the others are left alone; removes go first."""
    push_all(world, platform, tmp_path, "vip")
    platform.calls.clear()
    world.want("vip", set(range(3, 28)))
    result = one(push_all(world, platform, tmp_path, "vip"))
    assert platform.calls == [("remove", 3), ("add", 3)]
    assert platform.members("vip") == world.desired("vip")
    assert (result.added, result.removed, result.kept) == (3, 3, 22)


def test_a_plan_sends_nothing_and_equals_the_push(world: World, platform: Platform, tmp_path: Path) -> None:
    """The counts of a plan are those of the push that follows, and the platform is not touched by it."""
    planned = one(plan_all(world, platform, tmp_path, "vip"))
    assert platform.audiences == {}
    pushed = one(push_all(world, platform, tmp_path, "vip"))
    assert (planned.status, planned.adds, planned.removes) == ("planned", pushed.added, pushed.removed)


@pytest.mark.requirement("PRI-1")
@pytest.mark.privacy("P01")
@pytest.mark.promise("closes")
def test_nobody_without_consent_or_suppressed_is_sent(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """Whoever may not be sent is withheld with the reason."""
    world.change(0, granted=False)
    world.change(1, suppressed="unsubscribed")
    world.change(2, email=None, phone=None)
    result = one(push_all(world, platform, tmp_path, "vip"))
    assert platform.members("vip") == world.desired("vip")
    assert result.withheld == {"no_consent": 1, "unsubscribed": 1, "no_identifier": 1}
    assert result.added == 22


@pytest.mark.privacy("P05", "P06")
@pytest.mark.fault(
    "F59",
    injected="a segment loses most of its people overnight",
    outcome="withheld until somebody agrees; opt-outs leave at once",
)
def test_opt_out_is_removed_although_the_guard_holds_the_rest(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """A segment that loses too many keeps them until somebody agrees, but opt-outs leave at once."""
    push_all(world, platform, tmp_path, "vip")
    world.want("vip", {0, 1})
    world.change(24, granted=False)
    world.erase(23)
    result = one(push_all(world, platform, tmp_path, "vip"))
    assert result.status == "stopped"
    assert result.verdict == "too_many_removals"
    assert "accept_removals" in result.sentence
    assert (result.removed, result.must_go, result.held) == (2, 2, 23)
    assert len(platform.members("vip")) == 23


@pytest.mark.fault(
    "F60",
    injected="half of the customers are gone from the source",
    outcome="nobody is removed for it; opt-outs still are",
)
def test_half_a_source_that_did_not_arrive_removes_nobody(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """People who are gone from the sources have not opted out: their removal waits for the guard, opt-outs do not."""
    push_all(world, platform, tmp_path, "vip")
    for n in range(15):
        world.change(n, email=None, phone=None, suppressed="gone_from_source")
    world.erase(24)
    world.want("vip", set(range(15, 25)))
    result = one(push_all(world, platform, tmp_path, "vip"))
    assert (result.verdict, result.must_go, result.removed, result.held) == ("too_many_removals", 1, 1, 24)
    result = one(push_all(world, platform, tmp_path, "vip", today=TODAY + timedelta(days=9)))
    assert (result.verdict, result.removed, result.held) == ("stale_segment", 0, 24)
    allowed = Overrides(accept_removals=True, who="ann", why="the shop closed")
    result = one(push_all(world, platform, tmp_path, "vip", overrides=allowed))
    assert (result.removed, platform.members("vip")) == (15, world.desired("vip"))


@pytest.mark.privacy("P47")
def test_an_override_passes_the_guard_and_is_recorded(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """One word lets the removal pass, and the journal keeps who said so and why."""
    push_all(world, platform, tmp_path, "vip")
    world.want("vip", {0, 1})
    allowed = Overrides(accept_removals=True, who="ann", why="campaign ended")
    result = one(push_all(world, platform, tmp_path, "vip", overrides=allowed))
    assert result.ok
    assert result.verdict == "overridden"
    assert platform.members("vip") == world.desired("vip")
    with Journal.open(tmp_path / "journal.sqlite") as journal:
        assert [(d.who, d.why, d.segment) for d in journal.logbook.decisions()] == [
            ("ann", "campaign ended", "vip")
        ]


@pytest.mark.fault(
    "F58", injected="the segment returns nobody", outcome="stopped; the audience stays as it is"
)
@pytest.mark.bad_input("B91")
def test_an_empty_segment_never_empties_the_audience(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """A query that returns nobody is stopped."""
    push_all(world, platform, tmp_path, "vip")
    world.want("vip", set())
    result = one(push_all(world, platform, tmp_path, "vip"))
    assert (result.status, result.verdict, result.held) == ("stopped", "empty_segment", 25)


@pytest.mark.fault("F60", injected="the segment was not computed in time", outcome="only opt-outs move")
@pytest.mark.privacy("P06")
def test_a_stale_segment_removes_only_opt_outs(world: World, platform: Platform, tmp_path: Path) -> None:
    """When the segment was not computed in time, nobody is added or removed but for opt-outs."""
    push_all(world, platform, tmp_path, "vip")
    world.change(3, suppressed="erased", email=None, phone=None)
    result = one(push_all(world, platform, tmp_path, "vip", today=TODAY + timedelta(days=9)))
    assert (result.status, result.verdict, result.removed, result.added) == ("stopped", "stale_segment", 1, 0)
    assert len(platform.members("vip")) == 24


def test_a_segment_behind_its_features_is_stale(world: World, platform: Platform, tmp_path: Path) -> None:
    """A segment that failed last night does not push yesterday's list as today's."""
    push_all(world, platform, tmp_path, "vip")
    world.newest = DAY + timedelta(days=1)
    result = one(push_all(world, platform, tmp_path, "vip"))
    assert result.verdict == "stale_segment"
    assert "failed or was left out" in result.sentence


@pytest.mark.fault(
    "F59",
    injected="a segment that suddenly wants everybody",
    outcome="stopped until somebody says that it is right",
)
@pytest.mark.bad_input("B92")
def test_a_size_jump_is_stopped(world: World, platform: Platform, tmp_path: Path) -> None:
    """A slip in a condition that suddenly wants everybody does not upload everybody."""
    world.want("vip", set(range(6)))
    push_all(world, platform, tmp_path, "vip")
    world.want("vip", set(range(30)))
    result = one(push_all(world, platform, tmp_path, "vip"))
    assert (result.verdict, result.added, result.withheld) == ("size_jump", 0, {"guard": 24})


@pytest.mark.promise("converges")
def test_changed_email_with_kept_phone_keeps_the_person(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """The old row leaves by its old e-mail alone, so that the phone does not take the new row with it."""
    push_all(world, platform, tmp_path, "vip")
    world.change(0, email="new@example.com")
    result = one(push_all(world, platform, tmp_path, "vip"))
    assert result.ok
    assert platform.members("vip") == world.desired("vip")


@pytest.mark.promise("never_claimed")
def test_two_people_sharing_a_phone(world: World, platform: Platform, tmp_path: Path) -> None:
    """Removing one of two people who share a phone never removes the other."""
    world.change(1, phone=world.people[0].phone)
    push_all(world, platform, tmp_path, "vip")
    world.want("vip", set(range(1, 25)))
    push_all(world, platform, tmp_path, "vip")
    assert platform.members("vip") == world.desired("vip")


@pytest.mark.bad_input("B04")
@pytest.mark.promise("closes")
def test_two_people_with_one_identity_are_one_member(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """The same identity is sent once, and the second person is accounted for."""
    twin = world.people[0]
    world.put(1, Person(f" {twin.email.upper() if twin.email else ''}", twin.phone))
    result = one(push_all(world, platform, tmp_path, "vip"))
    assert (result.added, result.withheld) == (24, {"same_identity": 1})
    again = one(push_all(world, platform, tmp_path, "vip"))
    assert (again.kept, again.withheld) == (24, {"same_identity": 1})
    world.want("vip", set(range(1, 25)))
    final = one(push_all(world, platform, tmp_path, "vip"))
    assert (final.removed, final.added) == (0, 0)
    assert platform.members("vip") == world.desired("vip")


def test_a_renamed_segment_keeps_its_audience(world: World, platform: Platform, tmp_path: Path) -> None:
    """``formerly`` carries the audience over: nobody is removed and added again."""
    push_all(world, platform, tmp_path, "vip")
    world.want("very_important", set(range(25)))
    platform.calls.clear()
    from world import account

    push = audience_push("very_important", formerly="vip")
    result = one(deliver(account(world, platform, tmp_path), [push], Run("run", TODAY)))
    assert (platform.calls, result.kept, result.audience_id) == ([], 25, "turnout:vip")


def test_a_rebuilt_warehouse_does_not_confuse_people(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """When people are numbered anew, members are found again by what was sent, not by their number."""
    push_all(world, platform, tmp_path, "vip")
    world.people = {29 - n: p for n, p in world.people.items()}
    world.want("vip", {29 - n for n in range(25)})
    world.identity = "warehouse-2"
    platform.calls.clear()
    result = one(push_all(world, platform, tmp_path, "vip"))
    assert (platform.calls, result.kept) == ([], 25)
    world.change(29, suppressed="erased", email=None, phone=None)
    assert one(push_all(world, platform, tmp_path, "vip")).removed == 1
    assert platform.members("vip") == world.desired("vip")


def test_only_the_changed_are_normalised_again(world: World, platform: Platform, tmp_path: Path) -> None:
    """A push reads the rows of people who changed and no others."""
    push_all(world, platform, tmp_path, "vip")
    asked: list[int] = []
    original = world._people

    def counting(numbers: list[int], columns: tuple[str, ...]) -> object:
        asked.extend(numbers)
        return original(numbers, columns)

    world._people = counting  # type: ignore[assignment, method-assign]
    world.change(7, email="other@example.com")
    push_all(world, platform, tmp_path, "vip")
    assert set(asked) == {7}


@pytest.mark.privacy("P31")
@pytest.mark.promise("quiet")
def test_no_plain_identifier_rests_in_the_ledger(world: World, platform: Platform, tmp_path: Path) -> None:
    """For a platform that takes digests, the state folder holds digests."""
    push_all(world, platform, tmp_path, "vip")
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"example.com" not in stored
    assert b"Springfield" not in stored
    assert {
        oct(p.stat().st_mode & 0o077) for p in tmp_path.glob("*.*") if p.suffix in (".duckdb", ".sqlite")
    } == {"0o0"}


@pytest.mark.privacy("P24")
def test_rows_of_people_removed_leave_the_ledger(world: World, platform: Platform, tmp_path: Path) -> None:
    """After a receipted removal the person's digests are gone from the ledger and the journal."""
    push_all(world, platform, tmp_path, "vip")
    world.erase(5)
    push_all(world, platform, tmp_path, "vip")
    with duckdb.connect(tmp_path / "platform.duckdb") as ledger:
        assert ledger.execute("select count(*) from members").fetchall() == [(24,)]
        assert ledger.execute("select count(*) from members where person_no = 5").fetchall() == [(0,)]


@pytest.mark.promise("bounded")
@pytest.mark.parametrize("max_in_flight", [1, 8])
def test_batches_in_flight_are_bounded(world: World, tmp_path: Path, max_in_flight: int) -> None:
    """The platform never sees more requests at once than its limit, and every batch is sent."""
    platform = Platform(max_rows=2, max_in_flight=max_in_flight)
    push_all(world, platform, tmp_path, "vip", bounds=BOUNDS)
    assert platform.members("vip") == world.desired("vip")
    assert len(platform.calls) == 13
