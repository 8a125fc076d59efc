"""Erasure and retirement as jobs, sizes as checks, in a real Dagster instance."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.assets.jobs import DELIVER
from pipelines.assets.keys import audience_key
from tests.assets.dagster_room import Room, failed_checks, failure
from tests.assets.shop import Shop, customer, opened_environment


@pytest.fixture
def room(pushed: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """The shop with every audience in place, in Dagster."""
    opened_environment(pushed, monkeypatch)
    with dg.DagsterInstance.ephemeral() as instance:
        yield Room(pushed, instance)


def run(room: Room, job: str, step: str | None = None, **config: object) -> dg.ExecuteInProcessResult:
    """Run a job to its end, with its one step's configuration."""
    return room.definitions.resolve_job_def(job).execute_in_process(
        instance=room.instance,
        raise_on_error=False,
        run_config={"ops": {step: {"config": config}}} if step else None,
    )


def checks(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    """The evaluations of `reconciled`, by asset."""
    return {e.asset_key.to_user_string(): e for e in result.get_asset_check_evaluations()}


@pytest.mark.privacy("P27")
def test_erasure_as_a_job(room: Room, tmp_path: Path) -> None:
    """With who, why and the file's path; the person is nowhere any more, and in no event of the run either."""
    request = tmp_path / "request.json"
    request.write_text(json.dumps({"people": [{"customer_id": customer(1)}]}))
    done = run(room, "erase", "erase_people", request=str(request), who="dpo", why="asked")
    assert done.success
    assert customer(1) not in room.shop.members("ads", "buyers")
    [certificate] = (room.shop.settings().state_dir / "certificates").glob("*.json")
    assert json.loads(certificate.read_text())["who"] == "dpo"
    told = "\n".join(str(event.message) for event in done.all_events)
    assert customer(1) not in told
    assert run(room, "erase", "erase_people", who="dpo", why="go on").success, "nothing is open"


def test_a_bad_request_fails_the_job_with_its_sentence(room: Room, tmp_path: Path) -> None:
    """Nothing is erased and nothing is tried again by itself."""
    request = tmp_path / "request.csv"
    request.write_text("emial\na@example.com\n")
    done = run(room, "erase", "erase_people", request=str(request), who="dpo", why="asked")
    assert not done.success
    assert "did you mean email?" in failure(done)


def test_retirement_as_a_job_clears_the_graph(room: Room) -> None:
    """The audience left behind is red at every delivery; after its retirement it is no asset any more."""
    (room.shop.segment_defs / "buyers.sql").unlink()
    key = audience_key("ads", "buyers")
    assert not room.deliver().success
    done = run(room, "retire", "retire_audience", audience="ads/buyers", who="me", why="over")
    assert done.success
    assert room.shop.members("ads", "buyers") == set()
    assert key not in room.definitions.resolve_asset_graph().get_all_asset_keys()
    assert run(room, "retire", "retire_audience", audience="mail/buyers", who="me", why="over").success
    assert room.deliver().success


def test_retiring_what_is_still_wanted_fails_with_the_file(room: Room) -> None:
    """The sentence names the segment's file; nobody leaves."""
    done = run(room, "retire", "retire_audience", audience="ads/buyers", who="me", why="over")
    assert "buyers.sql still fills this audience" in failure(done)
    assert room.shop.members("ads", "buyers") == room.shop.buyers()


def test_sizes_are_checks_with_numbers(room: Room) -> None:
    """One check an audience, its numbers as plotted metadata; drift is a warning, not an error."""
    done = run(room, "reconcile")
    assert done.success
    found = checks(done)
    assert set(found) == {
        "audience/ads/buyers",
        "audience/ads/spenders",
        "audience/mail/browsers",
        "audience/mail/buyers",
    }
    numbers = {name: value.value for name, value in found["audience/ads/buyers"].metadata.items()}
    assert numbers == {
        "verdict": "fine", "size held": 59, "reported at least": 59, "reported at most": 59, "share reported": 1.0,
    }  # fmt: skip
    path = room.shop.members_file("ads", "buyers")
    path.write_text(path.read_text() + '{"external_id":"stranger"}\n')
    again = run(room, "reconcile")
    assert again.success, "a warning fails nothing"
    assert failed_checks(again) == {("audience/ads/buyers", "reconciled")}
    drifted = checks(again)["audience/ads/buyers"]
    assert drifted.severity == dg.AssetCheckSeverity.WARN
    assert "60 people reported where 59 are held" in str(drifted.description)


def test_a_delivery_does_not_wait_for_sizes(room: Room) -> None:
    """The night's delivery runs no such check: right after a push the platform has not counted."""
    done = run(room, DELIVER)
    assert done.success
    assert "reconciled" not in {e.check_name for e in done.get_asset_check_evaluations()}
