"""What goes to Customer.io, against Customer.io's own Python SDK, as far as that knows the calls."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
import requests
from customerio import APIClient, CustomerIO, Regions  # type: ignore[import-untyped]

from connectors.customerio.settings import CustomerioSettings
from connectors.testing import FastTime
from tests.connectors.customerio_account import (
    APP_KEY,
    BATCH,
    COUNT,
    SEGMENT,
    SITE,
    TRACK,
    TRACK_KEY,
    Workspace,
    batch,
    opened,
    people,
)
from tests.connectors.server import Reply, Scripted


class Sdk(CustomerIO):  # type: ignore[misc]
    """The SDK speaks https alone, so what it would send is kept."""

    def send_request(self, method: str, url: str, data: Any) -> None:
        """Prepared as the SDK's session does it."""
        request = requests.Request(method, url, json=self._sanitize(data))
        self.sent = self.http.prepare_request(request)


@pytest.mark.parametrize("create_missing", [False, True])
def test_a_batch_of_people_is_what_the_sdk_sends(
    server: Scripted, time: FastTime, create_missing: bool
) -> None:
    """Method, path, body and credential, with and without people who may be new."""
    workspace = Workspace(server)
    values: dict[str, Any] = {"tier": "gold", "ltv": 120.5, "vip": True, "since": "2026-11-22"}
    rows = people("ann", "bob", ann=values, bob={"n": 1})
    opened(server, time, create_missing=create_missing).add(SEGMENT, rows, batch("add"))
    (ours,) = workspace.asked("POST", BATCH)
    sdk = Sdk(SITE, TRACK_KEY, host="track.example.com")
    sdk.batch(ours.json["batch"])  # type: ignore[index]
    theirs = sdk.sent
    assert (theirs.method, urlsplit(str(theirs.url)).path) == (ours.method, ours.path.removeprefix(TRACK))
    assert orjson.loads(theirs.body) == ours.json
    for name in ("Authorization", "Content-Type"):
        assert theirs.headers[name] == ours.headers[name]


def test_the_app_api_has_the_sdks_credential(server: Scripted, time: FastTime) -> None:
    """The SDK's client of the App API sends messages only, but signs as we do."""
    workspace = Workspace(server)
    workspace.says("GET", COUNT, Reply(body={"count": 1}))
    opened(server, time).read_back(SEGMENT)
    signed = APIClient(APP_KEY).http.headers["Authorization"]
    assert server.seen[0].headers["Authorization"] == signed


def test_addresses_are_those_of_the_sdk() -> None:
    """Of the US by default; those of the EU are in the settings' description."""
    fields = CustomerioSettings.model_fields
    assert fields["base_url"].default == f"https://{Regions.US.track_host}"
    assert fields["app_url"].default == f"https://{Regions.US.api_host}"
    assert f"https://{Regions.EU.track_host}" in str(fields["base_url"].description)
    assert f"https://{Regions.EU.api_host}" in str(fields["app_url"].description)
