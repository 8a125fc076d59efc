"""Google's user lists, and what its doctor looks at, against a scripted server."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.base import (
    Audience,
    AudienceGone,
    AudienceRequest,
    AuthFailed,
    Reported,
    SyncOptions,
)
from connectors.google import GoogleConnector
from connectors.google.settings import GoogleOptions
from connectors.testing import FastTime
from pipelines.segments.policy import refusal
from tests.connectors.google_account import LIST, MARY, account, add, error
from tests.connectors.oauth_account import answers, asked
from tests.connectors.server import Reply, Scripted

REQUEST = AudienceRequest("Lapsed", "turnout:lapsed", None)
LISTS = "/accountTypes/GOOGLE_ADS/accounts/1234567890/userLists"


@pytest.fixture
def google(server: Scripted, time: FastTime, tmp_path: Path) -> Any:
    """Makes connectors with other settings."""
    return lambda **more: account(server, time, tmp_path, **more)


def test_a_list_that_may_not_be_seen_is_looked_for(server: Scripted, google: Any) -> None:
    """A permission is refused for what does not exist too: the account's listing tells which it is."""
    denied = error(403, "PERMISSION_DENIED")
    answers(server, denied, denied, Reply(body={"userLists": [{"id": "1", "displayName": "Other"}]}))
    with pytest.raises(AudienceGone):
        add(google(), MARY)
    answers(server, denied, denied, Reply(body={"userLists": [{"id": LIST.id}]}))
    with pytest.raises(AuthFailed, match="TURNOUT_GOOGLE_OPERATING_ACCOUNT"):
        add(google(), MARY)


def test_a_list_is_found_by_its_mark_on_any_page(server: Scripted, google: Any) -> None:
    """By the integration code, else by the line in the description; a longer mark is another's."""
    other = {"id": "1", "displayName": "Lapsed", "integrationCode": "turnout:lapsed_61"}
    ours = {"name": f"{LISTS[1:]}/2", "displayName": "Renamed", "description": "leave this: turnout:lapsed"}
    pages = [Reply(body={"userLists": [other], "nextPageToken": "p/2"}), Reply(body={"userLists": [ours]})]
    answers(server, *pages)
    assert google().open_audience(REQUEST, GoogleOptions()) == Audience("2", "Renamed")
    assert [seen.path for seen in asked(server)][:2] == [
        f"{LISTS}?pageSize=1000",
        f"{LISTS}?pageSize=1000&pageToken=p%2F2",
    ]


def test_a_list_is_created_for_the_members_lifetime(server: Scripted, google: Any) -> None:
    """Once, with our mark, for contact data of our own; days become seconds."""
    answers(server, Reply(body={}), Reply(body={"id": "5", "displayName": "Lapsed"}))
    opened, options = google(), GoogleOptions(membership_days=30)
    assert opened.open_audience(REQUEST, options) == Audience("5", "Lapsed", created=True)
    seen = asked(server)[1]
    assert (seen.method, seen.path) == ("POST", LISTS)
    assert seen.json == {
        "displayName": "Lapsed",
        "description": "Kept by Turnout, please leave this line: turnout:lapsed",
        "integrationCode": "turnout:lapsed",
        "membershipStatus": "OPEN",
        "membershipDuration": "2592000s",
        "ingestedUserListInfo": {
            "uploadKeyTypes": ["CONTACT_ID"],
            "contactIdInfo": {"dataSourceType": "DATA_SOURCE_TYPE_FIRST_PARTY"},
        },
    }
    assert opened.lifetime(options) == timedelta(days=30)
    assert opened.lifetime(SyncOptions()) == opened.limits.expires_after == timedelta(days=540)


def test_a_list_that_is_there_lasts_as_long_as_the_options_say(server: Scripted, google: Any) -> None:
    """Otherwise members would leave before they are sent again; a list that lasts as long is left alone."""
    shorter = Reply(body={"id": LIST.id, "displayName": "Lapsed", "membershipDuration": "2592000s"})
    answers(server, shorter)
    known = AudienceRequest("Lapsed", "turnout:lapsed", LIST.id)
    google().open_audience(known, GoogleOptions(membership_days=30))
    assert {seen.method for seen in asked(server)} == {"GET"}
    google().open_audience(known, GoogleOptions())
    changed = asked(server)[-1]
    assert (changed.method, changed.path) == ("PATCH", f"{LISTS}/{LIST.id}?updateMask=membershipDuration")
    assert changed.json == {"membershipDuration": "46656000s"}


def test_sizes_are_read_back(server: Scripted, google: Any) -> None:
    """The largest network's size; state, match rate and networks in words. What is not told is not made up."""
    told = {
        "id": LIST.id,
        "membershipStatus": "OPEN",
        "sizeInfo": {"displayNetworkMembersCount": "1200", "searchNetworkMembersCount": "900"},
        "ingestedUserListInfo": {"contactIdInfo": {"matchRatePercentage": 41}},
    }
    answers(server, Reply(body=told), Reply(body={"id": LIST.id}))
    opened = google()
    words = "OPEN; match rate 41 %; displayNetwork 1,200; searchNetwork 900"
    assert opened.read_back(LIST) == Reported(1200, 1200, words)
    assert opened.read_back(LIST) == Reported(None, None, "")
    assert asked(server)[0].path == f"{LISTS}/{LIST.id}"


def test_a_doctor_tries_without_changing_anything(server: Scripted, google: Any) -> None:
    """Google checks a creation and an upload to one of our lists, and does neither."""
    ours = {"userLists": [{"id": "9"}, {"id": "2", "integrationCode": "turnout:lapsed"}]}
    answers(server, Reply(body=ours), Reply(body={}))
    assert [(found.step, found.ok) for found in google().examine()] == [
        (step, True) for step in ("credential", "account", "terms", "create", "upload")
    ]
    _, create, upload = asked(server)
    assert create.path == f"{LISTS}?validateOnly=true"
    assert isinstance(upload.json, dict)
    assert upload.json["validateOnly"] is True
    assert upload.json["destinations"][0]["productDestinationId"] == "2"


def test_a_doctor_says_what_a_person_must_do(server: Scripted, google: Any) -> None:
    """Terms first, then whatever Google refuses."""
    answers(server, Reply(body={}), error(400, "INVALID_ARGUMENT", "TERMS_AND_CONDITIONS_NOT_SIGNED"))
    last = list(google(accept_customer_match_terms=False).examine())[-1]
    assert (last.ok, "ACCEPT_CUSTOMER_MATCH_TERMS" in last.says) == (False, True)
    answers(server, Reply(body={}), error(400, "INVALID_ARGUMENT", "TERMS_AND_CONDITIONS_NOT_SIGNED"))
    last = list(google().examine())[-1]
    assert (last.ok, "Audience Manager" in last.says) == (False, True)


@pytest.mark.parametrize("category", ["health", "alcohol", "gambling", "housing", "employment", "finance"])
def test_sensitive_segments_are_not_for_google(category: str) -> None:
    """The engine asks before anything is opened; the rule is named."""
    said = refusal(GoogleConnector.title, GoogleConnector.forbids, [category])
    assert said is not None
    assert "personalised advertising policy" in said
    assert refusal(GoogleConnector.title, GoogleConnector.forbids, ["politics"]) is None
