"""What a push does when platform, network or stores fail it, and what the next one makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from world import Platform, World, push_all

from connectors.base import Audience, AudienceRequest, SyncOptions


@pytest.mark.fault(
    "F02",
    "F03",
    "F05",
    injected="the answer to an add is lost after it was applied",
    outcome="uncertain and red; the next run sends it again",
)
@pytest.mark.promise("converges")
def test_a_lost_answer_is_repaired_by_the_next_run(world: World, platform: Platform, tmp_path: Path) -> None:
    """An add without a receipt counts as uncertain, turns the run red, and goes out again."""
    platform.faults = ["lost_after", "lost_before"]
    [result] = push_all(world, platform, tmp_path, "vip")
    assert (result.status, result.added, result.uncertain) == ("failed", 5, 20)
    [result] = push_all(world, platform, tmp_path, "vip")
    assert (result.status, result.added, result.kept, result.resends) == ("delivered", 0, 25, 20)
    assert platform.members("vip") == world.desired("vip")


@pytest.mark.fault(
    "F02",
    injected="the answer to an add is lost, then the person leaves the segment",
    outcome="removed all the same",
)
@pytest.mark.promise("never_lost", "converges")
def test_who_left_after_a_lost_answer_is_removed(world: World, platform: Platform, tmp_path: Path) -> None:
    """An add whose answer was lost may be there: leaving the segment removes it all the same."""
    platform.faults = ["lost_after"] * 3
    push_all(world, platform, tmp_path, "vip")
    world.want("vip", set(range(10, 25)))
    push_all(world, platform, tmp_path, "vip")
    assert platform.members("vip") == world.desired("vip")


@pytest.mark.fault(
    "F12", injected="a batch refused for named rows", outcome="sent again without them in the same run"
)
def test_named_bad_rows_are_rejected_and_the_others_go_out(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """A batch refused for named rows is sent again without them, in the same run."""
    bad = world.people[4].handle[0]
    assert bad is not None
    platform.bad_rows[bad] = "malformed"
    platform.faults = ["named"] * 3
    [result] = push_all(world, platform, tmp_path, "vip")
    assert (result.added, result.rejected, result.rejected_reasons) == (24, 1, {"malformed": 1})
    assert platform.members("vip") == world.desired("vip") - {world.people[4].handle}


@pytest.mark.fault(
    "F12", injected="a batch refused for a row that is not named", outcome="halved until the row is found"
)
def test_an_unnamed_bad_row_is_found(world: World, platform: Platform, tmp_path: Path) -> None:
    """A batch refused for a row that the platform does not name is halved until the row is found."""
    bad = world.people[4].handle[0]
    assert bad is not None
    platform.bad_rows[bad] = "malformed"
    platform.faults = ["poison"] * 50
    [result] = push_all(world, platform, tmp_path, "vip")
    assert (result.added, result.rejected) == (24, 1)
    assert platform.members("vip") == world.desired("vip") - {world.people[4].handle}


@pytest.mark.fault(
    "F09",
    injected="a row that the platform named as bad",
    outcome="left alone until its identity changes or a resync",
)
@pytest.mark.promise("bounded")
def test_rejected_rows_are_not_sent_again_every_day(world: World, platform: Platform, tmp_path: Path) -> None:
    """A row that the platform named as bad is left alone until its identity changes or a resync."""
    bad = world.people[4].handle[0]
    assert bad is not None
    platform.bad_rows[bad] = "malformed"
    push_all(world, platform, tmp_path, "vip")
    platform.calls.clear()
    [result] = push_all(world, platform, tmp_path, "vip")
    assert (platform.calls, result.rejected, result.kept) == ([], 1, 24)
    world.change(4, email="mended@example.com")
    [result] = push_all(world, platform, tmp_path, "vip")
    assert (result.added, result.rejected) == (1, 0)
    assert platform.members("vip") == world.desired("vip")


@pytest.mark.fault(
    "F34",
    injected="members vanish from the platform and others stay behind our back",
    outcome="a resync repairs it, removals included",
)
@pytest.mark.promise("converges")
def test_resync_sends_everybody_again_and_still_removes(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """A full resync repairs what was changed on the platform behind our back, removals included."""
    push_all(world, platform, tmp_path, "vip")
    platform.audiences["turnout:vip"].clear()
    world.want("vip", set(range(2, 25)))
    [result] = push_all(world, platform, tmp_path, "vip", resync=True)
    assert (result.kept, result.resends, result.removed) == (23, 23, 2)
    assert platform.members("vip") == world.desired("vip")


@pytest.mark.fault(
    "F29",
    injected="the audience is deleted on the platform",
    outcome="the run that notices is red; the next creates and fills it",
)
@pytest.mark.promise("converges")
def test_an_audience_deleted_behind_our_back(world: World, platform: Platform, tmp_path: Path) -> None:
    """The run that notices is red and says so; the next one creates the audience and fills it."""
    push_all(world, platform, tmp_path, "vip")
    platform.audiences.clear()
    [gone] = push_all(world, platform, tmp_path, "vip")
    assert (gone.status, gone.sentence) == ("failed", "the audience is not there any more")
    [again] = push_all(world, platform, tmp_path, "vip")
    assert again.added == 25
    assert platform.members("vip") == world.desired("vip")


@pytest.mark.promise("bounded")
def test_one_failing_audience_does_not_stop_its_neighbours(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """A segment that was never computed fails alone."""
    results = push_all(world, platform, tmp_path, "unknown", "vip")
    assert [(r.segment, r.status) for r in results] == [("unknown", "stopped"), ("vip", "delivered")]
    assert results[0].verdict == "never_computed"
    assert set(platform.audiences) == {"turnout:vip"}, "no empty audience is opened for it"


class Broken(Platform):
    """A connector with a bug: opening one audience fails in a way that no connector declares."""

    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        if request.marker == "turnout:vip":
            raise KeyError("p1@example.com with token-1")
        return super().open_audience(request, options)


@pytest.mark.promise("bounded", "quiet")
@pytest.mark.privacy("P28")
@pytest.mark.bad_input("B104")
def test_a_connectors_bug_is_its_audiences_failure(world: World, tmp_path: Path) -> None:
    """What no connector should raise is told by its kind, never by its text, and the neighbours are pushed."""
    world.want("others", set(range(5)))
    results = push_all(world, Broken(), tmp_path, "vip", "others")
    assert [(r.segment, r.status) for r in results] == [("vip", "failed"), ("others", "delivered")]
    assert results[0].errors == ("KeyError in the Test platform connector",)


@pytest.mark.fault(
    "F44",
    injected="two processes deliver to one account at once",
    outcome="the second is refused with the first one's number",
)
def test_a_second_delivery_at_once_is_told_who_delivers(
    world: World, platform: Platform, tmp_path: Path
) -> None:
    """The account's ledger is its lease: another process is refused with the holder's number."""
    import subprocess
    import sys

    path = tmp_path / "platform.duckdb"
    hold = (
        f"import duckdb, time; c = duckdb.connect({str(path)!r}); print('held', flush=True); time.sleep(30)"
    )
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        [result] = push_all(world, platform, tmp_path, "vip")
        holder.kill()
    assert result.status == "failed"
    assert f"process {holder.pid}" in result.sentence


@pytest.mark.fault(
    "F52",
    injected="a ledger that is no database",
    outcome="a sentence that says how to go on; nothing is sent",
)
def test_a_damaged_ledger_is_a_sentence(world: World, platform: Platform, tmp_path: Path) -> None:
    """A ledger that cannot be read says how to go on, and nothing is sent."""
    push_all(world, platform, tmp_path, "vip")
    (tmp_path / "platform.duckdb").write_bytes(b"not a database" * 1000)
    [result] = push_all(world, platform, tmp_path, "vip")
    assert result.status == "failed"
    assert "docs/recovery.md" in result.sentence


@pytest.mark.fault(
    "F54", injected="the journal is deleted", outcome="everybody is sent again; who left is still removed"
)
@pytest.mark.promise("converges", "never_lost")
def test_a_lost_journal_doubts_everything(world: World, platform: Platform, tmp_path: Path) -> None:
    """Without the journal nothing is certain: everybody is sent again, whoever left is still removed."""
    push_all(world, platform, tmp_path, "vip")
    for path in tmp_path.glob("journal.sqlite*"):
        path.unlink()
    world.want("vip", set(range(1, 25)))
    platform.audiences["turnout:vip"] = platform.members("vip")
    [result] = push_all(world, platform, tmp_path, "vip")
    assert (result.kept, result.resends, result.removed) == (24, 24, 1)
    assert platform.members("vip") == world.desired("vip")
