"""Held-out people are in no payload, whatever happened before; they are counted, and leave when they are there."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import TODAY, Person, Platform, World, account, audience_push

from pipelines.delivery.delivery import deliver, plan
from pipelines.delivery.guards import Overrides
from pipelines.delivery.looking_back import look_back
from pipelines.delivery.model import Delivery, Push, Run
from pipelines.segments.holdout import Holdout

TENTH = Holdout(0.1, "vip")
HALF = Holdout(0.5, "vip")
EVERYWHERE = Holdout(0.3, "global", "global_holdout")


def vip(*draws: Holdout) -> Push:
    """A push of the segment with these draws."""
    return replace(audience_push("vip"), holdouts=draws)


def push(world: World, platform: Platform, folder: Path, *draws: Holdout) -> Delivery:
    """What a push with these draws did."""
    run = Run("run", TODAY, Overrides(accept_removals=True, accept_growth=True, who="test", why="test"))
    (done,) = deliver(account(world, platform, folder), [vip(*draws)], run)
    assert done.ok, done.errors
    return done


def held_out(world: World, draws: Sequence[Holdout]) -> set[int]:
    """Everybody wanted whom a draw holds out, worked out here."""
    return {n for n in range(25) if world.held_out(n, draws)}


@pytest.mark.requirement("HOLD-1")
def test_nobody_held_out_is_sent(world: World, platform: Platform, tmp_path: Path) -> None:
    """They are counted with their reason; the plan said so before; the second push has nothing to do."""
    out = held_out(world, [HALF])
    assert 5 < len(out) < 20
    (planned,) = plan(account(world, platform, tmp_path), [vip(HALF)], Run("run", TODAY))
    done = push(world, platform, tmp_path, HALF)
    assert planned.withheld == done.withheld == {"holdout": len(out)}
    assert done.added == 25 - len(out)
    assert platform.members("vip") == {world.people[n].handle for n in set(range(25)) - out}
    assert push(world, platform, tmp_path, HALF).requests == 0


@pytest.mark.requirement("HOLD-1")
def test_who_is_there_already_leaves(world: World, platform: Platform, tmp_path: Path) -> None:
    """A holdout that is declared later, and one that grows, take people out; the history says why."""
    push(world, platform, tmp_path)
    small, large = held_out(world, [TENTH]), held_out(world, [HALF])
    assert small < large
    assert push(world, platform, tmp_path, TENTH).removed == len(small)
    assert push(world, platform, tmp_path, HALF).removed == len(large) - len(small)
    with look_back(tmp_path, "platform", 0) as looking:
        assert looking is not None
        moves = [move for n in large for move in looking.standing("vip", n).moves if move.op == "remove"]
    assert [move.why for move in moves] == ["held_out"] * len(large)


@pytest.mark.requirement("HOLD-1")
def test_the_end_of_a_holdout_lets_everybody_in(world: World, platform: Platform, tmp_path: Path) -> None:
    """Without the draw the audience is the segment again."""
    push(world, platform, tmp_path, HALF)
    push(world, platform, tmp_path)
    assert platform.members("vip") == world.desired("vip")


@pytest.mark.requirement("HOLD-1")
def test_the_global_draw_counts_first(world: World, platform: Platform, tmp_path: Path) -> None:
    """Whom both hold out is counted under the global one alone."""
    everywhere, both = held_out(world, [EVERYWHERE]), held_out(world, [EVERYWHERE, HALF])
    assert everywhere & held_out(world, [HALF])
    done = push(world, platform, tmp_path, EVERYWHERE, HALF)
    assert done.withheld == {"global_holdout": len(everywhere), "holdout": len(both) - len(everywhere)}


@pytest.mark.requirement("HOLD-1")
def test_a_reason_of_their_own_comes_first(world: World, platform: Platform, tmp_path: Path) -> None:
    """Only who would be sent otherwise is counted as held out: that is whom the others are compared with."""
    one, other, *rest = sorted(held_out(world, [HALF]))
    world.change(one, granted=False)
    world.change(other, email=None, phone=None)
    done = push(world, platform, tmp_path, HALF)
    assert done.withheld == {"no_consent": 1, "no_identifier": 1, "holdout": len(rest)}


@pytest.mark.requirement("HOLD-1", "PRI-1")
def test_whoever_shares_their_identifiers_is_not_sent_either(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """To send a namesake with the same address would be to send them; also when the namesake is there already."""
    push(world, platform, tmp_path)
    out = sorted(held_out(world, [HALF]))[0]
    free = sorted(set(range(25)) - held_out(world, [HALF]))[0]
    world.change(out, email=world.people[free].email, phone=world.people[free].phone)
    shared = world.people[free].handle
    done = push(world, platform, tmp_path, HALF)
    assert shared not in platform.members("vip")
    assert done.withheld["holdout"] == len(held_out(world, [HALF])) + 1


person = st.integers(0, 29)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("refuse"), person),
        st.tuples(st.just("agree"), person),
        st.tuples(st.just("suppress"), person),
        st.tuples(st.just("share"), person),
        st.tuples(st.just("lose"), st.sampled_from(["lost_before", "lost_after", "refuse"])),
        st.tuples(st.just("push"), st.sampled_from([0, 0.1, 0.3, 0.5])),
        st.tuples(st.just("everywhere"), st.sampled_from([0, 0.2])),
    ),
    max_size=12,
)


class Watched(Platform):
    """A platform that remembers everybody it was ever asked to add, since it was last told to forget."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[tuple[str | None, str | None]] = set()

    def _apply(self, audience, rows, batch):  # type: ignore[no-untyped-def]
        if batch.op == "add":
            self.asked |= set(
                zip(rows.column("EMAIL").to_pylist(), rows.column("PHONE").to_pylist(), strict=True)
            )
        return super()._apply(audience, rows, batch)


