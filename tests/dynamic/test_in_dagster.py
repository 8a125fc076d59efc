"""The sensor, the job and the receipts, over HTTP to sandboxed platforms, with how long it took."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from connectors.sandbox import SandboxServer, connection_settings
from pipelines.assets import dynamic as in_dagster
from pipelines.assets.dynamic import REACT
from pipelines.assets.graph import build_definitions
from pipelines.assets.jobs import STAGE
from tests.assets.dagster_room import failure
from tests.dynamic.stream import Stream

SENSOR = "react_when_something_arrives"


class Follower:
    """Dagster's daemon in one process: it asks the sensor and runs what the sensor asks for."""

    def __init__(self, stream: Stream, instance: dg.DagsterInstance) -> None:
        self.stream = stream
        self.instance = instance

    @property
    def definitions(self) -> dg.Definitions:
        """What the code location holds."""
        return build_definitions(self.stream.project.settings)

    def tick(self) -> dg.RunRequest | str:
        """What the sensor asks for, or why it does not."""
        definitions = self.definitions
        context = dg.build_sensor_context(instance=self.instance, definitions=definitions)
        asked = definitions.resolve_sensor_def(SENSOR).evaluate_tick(context)
        return asked.run_requests[0] if asked.run_requests else str(asked.skip_message)

    def run(self) -> dg.ExecuteInProcessResult:
        """A run of the job, to its end."""
        job = self.definitions.resolve_job_def(REACT)
        return job.execute_in_process(instance=self.instance, raise_on_error=False)

    def status(self) -> str:
        """Whether the sensor is on from the start."""
        return self.definitions.resolve_sensor_def(SENSOR).default_status.value


@pytest.fixture
def follower(stream: Stream) -> Iterator[Follower]:
    """The shop of folders, in Dagster."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield Follower(stream, instance)


def numbers(event: dg.AssetMaterialization) -> dict[str, float]:
    """The figures among an event's metadata."""
    return {n: v.value for n, v in event.metadata.items() if isinstance(v.value, int | float)}


@pytest.mark.requirement("TYP-18", "TYP-6", "TYP-10")
def test_from_a_browse_to_receipts_over_http_with_the_latency_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody browses now: the sensor sees it, one run brings them to both platforms, the pages say when."""
    with SandboxServer(tmp_path / "sandbox") as sandbox, dg.DagsterInstance.ephemeral() as instance:
        for name, value in connection_settings(sandbox.url).items():
            monkeypatch.setenv(name, value)
        stream = Stream.open(tmp_path / "shop", destinations={"meta": "meta", "criteo": "criteo"})
        stream.today, stream.pretends = datetime.now(UTC).date(), False
        stream.night()
        follower = Follower(stream, instance)
        assert isinstance(follower.tick(), dg.RunRequest)
        assert follower.run().success
        assert follower.tick() == "nothing has arrived since the last micro-batch"
        for person in (3, 5, 7):
            stream.view(person, datetime.now(UTC).replace(tzinfo=None), times=3)
        assert isinstance(follower.tick(), dg.RunRequest)
        done = follower.run()
        assert done.success
        pages = {
            event.materialization.asset_key.to_user_string(): numbers(event.materialization)
            for event in done.get_asset_materialization_events()
        }
    assert set(pages) == {f"audience/{d}/{s}" for d in ("meta", "criteo") for s in ("hot", "keen")}
    assert {page["added"] for page in pages.values()} == {3}
    (newest,) = stream.project.reactions.newest()
    for page in pages.values():
        event, arrival = page["seconds from event to receipt"], page["seconds from arrival to receipt"]
        assert 0 < arrival <= event + 0.01
        assert event == pytest.approx(newest.since_event, abs=0.001)
    with capsys.disabled():
        took = f"from event to receipt {newest.since_event:.2f} s, in the run {newest.seconds:.2f} s"
        print(f"\nfour audiences of two sandboxed platforms: {took}")


@pytest.mark.requirement("TYP-18")
def test_the_sensor_is_on_where_something_arrives_and_asks_once(follower: Follower) -> None:
    """New rows: one request; while its run is under way none; afterwards only for what came after it."""
    assert follower.status() == "RUNNING"
    assert follower.run().success
    follower.stream.view(3, datetime(2018, 1, 1, 9), times=3)
    asked = follower.tick()
    assert isinstance(asked, dg.RunRequest)
    again = follower.tick()
    assert isinstance(again, dg.RunRequest)
    assert asked.run_key == again.run_key
    job = follower.definitions.resolve_job_def(REACT)
    run = follower.instance.create_run_for_job(job, tags={STAGE: REACT}, status=dg.DagsterRunStatus.STARTED)
    assert follower.tick() == "a micro-batch is under way; the next takes over what it does not see"
    follower.instance.report_run_canceled(run)
    assert follower.run().success
    assert follower.tick() == "nothing has arrived since the last micro-batch"


@pytest.mark.requirement("TYP-18")
def test_a_micro_batch_that_fails_is_red_and_is_tried_again_later(
    follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What arrived is not forgotten, and what is broken is not asked at every tick."""
    assert follower.run().success
    follower.stream.line("web_events", "v99,c0003,product_view,yesterday")
    result = follower.run()
    assert not result.success
    assert "new rows of web_events.csv" in failure(result)
    assert str(follower.tick()).startswith("the last micro-batch failed")
    monkeypatch.setattr(in_dagster, "AGAIN_AFTER", timedelta(0))
    assert isinstance(follower.tick(), dg.RunRequest)


@pytest.mark.requirement("TYP-18", "FRE-4")
def test_the_sensor_is_off_where_nothing_arrives_and_gone_where_nothing_is_dynamic(
    follower: Follower,
) -> None:
    """No continuous source: off, and it says which word is missing. No dynamic segment: neither sensor nor job."""
    declared = follower.stream.shop.sources / "sources.toml"
    declared.write_text(declared.read_text().replace('arrives = "continuously"', 'arrives = "nightly"'))
    follower.stream._project = None
    assert follower.status() == "STOPPED"
    assert follower.tick() == 'no source has arrives = "continuously"'
    for path in follower.stream.shop.segment_defs.glob("*.sql"):
        path.write_text(path.read_text().replace('mode = "dynamic"', 'mode = "scheduled"'))
    assert [one.name for one in follower.definitions.sensors or ()].count(SENSOR) == 0
    assert REACT not in [one.name for one in follower.definitions.jobs or ()]
