"""Quality as checks of the segments' assets, and the reach that is plotted there."""

from __future__ import annotations

from datetime import date

import dagster as dg
import pytest

from pipelines.assets.keys import segment_key
from pipelines.quality.night import RULES
from tests.assets.dagster_room import Room, failed_checks, failure, made, metadata

CHECKS = {"substantial", "actionable", "durable", "distinct", "sound_data"}


def answers(result: dg.ExecuteInProcessResult, segment: str) -> dict[str, tuple[bool, str]]:
    """Check of a segment to whether it passed and how bad it is."""
    return {
        one.check_name: (one.passed, one.severity.value)
        for one in result.get_asset_check_evaluations()
        if one.asset_key == segment_key(segment)
    }


@pytest.mark.requirement("QUA-1", "QUA-3", "QUA-5", "DAT-12")
def test_segments_are_checked_where_they_are_computed(room: Room) -> None:
    """Errors and warnings with their severity; what cannot be told yet has no answer, and nothing is blocked."""
    room.load()
    result = room.segment()
    assert result.success
    assert answers(result, "buyers") == {
        "substantial": (False, "WARN"),
        "actionable": (True, "WARN"),
        "distinct": (False, "WARN"),
        "sound_data": (True, "WARN"),
    }
    assert answers(result, "browsers")["substantial"] == (False, "ERROR"), "forty people"
    assert metadata(result, "segment/browsers")["reachable/mail"] == 40


@pytest.mark.requirement("QUA-4")
def test_a_second_day_answers_for_durability(room: Room) -> None:
    """Four of 58 are new, more than one in twenty; a backfilled older day is computed and asks nothing."""
    room.load()
    room.segment(date(2017, 12, 30))
    result = room.segment()
    assert answers(result, "buyers")["durable"] == (False, "WARN")
    old = room.segment(date(2017, 12, 22))
    assert made(old) >= {"segment/buyers"}
    assert not old.get_asset_check_evaluations() or "substantial" not in answers(old, "buyers")


@pytest.mark.requirement("QUA-1")
def test_checks_are_few_and_known(room: Room) -> None:
    """Five a segment, none blocking, named after what they ask; a broken segment has none."""
    room.shop.segment("spenders", "select person_no\nfrom ordres", ["ads"])
    graph = room.definitions.resolve_asset_graph()
    of = {key for key in graph.asset_check_keys if key.asset_key == segment_key("buyers")}
    assert {key.name for key in of} == CHECKS
    assert len(RULES) == len(CHECKS)
    assert not [key for key in of if graph.get(key).blocking]
    assert not [key for key in graph.asset_check_keys if key.asset_key == segment_key("spenders")]


@pytest.mark.requirement("QUA-1")
def test_a_check_can_be_executed_alone(room: Room) -> None:
    """The button of a check answers it from what was computed for the newest day, and computes nothing."""
    room.load()
    room.segment()
    key = dg.AssetCheckKey(segment_key("browsers"), "substantial")
    chosen = dg.define_asset_job("only_check", selection=dg.AssetSelection.checks(key))
    definitions = dg.Definitions.merge(room.definitions, dg.Definitions(jobs=[chosen]))
    result = definitions.resolve_job_def("only_check").execute_in_process(
        instance=room.instance, raise_on_error=False
    )
    assert result.success
    assert made(result) == set()
    assert answers(result, "browsers") == {"substantial": (False, "ERROR")}


@pytest.mark.requirement("QUA-1")
def test_a_new_audience_of_an_unfit_segment_stands_still(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the night too: the push is red with the sentence, its check says so, and the others are made."""
    settings = room.shop.settings
    monkeypatch.setattr(room.shop, "settings", lambda **changes: settings(quality_gate="block", **changes))
    room.load()
    room.segment()
    result = room.deliver()
    assert made(result) >= {"audience/ads/buyers", "audience/mail/buyers"}
    assert "audience/mail/browsers" not in made(result)
    assert "40 people, fewer than 50" in failure(result)
    assert ("audience/mail/browsers", "fresh") in failed_checks(result)
    assert not room.shop.members_file("mail", "browsers").exists()
    assert room.shop.members("mail", "buyers") == room.shop.buyers()
