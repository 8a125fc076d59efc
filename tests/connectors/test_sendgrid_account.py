"""SendGrid's lists, fields, suppressions and permissions, and what must never be sent there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AudienceRequest,
    Reported,
    SyncOptions,
    Uncertain,
    Window,
)
from connectors.people import FieldType, Unreachable
from connectors.testing import FastTime
from tests.connectors.lapsed import REQUEST, known
from tests.connectors.oauth_account import batch
from tests.connectors.sendgrid_account import (
    CONTACTS,
    COUNT,
    DEFINITIONS,
    LIST,
    LISTS,
    Account,
    contact,
    described,
    opened,
    people,
    query,
)
from tests.connectors.server import Reply, Scripted
from tests.sandbox.email_openapi import description

UNSUBSCRIBES, BOUNCES, SPAM = (
    f"/v3/suppression/{listing}" for listing in ("unsubscribes", "bounces", "spam_reports")
)


@pytest.fixture
def sendgrid(server: Scripted, time: FastTime) -> Iterator[Any]:
    """Makes connectors with other settings; in the end every request must be as officially described."""
    yield partial(opened, server, time)
    for seen in server.seen:
        described(seen)


def lists(*names: str, following: str | None = None) -> Reply:
    found = [{"id": f"00000000-0000-4000-8000-{n:012}", "name": name} for n, name in enumerate(names, 1)]
    return Reply(body={"result": found, "_metadata": {"next": following} if following else {}})


def test_a_list_is_found_by_its_name(server: Scripted, sendgrid: Any) -> None:
    """The exact one, on any page; of a link to the next only the query is believed."""
    account = Account(server)
    link = "https://elsewhere.invalid/v3/marketing/lists?page_size=1000&page_token=two"
    account.says("GET", LISTS, lists("lapsed", "Lapsed regulars", following=link), lists("Lapsed"))
    assert sendgrid().open_audience(REQUEST, SyncOptions()) == LIST
    first, second = account.asked("GET", LISTS)
    assert query(first) == {"page_size": "1000"}
    assert query(second) == {"page_size": "1000", "page_token": "two"}


@pytest.mark.parametrize("following", [None, "https://x.invalid/?page_token=1"])
def test_a_list_is_made(server: Scripted, sendgrid: Any, following: str | None) -> None:
    """With its name alone; an empty page is the last, whatever it links to. A lost answer is never repeated."""
    account = Account(server)
    account.says("GET", LISTS, lists(following=following))
    account.says("POST", LISTS, Reply(201, {"id": LIST.id, "name": "Lapsed", "contact_count": 0}))
    made = sendgrid().open_audience(REQUEST, SyncOptions())
    assert made == Audience(LIST.id, "Lapsed", created=True)
    assert account.asked("POST", LISTS)[0].json == {"name": "Lapsed"}
    account.says("POST", LISTS, Reply(how="reset"))
    with pytest.raises(Uncertain):
        sendgrid().open_audience(REQUEST, SyncOptions())
    assert len(account.asked("POST", LISTS)) == 2
    with pytest.raises(ActionNeeded, match="100"):
        sendgrid().open_audience(AudienceRequest("x" * 101, "turnout:x", None), SyncOptions())


@pytest.mark.parametrize("body", [{"errors": []}, [{"message": "not found"}]])
def test_a_known_list_is_asked_for(server: Scripted, sendgrid: Any, body: object) -> None:
    """It is the audience, or gone; SendGrid's 404 is an object or a list of errors."""
    account = Account(server)
    assert sendgrid().open_audience(known(LIST.id), SyncOptions()) == LIST
    account.says("GET", f"{LISTS}/{LIST.id}", Reply(404, body))
    with pytest.raises(AudienceGone):
        sendgrid().open_audience(known(LIST.id), SyncOptions())


def test_the_size_is_read_back(server: Scripted, sendgrid: Any) -> None:
    """Contacts, whether or not they are billed."""
    account = Account(server)
    account.says("GET", COUNT, Reply(body={"contact_count": 420, "billable_count": 400}))
    assert sendgrid().read_back(LIST) == Reported(420, 420)
    assert sendgrid().lists_members is None


def test_a_subuser_is_named(server: Scripted, sendgrid: Any) -> None:
    """In a header of every request, where the key is the parent's."""
    Account(server)
    sendgrid(on_behalf_of="shop").open_audience(known(LIST.id), SyncOptions())
    assert server.seen[0].headers["on-behalf-of"] == "shop"


def defined(*reserved: dict[str, object]) -> Reply:
    """Fields of an account."""
    custom = [
        {"id": "e1_T", "name": "tier", "field_type": "Text"},
        {"id": "e2_N", "name": "orders", "field_type": "Number"},
        {"id": "e3_D", "name": "last order", "field_type": "Date"},
        {"id": "e4_T", "name": "city", "field_type": "Text"},
    ]
    return Reply(body={"custom_fields": custom, "reserved_fields": list(reserved)})


