from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import dagster as dg
import pytest

from pipelines.assets import alerts
from pipelines.assets.alerts import AlertNotSent, failure_sensor
from pipelines.assets.jobs import DELIVER, LOAD, NIGHT, SEGMENT, STAGE
from tests.assets.dagster_room import Room
from tests.assets.shop import Shop

CRON = "0 5 * * *"


def tick(room: Room) -> list[dg.RunRequest]:
    """What the night's sensor asks for now."""
    definitions = room.definitions
    sensor = definitions.resolve_sensor_def("night_goes_on")
    context = dg.build_sensor_context(instance=room.instance, definitions=definitions)
    return list(sensor.evaluate_tick(context).run_requests or [])


def overdue(room: Room) -> list[dg.RunRequest]:
    """What the fallback asks for now."""
    schedule = room.definitions.resolve_schedule_def("deliver_when_overdue")
    context = dg.build_schedule_context(instance=room.instance, scheduled_execution_time=datetime.now(UTC))
    return list(schedule.evaluate_tick(context).run_requests or [])


def ended(room: Room, stage: str, status: dg.DagsterRunStatus, **tags: str) -> str:
    """A run of a stage that has ended; returns its id."""
    job = room.definitions.resolve_job_def(stage)
    run = room.instance.create_run_for_job(job, tags={STAGE: stage, **tags}, status=status)
    return run.run_id


def test_the_night_begins_by_schedule_and_runs_unless_switched_off(room: Room) -> None:
    """The operator's cron line and time zone; schedules and sensors are on from the start."""
    definitions = room.definitions
    schedule = definitions.resolve_schedule_def("night")
    assert (schedule.cron_schedule, schedule.execution_timezone, schedule.job_name) == (CRON, "UTC", LOAD)
    context = dg.build_schedule_context(instance=room.instance, scheduled_execution_time=datetime.now(UTC))
    assert len(schedule.evaluate_tick(context).run_requests or []) == 1
    switches = [
        definitions.resolve_schedule_def(s).default_status.value for s in ("night", "deliver_when_overdue")
    ]
    switches += [
        definitions.resolve_sensor_def(s).default_status.value for s in ("night_goes_on", "tell_of_failures")
    ]
    assert switches == ["RUNNING"] * 4


@pytest.mark.fault(
    "F48", injected="the same tick twice", outcome="each run is followed by its own key, so once"
)
@pytest.mark.parametrize(
    "status", [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
)
def test_segment_follows_load_and_deliver_follows_segment_whatever_became_of_them(
    room: Room, status: dg.DagsterRunStatus
) -> None:
    """The day is yesterday; each run is followed by its own key, so Dagster follows it once."""
    load = ended(room, LOAD, status)
    (segment,) = tick(room)
    assert (segment.job_name, segment.partition_key, segment.tags[NIGHT]) == (SEGMENT, "2017-12-31", load)
    assert segment.run_key == f"segment-after-{load}"
    segmented = ended(room, SEGMENT, status, **{NIGHT: load})
    deliver = tick(room)[1]
    assert (deliver.job_name, deliver.run_key) == (DELIVER, f"deliver-after-{segmented}")


@pytest.mark.fault(
    "F47",
    injected="a worker died and Dagster repeats its run",
    outcome="the night goes on after the repeated run",
)
def test_nothing_follows_a_run_that_goes_on_or_is_about_to_be_repeated(room: Room) -> None:
    """A worker that died is run again by Dagster; its night goes on after that run."""
    assert tick(room) == []
    ended(room, LOAD, dg.DagsterRunStatus.STARTED)
    assert tick(room) == []
    ended(room, LOAD, dg.DagsterRunStatus.FAILURE, **{"dagster/will_retry": "true"})
    assert tick(room) == []


@pytest.mark.fault("F48", injected="many old days are computed at once", outcome="no delivery follows them")
def test_a_backfill_of_the_segment_job_is_followed_by_no_delivery(room: Room) -> None:
    """Computing old days is no night: only segment runs that follow a load are followed themselves."""
    ended(room, SEGMENT, dg.DagsterRunStatus.SUCCESS, **{"dagster/partition": "2017-12-22"})
    assert tick(room) == []


@pytest.mark.fault(
    "F47",
    "F48",
    injected="a load that began hours ago and never ended",
    outcome="the fallback starts one delivery; otherwise it says why not",
)
def test_a_delivery_comes_although_the_night_hangs(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A load began hours ago and no delivery came: the fallback starts one. Otherwise it says why not."""
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        room = Room(shop, instance)
        assert overdue(room) == []
        load = ended(room, LOAD, dg.DagsterRunStatus.STARTED)
        assert overdue(room) == []
        monkeypatch.setattr("pipelines.assets.night.OVERDUE", timedelta(0))
        (request,) = overdue(room)
        assert request.run_key == f"deliver-overdue-{load}"
        ended(room, DELIVER, dg.DagsterRunStatus.STARTED)
        assert overdue(room) == []


def test_the_first_day_is_still_to_come(room: Room) -> None:
    """Before the first day there is nothing to compute, and the night says so by not going on."""
    room.today = date(2017, 12, 20)
    ended(room, LOAD, dg.DagsterRunStatus.SUCCESS)
    assert tick(room) == []


@contextmanager
def webhook(*answers: int) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """An address that answers with these codes in turn, then 204; and what it was told."""
    told: list[dict[str, object]] = []
    codes = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(codes.pop(0) if codes else 204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/secret-path", told
        server.shutdown()


def tell(room: Room, address: str | None) -> object:
    """Let the failure sensor hear of a night whose load failed."""
    room.shop.break_source("orders")
    result = room.load()
    run = room.instance.get_run_by_id(result.run_id)
    event = next(e for e in result.all_events if e.event_type is dg.DagsterEventType.RUN_FAILURE)
    assert run is not None
    context = dg.build_run_status_sensor_context(
        sensor_name="tell_of_failures", dagster_instance=room.instance, dagster_run=run, dagster_event=event
    ).for_run_failure()
    return failure_sensor(room.shop.settings(alert_webhook=address))(context)


@pytest.mark.privacy("P27")
def test_a_failure_is_told_with_what_an_operator_needs(room: Room) -> None:
    """Run, address, failing assets and the step's sentence; nobody's data."""
    with webhook(503) as (address, told):
        tell(room, address)
    assert len(told) == 2  # the first answer was 503
    message = told[-1]
    assert message["job"] == "load"
    assert message["failing_assets"] == ["source/orders"]
    assert message["run_url"] == f"http://127.0.0.1:3000/runs/{message['run_id']}"
    assert "orders.csv" in str(message["error"])
    assert str(message["text"]).startswith("Turnout: load failed (source/orders):")
    assert "@" not in str(message)


def test_without_a_webhook_the_sensor_says_which_setting_is_missing(room: Room) -> None:
    """Nothing is told to nobody."""
    skipped = tell(room, None)
    assert isinstance(skipped, dg.SkipReason)
    assert "TURNOUT_ALERT_WEBHOOK" in str(skipped.skip_message)


@pytest.mark.privacy("P26")
def test_the_webhooks_address_is_in_no_error(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is a secret: whoever has it can write into the operators' channel."""
    monkeypatch.setattr(alerts, "TIMEOUT_SECONDS", 1)
    with webhook(500, 500, 500) as (address, _), pytest.raises(AlertNotSent) as refused:
        tell(room, address)
    with pytest.raises(AlertNotSent) as unreachable:
        alerts._post("http://127.0.0.1:9/secret-path", {})
    for raised in (refused, unreachable):
        assert "secret-path" not in str(raised.value)
        assert raised.value.__cause__ is None
