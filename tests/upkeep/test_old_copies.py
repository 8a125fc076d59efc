"""A ledger or a journal that is an old copy is noticed, and never believed."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.backup import copy_sqlite
from pipelines.delivery.boundaries import observe
from pipelines.delivery.journal import Journal
from tests.delivery.world import Person, Platform, World, push_all

NOBODY_LEFT = frozenset(range(30))


def decisions(state: Path) -> list[str]:
    """What the journal says was decided."""
    with Journal.open(state / "journal.sqlite") as journal:
        return [decision.decision for decision in journal.logbook.decisions()]


class Stop(Exception):
    """The process dies here."""


@pytest.mark.fault(
    "F53",
    injected="ledger or journal replaced by an old copy, nothing said",
    outcome="noticed by the mark that both remember; everybody is doubted by itself",
)
@pytest.mark.parametrize("old", ["platform.duckdb", "journal.sqlite"])
def test_an_old_copy_is_noticed_by_itself(
    world: World, platform: Platform, state: Path, tmp_path: Path, old: str
) -> None:
    """One store copied back by hand: the removal that only the newer one knew is not taken for a membership."""
    push_all(world, platform, state, "vip")
    shutil.copytree(state, tmp_path / "copy")
    for first in (3, 4):  # a journal that is one push behind is no doubt: what it does not know is none
        world.want("vip", set(range(first, 30)))
        push_all(world, platform, state, "vip")
    for path in state.glob(f"{old}*"):
        path.unlink()
    for path in (tmp_path / "copy").glob(f"{old}*"):
        shutil.copy(path, state)
    world.want("vip", NOBODY_LEFT)
    push_all(world, platform, state, "vip")
    assert platform.members("vip") == world.desired("vip")
    assert "doubted" in decisions(state)
    assert push_all(world, platform, state, "vip")[0].requests == 0


def test_a_crash_between_the_two_marks_is_no_doubt(world: World, platform: Platform, state: Path) -> None:
    """The ledger has its new mark, the journal does not know it yet: still the same pair, nothing is sent again."""
    push_all(world, platform, state, "vip")

    def dies(boundary: str) -> None:
        if boundary == "journal.used_with.open":
            raise Stop

    with observe(dies), pytest.raises(Stop):
        push_all(world, platform, state, "vip")
    assert push_all(world, platform, state, "vip")[0].requests == 0
    assert "doubted" not in decisions(state)


@pytest.fixture
def boundaries(world: World, platform: Platform, tmp_path: Path) -> list[str]:
    """Every boundary that a push with adds and removes passes, in order, each named once."""
    seen: list[str] = []
    push_all(world, platform, tmp_path / "seen", "vip")
    world.want("vip", set(range(3, 29)))
    world.change(10, email="moved@example.com")
    with observe(seen.append):
        push_all(world, platform, tmp_path / "seen", "vip")
    return list(dict.fromkeys(seen))


@pytest.mark.fault(
    "F53",
    injected="journal and ledger copied with a push standing at each of its boundaries between the two copies",
    outcome="never a person believed to be there who is not, never one believed gone who is",
)
def test_a_pair_copied_at_any_moment_of_a_push_leads_back_to_the_truth(
    boundaries: list[str], tmp_path: Path
) -> None:
    """The journal is copied before a push, the ledger at any boundary of it: the pair leads to doubt, not error.

    This is the worst that a backup can catch, as it waits for the account's lease between the two copies. The
    marks are taken away here, so that nothing but the order protects.
    """
    assert len(boundaries) > 25
    for boundary in boundaries:
        folder = tmp_path / boundary
        world, platform = _before_the_second_push(folder)
        copy_sqlite(folder / "state/journal.sqlite", folder / "journal.copy")
        _die_at(boundary, world, platform, folder / "state")
        for path in (folder / "state").glob("journal.sqlite*"):
            path.unlink()
        shutil.copy(folder / "journal.copy", folder / "state/journal.sqlite")
        with closing(sqlite3.connect(folder / "state/journal.sqlite")) as journal:
            journal.execute("delete from lineages")
            journal.commit()
        push_all(world, platform, folder / "state", "vip")
        assert platform.members("vip") == world.desired("vip"), boundary


def _before_the_second_push(folder: Path) -> tuple[World, Platform]:
    world, platform = World(), Platform()
    for number in range(30):
        world.put(number, Person(f"p{number}@example.com", f"+1 555 01{number:04}"))
    world.want("vip", set(range(27)))
    push_all(world, platform, folder / "state", "vip")
    world.want("vip", set(range(3, 29)))
    world.change(10, email="moved@example.com")
    return world, platform


def _die_at(boundary: str, world: World, platform: Platform, state: Path) -> None:
    def dies(reached: str) -> None:
        if reached == boundary:
            raise Stop

    with observe(dies), pytest.raises(Stop):
        push_all(world, platform, state, "vip")
