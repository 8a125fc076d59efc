from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
import yaml
from dagster._core.instance.config import dagster_instance_config

from pipelines.assets.dev import dev_command, variables
from pipelines.settings import Settings
from tests.assets.shop import Shop


def test_what_is_shipped_is_put_in_dagsters_home_once(shop: Shop) -> None:
    """The operator's own edits of dagster.yaml stay; nothing precious is kept in that folder."""
    command, environment = dev_command(shop.settings())
    home = Path(environment["DAGSTER_HOME"])
    assert home == (shop.folder / "home" / "dagster").resolve()
    assert shop.settings().state_dir.resolve() not in [home, *home.parents]
    assert (home / "dagster.yaml").read_text() == files("pipelines.assets").joinpath(
        "dagster.yaml"
    ).read_text()
    assert str(home / "workspace.yaml") in command
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    dev_command(shop.settings())
    assert (home / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


@pytest.mark.fault(
    "F47",
    injected="Dagster reads the shipped configuration",
    outcome="run monitoring is on, so that a killed run does not count as started for ever",
)
def test_the_shipped_instance_configuration_is_what_dagster_takes(shop: Shop, monkeypatch: object) -> None:
    """Dagster itself reads it, with the settings that a crash and a long backfill make necessary."""
    _, environment = dev_command(shop.settings())
    config, _ = dagster_instance_config(environment["DAGSTER_HOME"])
    assert config["run_monitoring"]["enabled"]
    assert config["run_monitoring"]["free_slots_after_run_end_seconds"] == 60
    assert config["concurrency"]["pools"] == {"default_limit": 1, "granularity": "run"}
    assert config["run_retries"]["retry_on_asset_or_op_failure"] is False
    assert config["telemetry"]["enabled"] is False


def test_the_two_workspaces_are_one() -> None:
    """The one in the repository, for `dagster dev` by hand, and the one in the package say the same."""
    root = Path(__file__).parents[2]
    shipped = yaml.safe_load(files("pipelines.assets").joinpath("workspace.yaml").read_text())
    assert yaml.safe_load((root / "workspace.yaml").read_text()) == shipped


def test_the_ui_sees_the_settings_that_this_process_was_told(shop: Shop, monkeypatch: object) -> None:
    """Whatever was set comes out the same when it is read back from the environment, secrets included."""
    told = shop.settings(alert_webhook="https://hooks.example.com/x", threads=2, timezone="Europe/Berlin")
    again = Settings.model_validate(
        {name.removeprefix("TURNOUT_").lower(): _value(text) for name, text in variables(told).items()}
    )
    assert again.model_dump(exclude={"home", "sources", "segment_defs"}) == told.model_dump(
        exclude={"home", "sources", "segment_defs"}
    )
    assert again.home == told.home.resolve()


def _value(text: str) -> object:
    return yaml.safe_load(text) if text.startswith("{") else text


def test_a_port_is_where_the_links_in_alerts_lead(shop: Shop) -> None:
    """One address: served there, and linked there."""
    command, environment = dev_command(shop.settings(), 3456)
    assert command[-2:] == ["--port", "3456"]
    assert environment["TURNOUT_DAGSTER_URL"] == "http://127.0.0.1:3456"
