"""Whom a night talks to, and who can talk to it."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.assets.dev import dev_command
from pipelines.project import Project
from tests.assets.dagster_room import Room
from tests.assets.shop import PURPOSES, Shop, customer, opened, opened_environment


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A small shop with two folders as destinations."""
    return opened(tmp_path, monkeypatch)


@pytest.mark.privacy("P34")
def test_a_night_calls_nobody_but_its_platforms(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """No telemetry and no look-ups: with folders for platforms, a whole night connects to nothing outside."""
    called: list[Any] = []
    connect = socket.socket.connect

    def watched(self: socket.socket, address: Any) -> None:
        outside = isinstance(address, tuple) and not ipaddress.ip_address(address[0]).is_loopback
        called.extend([address] if outside else [])
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", watched)
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: called.append(host) or [])
    with dg.DagsterInstance.ephemeral() as instance:
        results = Room(shop, instance).night()
    assert [result.success for result in results] == [True, True, True]
    assert called == []


@pytest.mark.privacy("P42")
@pytest.mark.parametrize(
    "address", ["http://0.0.0.0:3000", "http://192.168.1.5:3000", "https://dagster.example"]
)
def test_the_ui_is_not_served_to_others(shop: Shop, address: str) -> None:
    """Dagster asks nobody who they are, so an address that others reach is refused; with a port it is this machine."""
    with pytest.raises(ValueError, match=r"the Dagster UI has no sign-in of its own, so it is not served at"):
        dev_command(shop.settings(dagster_url=address))
    command, _ = dev_command(shop.settings(dagster_url=address), 3000)
    assert command[command.index("--host") + 1] == "127.0.0.1"


@pytest.mark.privacy("P02")
@pytest.mark.parametrize("region", ["eu", "california", "other", "", "somewhere"])
def test_no_region_is_reached_without_a_yes(shop: Shop, monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    """The strictest rule holds everywhere: nobody is sent who has not said yes, whatever their region."""
    numbers = range(shop.people)
    shop.write(
        "customers", ["customer_id", "email", "created_at", "region"],
        ((customer(n), f"{customer(n)}@example.com", "2017-01-01 00:00:00", region) for n in numbers),
    )  # fmt: skip
    shop.write(
        "consents", ["customer_id", "purpose", "granted", "changed_at"],
        ((customer(n), purpose, "yes" if n % 4 == 1 else "", "2017-01-02 00:00:00")
         for n in numbers for purpose in PURPOSES),
    )  # fmt: skip
    opened_environment(shop, monkeypatch)
    project = Project(shop.settings())
    assert project.load().ok
    project.compute()
    [delivery] = project.deliveries.sync("ads", ["buyers"], project.deliveries.new_run())
    wanted = {person for person in shop.buyers() if int(person[1:]) % 4 == 1}
    assert shop.members("ads", "buyers") == wanted
    assert delivery.added == len(wanted) > 0


@pytest.mark.privacy("P18", "P46")
def test_only_declared_destinations_exist(shop: Shop) -> None:
    """A project that declares no ad platform has none: a segment that asks for one is broken, and nothing is sent."""
    project = Project(shop.settings(destinations={"mail": "file"}))
    assert set(project.connector_types) == {"mail"}
    assert any("unknown destination 'ads'" in str(broken.error) for broken in project.broken)
    assert set(project.deliveries.select([])) <= {"mail"}
