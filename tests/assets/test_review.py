"""Plans, undo and holds as jobs, in a real Dagster instance: started by hand, with a name and a reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import pytest

from pipelines.assets.keys import audience_key
from tests.assets.dagster_room import Room, failed_checks, failure, made, metadata
from tests.assets.shop import customer

STEPS = {
    "write_plan": "write_plan_file",
    "apply_plan": "apply_as_planned",
    "undo": "take_back",
    "hold": "put_on_hold",
    "resume": "let_go_on",
}
ANN = {"who": "ann", "why": "the campaign was wrong"}


def start(room: Room, job: str, **config: object) -> dg.ExecuteInProcessResult:
    """Run one of the jobs with what an operator typed into the launchpad."""
    return room.definitions.resolve_job_def(job).execute_in_process(
        instance=room.instance,
        raise_on_error=False,
        run_config={"ops": {STEPS[job]: {"config": config}}},
    )


def half_the_browsers(room: Room) -> set[str]:
    """Tonight's segment of browsers has every second of them; returns those who stay."""
    room.shop.segment(
        "browsers", "select distinct person_no\nfrom web_events\nwhere person_no % 2 = 0", ("mail",)
    )
    room.segment()
    return room.shop.browsers()


def observed(room: Room, key: dg.AssetKey) -> list[Mapping[str, dg.MetadataValue]]:
    """What was noted on an asset's page, newest first."""
    records = room.instance.fetch_observations(key, limit=10).records
    return [
        record.event_log_entry.asset_observation.metadata
        for record in records
        if record.event_log_entry.asset_observation is not None
    ]


def test_a_plan_is_written_reviewed_and_applied(delivered: Room) -> None:
    """The plan lies in the home folder; applied, the push shows on the audience's page like any, with who and why in
    the journal."""
    everybody = half_the_browsers(delivered)
    path = delivered.shop.folder / "plans" / "tonight.json"
    written = start(delivered, "write_plan", who="ann", audiences=["mail/browsers"], path=str(path))
    assert written.success
    [audience] = json.loads(path.read_text())["audiences"]
    assert audience["removes"] > 0
    assert delivered.shop.members("mail", "browsers") == everybody
    applied = start(delivered, "apply_plan", plan=str(path), accept_removals=True, **ANN)
    assert applied.success, failure(applied)
    assert made(applied) == {"audience/mail/browsers"}
    assert metadata(applied, "audience/mail/browsers")["removed"] == audience["removes"]
    assert len(delivered.shop.members("mail", "browsers")) == len(everybody) - audience["removes"]
    settings = delivered.shop.settings()
    from pipelines.project import Project  # the journal, as any process reads it

    told = {(d.decision, d.who) for d in Project(settings).record.decisions()}
    assert told == {("apply_plan", "ann"), ("overridden", "ann")}


def test_the_text_of_a_plan_can_be_pasted(delivered: Room) -> None:
    """Where the operator has no access to the machine's files, the plan's text does as well; applied twice, it is
    said, and no failure."""
    half_the_browsers(delivered)
    path = delivered.shop.folder / "plan.json"
    start(delivered, "write_plan", who="ann", audiences=["mail/browsers"], path=str(path))
    text = path.read_text()
    path.unlink()
    assert start(delivered, "apply_plan", plan=text, accept_removals=True, **ANN).success
    again = start(delivered, "apply_plan", plan=text, accept_removals=True, **ANN)
    assert again.success
    assert made(again) == set()


def test_a_plan_that_no_longer_fits_fails_with_what_changed(delivered: Room) -> None:
    """The run is red, its sentence says what changed, nothing was sent, and it is not tried again."""
    path = delivered.shop.folder / "plan.json"
    start(delivered, "write_plan", who="ann", path=str(path))
    delivered.shop.opt_out(3)
    delivered.load()
    before = delivered.shop.changes("mail", "buyers")
    refused = start(delivered, "apply_plan", plan=str(path), **ANN)
    assert not refused.success
    assert "1 removal more; 1 of them opted out or were erased" in failure(refused)
    assert delivered.shop.changes("mail", "buyers") == before
    text = path.read_text().replace("buyers", "spenders")
    edited = start(delivered, "apply_plan", plan=text, **ANN)
    assert "it was changed after it was sealed" in failure(edited)


def test_a_plan_without_a_path_lies_in_the_home_folder(delivered: Room) -> None:
    """Nothing but a name is needed to write a plan of everything."""
    written = start(delivered, "write_plan", who="ann")
    assert written.success
    path = Path(delivered.shop.settings().home) / "plans" / f"{written.dagster_run.run_id}.json"
    assert len(json.loads(path.read_text())["audiences"]) == 4


def test_undo_stays_over_the_next_night(delivered: Room) -> None:
    """The push is taken back; the next night leaves the audience alone but for opt-outs, green, with a warning on its
    page, until it is resumed."""
    everybody = half_the_browsers(delivered)
    key = audience_key("mail", "browsers")
    delivered.materialize(key, config={"accept_removals": True, "who": "ann", "why": "half"})
    half = delivered.shop.members("mail", "browsers")
    assert half < everybody
    undone = start(delivered, "undo", audience="mail/browsers", **ANN)
    assert undone.success, failure(undone)
    assert metadata(undone, "audience/mail/browsers")["added"] == len(everybody - half)
    assert delivered.shop.members("mail", "browsers") == everybody
    delivered.shop.opt_out(0)
    load, segment, deliver = delivered.night()
    assert (load.success, segment.success, deliver.success) == (True, True, True)
    assert delivered.shop.members("mail", "browsers") == everybody - {customer(0)}
    assert "on hold since" in metadata(deliver, "audience/mail/browsers")["verdict"]
    assert ("audience/mail/browsers", "fresh") in failed_checks(deliver)
    assert start(delivered, "resume", audience="mail/browsers", who="bob", why="it was right").success
    delivered.materialize(key, config={"accept_removals": True, "who": "ann", "why": "half"})
    assert delivered.shop.members("mail", "browsers") == half - {customer(0)}


def test_a_hold_is_on_the_audiences_page(delivered: Room) -> None:
    """Who, when and why stand there at once, and again when it is resumed."""
    held = start(delivered, "hold", audience="ads/buyers", who="ann", why="stocktaking")
    assert held.success
    resumed = start(delivered, "resume", audience="ads/buyers", who="bob", why="counted")
    assert resumed.success
    notes = [str(shown["on hold"].value) for shown in observed(delivered, audience_key("ads", "buyers"))]
    assert notes[0] == "resumed by bob (counted): it follows its segment again"
    assert "by ann (stocktaking)" in notes[1]


@pytest.mark.parametrize("job", ["apply_plan", "undo", "hold", "resume"])
def test_a_name_and_a_reason_are_asked_for(room: Room, job: str) -> None:
    """Nothing is begun for somebody who gives neither."""
    config = {"plan" if job == "apply_plan" else "audience": "ads/buyers"}
    with pytest.raises(dg.DagsterInvalidConfigError, match="who"):
        start(room, job, **config)


def test_a_name_that_means_nothing_fails_with_the_nearest(delivered: Room) -> None:
    """A slip in the launchpad is told, with what was meant."""
    for job in ("undo", "hold"):
        failed = start(delivered, job, audience="mail/browser", **ANN)
        assert "did you mean 'mail/browsers'" in failure(failed)
    assert "there is no audience on hold" in failure(
        start(delivered, "resume", audience="mail/browsers", **ANN)
    )
