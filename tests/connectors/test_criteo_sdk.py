"""What goes to Criteo, against Criteo's own Python SDK: both speak to the same scripted server."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors.base import Audience, AudienceRequest, Reported
from connectors.criteo import CriteoConnector, CriteoOptions
from connectors.testing import FastTime
from tests.connectors.oauth_account import TOKEN_PATH, asked, batch, signed_in, table
from tests.connectors.server import Reply, Scripted, Seen

BASE = "/2027-01/marketing-solutions"
SEGMENT = Audience("987654", "Lapsed")


@pytest.fixture
def ours(server: Scripted, time: FastTime, tmp_path: Path) -> Any:
    """A connector at the version that the SDK speaks."""
    counts = {"operation": "add", "nbValidIdentifiers": 1, "nbInvalidIdentifiers": 0}
    amended = {"data": {"type": "ContactlistAmendment", "attributes": counts}, "errors": [], "warnings": []}
    statistics = {"numberOfIdentifiers": 200, "numberOfMatches": 122, "matchRate": 0.61}
    ours = {"advertiserId": "12345", "name": "Lapsed", "description": "turnout:lapsed"}
    audience = {
        "id": "345",
        "type": "Audience",
        "attributes": {**ours, "algebra": {"audienceSegmentId": "1"}},
    }
    none = {"data": [], "meta": {"totalItems": 0, "limit": 100, "offset": 0}, "errors": [], "warnings": []}
    made = {
        "data": [{"id": "987654", "type": "AudienceSegment", "attributes": {}}],
        "errors": [],
        "warnings": [],
    }
    bodies = {
        "/audience-segments/987654/contact-list": amended,
        "/audience-segments/987654/contact-list/statistics": {
            "data": {"id": "987654", "type": "x", "attributes": statistics},
            "errors": [],
            "warnings": [],
        },
        "/audience-segments/search": none,
        "/audience-segments/create": made,
        "/audiences/search": {
            **none,
            "data": [audience],
            "meta": {"totalItems": 1, "limit": 100, "offset": 0},
        },
        "/audiences": {
            "data": [{"id": "345", "type": "Audience", "attributes": {}}],
            "errors": [],
            "warnings": [],
        },
        "/audiences/create": {"data": [{"id": "345", "type": "Audience", "attributes": {}}]},
    }

    def script(seen: Seen) -> Reply:
        if seen.path == TOKEN_PATH:
            return Reply(body={"access_token": "access-1", "expires_in": 900})
        return Reply(body=bodies[seen.path.removeprefix(BASE).partition("?")[0]])

    server.script = script
    more = {"base_url": server.url + BASE, "identifiers": ("EMAIL_SHA256", "MADID")}
    return signed_in(CriteoConnector, server, time, tmp_path, advertiser="12345", **more)


class Sdk:
    """The SDK's client, and its models by name; it takes seconds to import."""

    def __init__(self, server: Scripted) -> None:
        from criteo_api_marketingsolutions_v2027_01 import models
        from criteo_api_marketingsolutions_v2027_01.api.audience_api import AudienceApi
        from criteo_api_marketingsolutions_v2027_01.api_client import ApiClient
        from criteo_api_marketingsolutions_v2027_01.configuration import Configuration

        self.server, self._models = server, models
        http_log = logging.getLogger("urllib3")
        level = http_log.level
        self._client = ApiClient(Configuration(host=server.url, access_token="access-1"))
        http_log.setLevel(level)  # the SDK sets it for the whole process, other tests' logs included
        self.api = AudienceApi(self._client)

    def repeats(self, seen: Seen, call: str, model: str, *path: str) -> None:
        """Our request's body, read by the SDK's model and sent by its client, is our request."""
        kind = (getattr(self._models, model),)
        body = {_snake(model): self._client.deserialize(SimpleNamespace(data=seen.body.decode()), kind, True)}
        query = dict(parse_qsl(urlsplit(seen.path).query))
        getattr(self.api, call)(*path, **body, **{name: int(value) for name, value in query.items()})
        sdk = self.server.seen[-1]
        assert (sdk.method, urlsplit(sdk.path).path) == (seen.method, urlsplit(seen.path).path)
        assert dict(parse_qsl(urlsplit(sdk.path).query)) == query
        assert sdk.json == seen.json
        assert sdk.headers["Authorization"] == seen.headers["Authorization"]


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def test_amending_a_list_is_what_the_sdk_sends(server: Scripted, ours: Any) -> None:
    """Adding and removing, each kind that the SDK knows by the same name."""
    rows = table(EMAIL_SHA256=["a" * 64], MADID=["38400000-8cf0-11bd-b23e-10b96e40000d"])
    assert ours.add(SEGMENT, rows, batch("add", 1)).status == "applied"
    ours.remove(SEGMENT, rows, batch("remove", 1))
    sdk = Sdk(server)
    sent = asked(server)
    assert len(sent) == 4
    for seen in sent:
        sdk.repeats(seen, "update_contact_list_by_audience_segment", "ContactlistAmendmentRequest", "987654")


@pytest.mark.parametrize("over", ["turnout:lapsed", "turnout:other"])
def test_lists_and_audiences_are_made_as_the_sdk_does(server: Scripted, ours: Any, over: str) -> None:
    """Searching and creating the contact list; searching, and changing or creating the audience over it."""
    ours.open_audience(AudienceRequest("Lapsed", over, None), CriteoOptions())
    sdk = Sdk(server)
    lists, made, audiences, audience = asked(server)
    sdk.repeats(lists, "search_audience_segments", "AudienceSegmentSearchInputV1")
    sdk.repeats(made, "create_audience_segments", "AudienceSegmentBulkCreateInputV1")
    sdk.repeats(audiences, "search_audiences", "AudienceSearchInputV1")
    if over == "turnout:lapsed":
        sdk.repeats(audience, "update_audiences", "AudienceBulkUpdateInputV1")
    else:
        sdk.repeats(audience, "create_audiences", "AudienceBulkCreateInputV1")


def test_statistics_are_asked_for_as_the_sdk_does(server: Scripted, ours: Any) -> None:
    """The same address, and the names of the numbers in the answer."""
    assert ours.read_back(SEGMENT) == Reported(100, 200, "matched 122; match rate 0.61")
    (seen,) = asked(server)
    told = Sdk(server).api.get_audience_segment_contact_list_statistics("987654").data.attributes
    assert server.seen[-1].path == seen.path
    assert (told.number_of_identifiers, told.number_of_matches, told.match_rate) == (200, 122, 0.61)