RESERVED: tuple[dict[str, object], ...] = (
    {"id": "_rf0_T", "name": "first_name", "field_type": "Text"},
    {"id": "_rf2_T", "name": "email", "field_type": "Text"},
    {"id": "_rf3_T", "name": "alternate_emails", "field_type": "Text"},
    {"id": "_rf6_T", "name": "city", "field_type": "Text"},
    {"id": "_rf24_T", "name": "external_id", "field_type": "Text"},
    {"id": "_rf16_D", "name": "last_clicked", "field_type": "Date", "read_only": True},
)


def test_attributes_go_by_the_fields_ids(server: Scripted, sendgrid: Any) -> None:
    """Custom fields by id, reserved ones by name, each as its type; fields are asked for once."""
    account = Account(server)
    account.says("GET", DEFINITIONS, defined(*RESERVED))
    connector = sendgrid(create_missing=True)
    wanted = (
        '{"tier": "gold", "orders": 3, "last order": "2026-11-01", "city": "Oslo", "first_name": "Ada"}',
        '{"tier": true, "orders": 1.5}',
        '{"tier": 7}',
    )
    for attributes in wanted:
        connector.add(LIST, people("ada", attributes=attributes), batch("add", 1))
    first, second, third = (seen.json["contacts"][0] for seen in account.asked("PUT", CONTACTS))  # type: ignore[index]
    assert first == {
        "email": "ada@example.com",
        "city": "Oslo",
        "first_name": "Ada",
        "custom_fields": {"e1_T": "gold", "e2_N": 3, "e3_D": "2026-11-01"},
    }
    assert second["custom_fields"] == {"e1_T": "true", "e2_N": 1.5}
    assert third["custom_fields"] == {"e1_T": "7"}
    assert len(account.asked("GET", DEFINITIONS)) == 1


def test_fields_are_listed_with_their_types(server: Scripted, sendgrid: Any) -> None:
    """Those that may be set: no identifier, and nothing that only SendGrid writes."""
    account = Account(server)
    account.says("GET", DEFINITIONS, defined(*RESERVED))
    assert sendgrid().fields() == {
        "tier": FieldType.TEXT,
        "orders": FieldType.NUMBER,
        "last order": FieldType.DATE,
        "city": FieldType.TEXT,
        "first_name": FieldType.TEXT,
    }


@pytest.mark.parametrize("name", ["vip", "email", "external_id", "alternate_emails", "last_clicked", "e1_T"])
def test_a_field_that_may_not_be_set_is_named(server: Scripted, sendgrid: Any, name: str) -> None:
    """Before anybody is sent; what is not there must be created by a person."""
    account = Account(server)
    account.says("GET", DEFINITIONS, defined(*RESERVED))
    with pytest.raises(ActionNeeded, match=name):
        sendgrid(create_missing=True).add(
            LIST, people("ada", attributes=f'{{"{name}": "x"}}'), batch("add", 1)
        )
    assert not account.asked("PUT", CONTACTS)


def test_who_cannot_be_reached_is_read_page_by_page(server: Scripted, sendgrid: Any) -> None:
    """Unsubscribes, bounces and complaints since then; addresses normalised, what is no address left out."""
    account = Account(server)
    page = [{"created": 1_764_000_000 + n, "email": f"p{n}@example.com"} for n in range(500)]
    last = [*page[480:], {"created": 0, "email": " Eve@Example.com"}]
    account.says("GET", UNSUBSCRIBES, Reply(body=page), Reply(body=last))
    account.says(
        "GET", BOUNCES, Reply(body=[{"created": 1_764_000_000, "email": "bob@example.com", "status": "5"}])
    )
    account.says(
        "GET", SPAM, Reply(body=[{"email": "nobody", "created": 1}, "x", {"email": "cy@example.com"}])
    )
    since = datetime(2026, 11, 1, tzinfo=UTC)
    found = list(sendgrid().unreachable(since))
    assert len(found) == 523
    assert found[0] == Unreachable(
        "unsubscribed", datetime.fromtimestamp(1_764_000_000, UTC), "p0@example.com"
    )
    assert found[520:] == [
        Unreachable("unsubscribed", None, "eve@example.com"),
        Unreachable("bounced", datetime.fromtimestamp(1_764_000_000, UTC), "bob@example.com"),
        Unreachable("complained", None, "cy@example.com"),
    ]
    begins = {"start_time": "1793491200", "limit": "500"}
    pages = [query(seen) for seen in account.asked("GET", UNSUBSCRIBES)]
    assert pages == [begins | {"offset": "0"}, begins | {"offset": "480"}]


