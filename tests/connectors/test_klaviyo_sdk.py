"""What goes to Klaviyo, against Klaviyo's own Python SDK: both speak to the same scripted account."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import SyncOptions
from connectors.klaviyo import KlaviyoConnector
from connectors.testing import FastTime
from tests.connectors.klaviyo_account import (
    JOB,
    JOBS,
    KEY,
    LIST,
    LISTS,
    Account,
    a_list,
    batch,
    ids,
    job,
    opened,
    people,
    profile,
    profile_id,
    query,
    resources,
)
from tests.connectors.lapsed import REQUEST, known
from tests.connectors.server import Reply, Scripted, Seen

ATTRIBUTES: dict[str, Any] = {"first_name": "Ann", "ltv": 1.5, "vip": True}
SINCE = datetime(2026, 11, 1, tzinfo=UTC)
SUPPRESSED_AT = "subscriptions.email.marketing.suppression.timestamp"

Ours = Callable[[KlaviyoConnector], object]
Theirs = Callable[[Any], object]


def an_import(*profiles: dict[str, object]) -> dict[str, object]:
    """The body of a job, as the SDK's documents have it."""
    return {
        "data": {
            "type": "profile-bulk-import-job",
            "attributes": {"profiles": {"data": list(profiles)}},
            "relationships": {"lists": {"data": [{"type": "list", "id": LIST.id}]}},
        }
    }


ANN: dict[str, object] = {"type": "profile", "id": profile_id("ann")} | {
    "attributes": {"first_name": "Ann", "properties": {"ltv": 1.5, "vip": True}}
}
CALLS: dict[str, tuple[Ours, Theirs]] = {
    "find a list": (
        lambda ours: ours.open_audience(REQUEST, SyncOptions()),
        lambda sdk: sdk.Lists.get_lists(filter='equals(name,"Lapsed")'),
    ),
    "read a list": (
        lambda ours: ours.open_audience(known(LIST.id), SyncOptions()),
        lambda sdk: sdk.Lists.get_list(LIST.id),
    ),
    "make a list": (
        lambda ours: ours.create_audience(REQUEST, SyncOptions()),
        lambda sdk: sdk.Lists.create_list({"data": {"type": "list", "attributes": {"name": "Lapsed"}}}),
    ),
    "look people up": (
        lambda ours: ours.remove(LIST, people("cleo", "dan"), batch("remove")),
        lambda sdk: sdk.Profiles.get_profiles(
            filter='any(email,["cleo@example.com","dan@example.com"])',
            fields_profile=["email"],
            page_size=100,
        ),
    ),
    "add": (
        lambda ours: ours.add(LIST, people("ann", "bob"), batch("add")),
        lambda sdk: sdk.Lists.add_profiles_to_list(LIST.id, ids("ann", "bob")),
    ),
    "remove": (
        lambda ours: ours.remove(LIST, people("ann"), batch("remove")),
        lambda sdk: sdk.Lists.remove_profiles_from_list(LIST.id, ids("ann")),
    ),
    "import": (
        lambda ours: ours.add(LIST, people("ann", ann=ATTRIBUTES), batch("add")),
        lambda sdk: sdk.Profiles.bulk_import_profiles(an_import(ANN)),
    ),
    "look at an import": (
        lambda ours: ours.poll(LIST, f"{JOB}/1"),
        lambda sdk: sdk.Profiles.get_bulk_import_profiles_job(JOB),
    ),
    "read its errors": (
        lambda ours: ours._failures(JOB, 1),
        lambda sdk: sdk.Profiles.get_errors_for_bulk_import_profiles_job(JOB, page_size=100),
    ),
    "count": (
        lambda ours: ours.read_back(LIST),
        lambda sdk: sdk.Lists.get_list(LIST.id, additional_fields_list=["profile_count"]),
    ),
    "list members": (
        lambda ours: list(ours.members(LIST)),
        lambda sdk: sdk.Lists.get_profiles_for_list(LIST.id, fields_profile=["email"], page_size=100),
    ),
    "list the suppressed": (
        lambda ours: list(ours.unreachable(SINCE)),
        lambda sdk: sdk.Profiles.get_profiles(
            filter=f"greater-or-equal({SUPPRESSED_AT},2026-11-01T00:00:00+00:00)",
            additional_fields_profile=["subscriptions"],
            fields_profile=["email", "external_id", "subscriptions"],
            page_size=100,
            sort=SUPPRESSED_AT,
        ),
    ),
}


@pytest.mark.parametrize("what", CALLS)
def test_the_sdk_asks_for_the_same(server: Scripted, time: FastTime, what: str) -> None:
    """Method, address, query, body, credential, revision and media types of the last request of both."""
    account = Account(server, "ann", "bob")
    account.says("GET", LISTS, resources(a_list(LIST.id, "Lapsed")))
    account.says("POST", LISTS, Reply(201, {"data": a_list(LIST.id, "Lapsed")}))
    account.says("GET", f"{JOBS}/{JOB}", job("complete"))
    account.says("GET", f"{JOBS}/{JOB}/import-errors", resources())
    account.says("GET", f"{LISTS}/{LIST.id}/profiles", resources(profile("ann")))
    ask_ours, ask_theirs = CALLS[what]
    ask_ours(opened(server, time))
    ours = server.seen[-1]
    # The SDK wants whole resources back; what it makes of these answers does not matter here.
    with suppress(ValidationError):
        ask_theirs(_sdk(server))
    assert server.seen[-1] is not ours
    assert _essence(ours) == _essence(server.seen[-1])


def _sdk(server: Scripted) -> Any:
    """The SDK's client, which takes a second to import."""
    from klaviyo_api import KlaviyoAPI

    http_log = logging.getLogger("urllib3")
    level = http_log.level
    client = KlaviyoAPI(KEY, max_delay=1, max_retries=1, test_host=server.url)
    http_log.setLevel(level)  # the SDK sets it for the whole process, other tests' logs included
    return client


def _essence(seen: Seen) -> object:
    headers = {name.lower(): value for name, value in seen.headers.items()}
    kept = [headers.get(name) for name in ("authorization", "revision", "accept", "content-type")]
    return seen.method, seen.path.partition("?")[0], query(seen), seen.json, kept
