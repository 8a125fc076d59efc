"""Brevo's lists and folders, and what it tells of people and account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    Refused,
    Reported,
    SyncOptions,
    Uncertain,
    Window,
)
from connectors.brevo import BrevoConnector
from connectors.brevo.answers import left
from connectors.brevo.settings import BrevoSettings
from connectors.people import FieldType, Present, Unreachable
from connectors.rate_headers import Left
from connectors.testing import FastTime
from tests.connectors.brevo_account import LIST, LISTS, UNKNOWN, attributes, by_path, opened
from tests.connectors.described import as_described
from tests.connectors.lapsed import REQUEST, known
from tests.connectors.server import Reply, Scripted, Seen

FOLDERS = "/v3/contacts/folders"
MEMBERS = f"{LISTS}/36/contacts"


@pytest.fixture
def brevo(server: Scripted, time: FastTime) -> BrevoConnector:
    """An account that creates nobody."""
    return opened(server, time)


def lists(*named: tuple[int, str]) -> Reply:
    """A page of lists."""
    return Reply(
        body={"lists": [{"id": number, "name": name} for number, name in named], "count": len(named)}
    )


def folders(*named: tuple[int, str]) -> Reply:
    """A page of folders."""
    return Reply(
        body={"folders": [{"id": number, "name": name} for number, name in named], "count": len(named)}
    )


def contacts(*found: tuple[int, str | None, bool]) -> Reply:
    """A page of contacts: id, address and blocklisting."""
    listed = [{"id": number, "email": email, "emailBlacklisted": off} for number, email, off in found]
    return Reply(body={"contacts": listed, "count": len(listed)})


def query(seen: Seen) -> dict[str, str]:
    """Of a request."""
    return {name: values[0] for name, values in parse_qs(urlsplit(seen.path).query).items()}


def test_a_list_is_found_by_its_very_name(server: Scripted, brevo: BrevoConnector) -> None:
    """On any page, fifty a page, in whatever folder; of equal names the oldest."""
    server.answers(
        lists(*[(number, f"List {number}") for number in range(1, 50)], (50, "lapsed")),
        lists((51, "Lapsed"), (52, "Lapsed")),
    )
    assert brevo.open_audience(REQUEST, SyncOptions()) == Audience("51", "Lapsed")
    assert [(by_path(seen), query(seen)) for seen in server.seen] == [
        (LISTS, {"limit": "50", "offset": "0", "sort": "asc"}),
        (LISTS, {"limit": "50", "offset": "50", "sort": "asc"}),
    ]


def test_a_list_is_made_in_our_folder(server: Scripted, brevo: BrevoConnector) -> None:
    """Which is found by its name, on any page."""
    full = folders(*[(number, f"Folder {number}") for number in range(1, 51)])
    server.answers(lists(), full, folders((60, "Turnout")), Reply(201, {"id": 36}))
    assert brevo.open_audience(REQUEST, SyncOptions()) == Audience("36", "Lapsed", created=True)
    assert query(server.seen[2]) == {"limit": "50", "offset": "50", "sort": "asc"}
    made = server.seen[3]
    assert (made.method, made.path, made.json) == ("POST", LISTS, {"name": "Lapsed", "folderId": 60})
    assert as_described("brevo", server.seen) == ["list_create"]


def test_a_folder_is_made_where_there_is_none(server: Scripted, time: FastTime) -> None:
    """Under the name that is set; neither folder nor list is made twice when an answer is lost."""
    brevo = opened(server, time, folder="Audiences")
    server.answers(lists(), folders((60, "Turnout")), Reply(201, {"id": 61}), Reply(201, {"id": 36}))
    assert brevo.open_audience(REQUEST, SyncOptions()).id == "36"
    assert [(seen.path, seen.json) for seen in server.seen[2:]] == [
        (FOLDERS, {"name": "Audiences"}),
        (LISTS, {"name": "Lapsed", "folderId": 61}),
    ]
    for replies in ((lists(), folders()), (lists(), folders((61, "Audiences")))):
        before = len(server.seen)
        server.answers(*replies, Reply(how="reset"))
        with pytest.raises(Uncertain):
            brevo.open_audience(REQUEST, SyncOptions())
        assert len(server.seen) - before == 3


@pytest.mark.parametrize(
    ("answer", "consequence"),
    [
        (UNKNOWN, AudienceGone),
        (Reply(body={"id": 36, "name": "Lapsed", "dynamicList": True}), ActionNeeded),
        (Reply(body={"name": "Lapsed"}), Uncertain),
    ],
)
def test_a_known_list_may_be_of_no_use(
    server: Scripted, brevo: BrevoConnector, answer: Reply, consequence: type[Exception]
) -> None:
    """Gone, or filled by rules."""
    server.answers(answer)
    with pytest.raises(consequence):
        brevo.open_audience(known("36"), SyncOptions())


def test_a_known_list_is_read_by_its_id(server: Scripted, brevo: BrevoConnector) -> None:
    """Whatever its name is now."""
    server.answers(Reply(body={"id": 36, "name": "Renamed", "dynamicList": False}))
    assert brevo.open_audience(known("36"), SyncOptions()) == Audience("36", "Renamed")
    assert (server.seen[0].method, server.seen[0].path) == ("GET", f"{LISTS}/36")


def test_the_size_is_read_back(server: Scripted, brevo: BrevoConnector) -> None:
    """The count beside the shortest page; counts of a list itself are being withdrawn."""
    server.answers(Reply(body={"contacts": [], "count": 4_200}))
    assert brevo.read_back(LIST) == Reported(4_200, 4_200)
    assert server.seen[0].path == f"{MEMBERS}?limit=1&offset=0"


def test_members_come_page_by_page(server: Scripted, brevo: BrevoConnector) -> None:
    """The blocklisted are members too; a page begins within the one before, since people move up."""
    rows = [(number, f"P{number}@Example.com", number % 2 == 0) for number in range(1, 601)]
    server.script = lambda seen: contacts(
        *rows[int(query(seen)["offset"]) : int(query(seen)["offset"]) + int(query(seen)["limit"])]
    )
    pages = list(brevo.members(LIST))
    assert [len(page) for page in pages] == [500, 150]
    assert pages[0][0] == Present("1", {"EMAIL": "p1@example.com"})
    assert {present.remote_id for page in pages for present in page} == {str(n) for n in range(1, 601)}
    assert [(by_path(seen), query(seen)) for seen in server.seen] == [
        (MEMBERS, {"limit": "500", "offset": "0", "sort": "asc"}),
        (MEMBERS, {"limit": "500", "offset": "450", "sort": "asc"}),
    ]
    server.answers(contacts((7, None, False)))
    assert list(brevo.members(LIST)) == [[Present("7")]]


def test_a_listing_that_moved_is_read_again(server: Scripted, brevo: BrevoConnector) -> None:
    """When a page shows nobody of the one before, more have left than the overlap; endlessly so is no listing."""
    first = contacts(*[(number, f"p{number}@example.com", False) for number in range(1, 501)])
    far = contacts((900, "far@example.com", False))
    near = contacts((451, "p451@example.com", False), (501, "p501@example.com", False))
    server.answers(first, far, first, near)
    assert [len(page) for page in brevo.members(LIST)] == [500, 500, 2]
    server.answers(*[first, far] * 4)
    with pytest.raises(Refused, match="ask again later"):
        list(brevo.members(LIST))
    server.answers(Reply(body={"count": 3}))
    with pytest.raises(Refused, match="lists no contacts"):
        list(brevo.members(LIST))


def test_members_of_a_missing_list_are_nobodys(server: Scripted, brevo: BrevoConnector) -> None:
    """No drift is seen where there is no list."""
    server.answers(UNKNOWN)
    with pytest.raises(AudienceGone):
        list(brevo.members(LIST))


@pytest.mark.parametrize(
    ("since", "asked"),
    [
        (None, {}),
        (datetime(2026, 11, 1, 12, 30, tzinfo=UTC), {"modifiedSince": "2026-11-01T12:30:00.000Z"}),
        (
            datetime(2026, 11, 1, 12, 30, tzinfo=UTC).astimezone(),
            {"modifiedSince": "2026-11-01T12:30:00.000Z"},
        ),
    ],
)
def test_the_blocklisted_cannot_be_reached(
    server: Scripted, brevo: BrevoConnector, since: datetime | None, asked: dict[str, str]
) -> None:
    """All contacts that have changed since, of whom those count who are blocklisted for e-mail."""
    server.answers(contacts((1, "Ann@Example.com", True), (2, "bob@example.com", False), (3, None, True)))
    assert list(brevo.unreachable(since)) == [Unreachable("unsubscribed", None, "ann@example.com")]
    (seen,) = server.seen
    assert (by_path(seen), query(seen)) == (
        "/v3/contacts",
        {"limit": "500", "offset": "0", "sort": "asc", **asked},
    )


def test_fields_are_attributes_that_may_be_set(server: Scripted, brevo: BrevoConnector) -> None:
    """Typed, asked for once; the address, what people agreed to, and what is counted are none."""
    server.answers(
        attributes(
            ("TIER", "normal", "text"),
            ("ORDERS", "normal", "float"),
            ("VIP", "normal", "boolean"),
            ("SINCE", "normal", "date"),
            ("COLOURS", "normal", "multiple-choice"),
            ("GENDER", "category", ""),
            ("ORDER_ID", "transactional", "id"),
            ("AGE", "calculated", ""),
            ("EMAIL", "normal", "text"),
            ("OPT_IN", "normal", "boolean"),
            ("DOUBLE_OPT-IN", "category", ""),
        )
    )
    wanted = {
        "TIER": FieldType.TEXT,
        "ORDERS": FieldType.NUMBER,
        "VIP": FieldType.BOOLEAN,
        "SINCE": FieldType.DATE,
        "COLOURS": FieldType.ANY,
        "GENDER": FieldType.ANY,
    }
    assert brevo.fields() == brevo.fields() == wanted
    assert [seen.path for seen in server.seen] == ["/v3/contacts/attributes"]


def test_the_doctor_looks_at_lists_and_attributes(server: Scripted, brevo: BrevoConnector) -> None:
    """Nothing is changed; a refusal names the variable."""
    server.answers(lists(), attributes(("TIER", "normal", "text")))
    assert [(finding.step, finding.ok) for finding in brevo.examine()] == [
        ("lists", True),
        ("attributes", True),
    ]
    assert {seen.method for seen in server.seen} == {"GET"}
    server.answers(Reply(401, {"code": "unauthorized", "message": "unrecognised IP address 203.0.113.7"}))
    (refused,) = brevo.examine()
    assert not refused.ok
    assert "TURNOUT_BREVO_API_KEY" in refused.says
    assert "IP" in refused.says


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"limit": "10", "remaining": "3", "reset": "1"}, [Left(3, 1, 10)]),
        ({"limit": "36000", "remaining": "0", "reset": "1200"}, [Left(0, 1200, 36_000)]),
        ({"limit": "100", "remaining": "99", "reset": "3600"}, []),
        ({"limit": "10", "remaining": "x", "reset": "1"}, []),
        ({}, []),
    ],
)
def test_what_is_left_counts_for_its_own_window(
    server: Scripted, brevo: BrevoConnector, told: dict[str, str], found: list[Any]
) -> None:
    """A hundred questions an hour about processes are another budget, which must not slow contacts down."""
    headers = {f"x-sib-ratelimit-{name}": value for name, value in told.items()}
    assert list(left(headers, datetime(2026, 11, 22, tzinfo=UTC), brevo.limits.windows)) == found


def test_limits_are_the_settings(server: Scripted, time: FastTime) -> None:
    """A second and an hour; imports need leave to create."""
    limits = opened(server, time, requests_per_second=20, requests_per_hour=72_000).limits
    assert set(limits.windows) == {Window(20, timedelta(seconds=1)), Window(72_000, timedelta(hours=1))}
    assert (limits.max_rows, limits.asynchronous, limits.ids_last) == (150, False, None)
    with pytest.raises(ValueError, match="CREATE_MISSING"):
        BrevoSettings(_env_file=None, api_key="x", import_rows=1_000)
    with pytest.raises(ValueError, match="max_rows"):
        BrevoSettings(_env_file=None, api_key="x", max_rows=151)