def test_a_listing_that_moves_is_read_again(server: Scripted, sendgrid: Any) -> None:
    """A suppression that is lifted while pages are read would hide another one behind the page."""
    account = Account(server)
    page = [{"created": 1_764_000_000 + n, "email": f"p{n}@example.com"} for n in range(530)]
    pages = [page[:500], page[510:], page[30:], page[510:]]
    account.says("GET", UNSUBSCRIBES, *(Reply(body=one) for one in pages))
    for listing in (BOUNCES, SPAM):
        account.says("GET", listing, Reply(body=[]))
    assert {found.email for found in sendgrid().unreachable(None)} == {one["email"] for one in page}
    offsets = [query(seen)["offset"] for seen in account.asked("GET", UNSUBSCRIBES)]
    assert offsets == ["0", "480", "0", "480"]


def test_all_time_has_no_beginning(server: Scripted, sendgrid: Any) -> None:
    """Without a moment everybody is asked for; a listing that is none is no answer."""
    account = Account(server)
    for listing in (UNSUBSCRIBES, BOUNCES, SPAM):
        account.says("GET", listing, Reply(body=[]))
    assert list(sendgrid().unreachable(None)) == []
    assert all("start_time" not in query(seen) for seen in server.seen)
    account.says("GET", BOUNCES, Reply(body={"errors": []}))
    with pytest.raises(Uncertain):
        list(sendgrid().unreachable(None))


def test_the_doctor_looks_at_lists_and_suppressions(server: Scripted, sendgrid: Any) -> None:
    """A refusal says what the key lacks, and which variable holds it."""
    account = Account(server)
    account.says("GET", LISTS, lists("Lapsed"))
    account.says(
        "GET", UNSUBSCRIBES, Reply(body=[]), Reply(403, {"errors": [{"message": "access forbidden"}]})
    )
    assert [finding.ok for finding in sendgrid().examine()] == [True, True]
    fine, refused = sendgrid().examine()
    assert (fine.ok, refused.ok) == (True, False)
    assert "Suppressions" in refused.says
    assert "TURNOUT_SENDGRID_API_KEY" in refused.says


def test_limits_are_the_sheets(sendgrid: Any) -> None:
    """One request a second unless told otherwise; thirty thousand people at most; ids last a month."""
    limits = sendgrid().limits
    assert limits.windows == (Window(1, timedelta(seconds=1)),)
    assert (limits.max_rows, limits.asynchronous, limits.ids_last) == (5_000, True, timedelta(days=30))
    assert sendgrid(max_rows=30_000, requests_per_second=3).limits.windows[0].requests == 3
    with pytest.raises(ValueError, match="30000"):
        sendgrid(max_rows=30_001)


def test_requests_are_as_officially_described(server: Scripted, sendgrid: Any) -> None:
    """Everything that the connector asks of SendGrid is in the official files, its query and body included."""
    if description("sendgrid") is None:
        pytest.skip("the official description is not at hand")
    account = Account(server, ada=contact(1, "ada"))
    account.says("GET", LISTS, lists())
    account.says("POST", LISTS, Reply(201, {"id": LIST.id, "name": "Lapsed"}))
    account.says("GET", COUNT, Reply(body={"contact_count": 1}))
    account.says("GET", DEFINITIONS, defined(*RESERVED))
    for listing in (UNSUBSCRIBES, BOUNCES, SPAM):
        account.says("GET", listing, Reply(body=[]))
    connector = sendgrid(on_behalf_of="shop")
    connector.open_audience(REQUEST, SyncOptions())
    connector.open_audience(known(LIST.id), SyncOptions())
    rows = people("ada", attributes='{"tier": "gold", "city": "Oslo"}')
    connector.poll(LIST, connector.add(LIST, rows, batch("add", 1)).reference)
    connector.remove(LIST, people("ada"), batch("remove", 1))
    connector.read_back(LIST)
    list(connector.unreachable(datetime(2026, 11, 1, tzinfo=UTC)))
    assert {described(seen) for seen in server.seen} == {
        f"GET {LISTS}",
        f"POST {LISTS}",
        f"GET {LISTS}/{{id}}",
        f"GET {LISTS}/{{id}}/contacts/count",
        f"DELETE {LISTS}/{{id}}/contacts",
        f"POST {CONTACTS}/search/identifiers/{{identifier_type}}",
        f"GET {CONTACTS}/imports/{{id}}",
        f"GET {DEFINITIONS}",
        f"PUT {CONTACTS}",
        f"GET {UNSUBSCRIBES}",
        f"GET {BOUNCES}",
        f"GET {SPAM}",
    }