@pytest.mark.requirement("PRI-1", "HOLD-1")
@settings(max_examples=25, deadline=None)
@given(steps)
def test_no_payload_ever_has_who_may_not_be_there(history: list[tuple[str, object]]) -> None:
    """Through any history of consents, suppressions, shared addresses, faults and draws: neither who did not agree,
    nor who is suppressed, nor who is held out is in a payload; and at the end the platform has exactly the rest."""
    world, platform, everywhere = World(), Watched(), 0.0
    for n in range(30):
        world.put(n, Person(f"p{n}@example.com"))
    world.want("vip", set(range(25)))
    with tempfile.TemporaryDirectory() as folder:
        for word, value in [*history, ("push", 0.3), ("push", 0.3)]:
            match word, value:
                case "refuse", int(n):
                    world.change(n, granted=False)
                case "agree", int(n):
                    world.change(n, granted=True)
                case "suppress", int(n):
                    world.change(n, suppressed="unsubscribed")
                case "share", int(n):
                    world.change(n, email=world.people[(n + 1) % 30].email)
                case "lose", str(fault):
                    platform.faults = [fault]
                case "everywhere", float(share) | int(share):
                    everywhere = share
                case "push", float(share) | int(share):
                    draws = _draws(everywhere, share)
                    platform.asked.clear()
                    run = Run("run", TODAY, Overrides(accept_removals=True, accept_growth=True))
                    deliver(account(world, platform, Path(folder)), [vip(*draws)], run)
                    assert platform.asked <= _sendable(world, draws)
        platform.faults = []
        push(world, platform, Path(folder), *_draws(everywhere, 0.3))
        assert platform.members("vip") == _sendable(world, _draws(everywhere, 0.3))


def _draws(everywhere: float, share: float) -> list[Holdout]:
    both = [Holdout(everywhere, "global", "global_holdout"), Holdout(share, "vip")]
    return [draw for draw in both if draw.share]


def _sendable(world: World, draws: Sequence[Holdout]) -> set[tuple[str | None, str | None]]:
    """The handles that a payload may have: of somebody who may be sent, and of nobody held out."""
    out = {world.people[n].handle for n in held_out(world, draws)}
    return {world.people[n].handle for n in range(25) if world.people[n].allowed} - out
