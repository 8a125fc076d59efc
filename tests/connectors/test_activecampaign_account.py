"""ActiveCampaign's tags, members, fields and states, and what must never be sent there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    Reported,
    SyncOptions,
    Uncertain,
    Window,
)
from connectors.people import FieldType, Present, Unreachable
from connectors.testing import FastTime
from tests.connectors.activecampaign_account import (
    CONTACTS,
    FIELDS,
    IMPORTS,
    TAG,
    TAGS,
    Account,
    no_result,
    opened,
    people,
    query,
)
from tests.connectors.lapsed import REQUEST, known
from tests.connectors.oauth_account import batch
from tests.connectors.server import Reply, Scripted


@pytest.fixture
def activecampaign(server: Scripted, time: FastTime) -> Any:
    """Makes connectors with other settings."""
    return partial(opened, server, time)


def tags(*names: str) -> Reply:
    return Reply(body={"tags": [{"id": str(19 + n), "tag": name} for n, name in enumerate(names, 1)]})


def contacts(*found: tuple[str, str]) -> Reply:
    return Reply(body={"contacts": [{"id": one, "email": address} for one, address in found], "meta": {}})


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("Lapsed",), "20"),
        (("lapsed",), "20"),
        (("LAPSED", "Lapsed"), "21"),
        (("Lapsed regulars", "lapsed"), "21"),
    ],
)
def test_a_tag_is_found_by_its_name(
    server: Scripted, activecampaign: Any, names: tuple[str, ...], found: str
) -> None:
    """The exact one before one in another case, as names are unique whatever their case."""
    account = Account(server)
    account.says("GET", TAGS, tags(*names))
    audience = activecampaign().open_audience(REQUEST, SyncOptions())
    assert (audience.id, audience.created) == (found, False)
    assert query(server.seen[0]) == {"filters[search][eq]": "Lapsed", "limit": "100", "offset": "0"}


def test_a_tag_of_templates_is_another(server: Scripted, activecampaign: Any) -> None:
    """Contacts can not have it, whatever its name."""
    account = Account(server)
    account.says("GET", TAGS, Reply(body={"tags": [{"id": "7", "tag": "Lapsed", "tagType": "template"}]}))
    account.says("POST", TAGS, Reply(201, {"tag": {"id": "20", "tag": "Lapsed"}}))
    assert activecampaign().open_audience(REQUEST, SyncOptions()).created


def test_a_tag_is_made(server: Scripted, activecampaign: Any) -> None:
    """Of contacts, with our mark; a lost answer is never repeated, and a name that is taken needs somebody."""
    account = Account(server)
    account.says("GET", TAGS, tags())
    taken = {"errors": [{"title": "taken", "code": "duplicate"}]}
    account.says(
        "POST",
        TAGS,
        Reply(201, {"tag": {"id": "20", "tag": "Lapsed"}}),
        Reply(422, taken),
        Reply(how="reset"),
    )
    made = activecampaign().open_audience(REQUEST, SyncOptions())
    assert made == Audience("20", "Lapsed", created=True)
    wanted = {"tag": "Lapsed", "tagType": "contact", "description": "turnout:lapsed"}
    assert account.asked("POST", TAGS)[0].json == {"tag": wanted}
    with pytest.raises(ActionNeeded):
        activecampaign().open_audience(REQUEST, SyncOptions())
    with pytest.raises(Uncertain):
        activecampaign().open_audience(REQUEST, SyncOptions())
    assert len(account.asked("POST", TAGS)) == 3


def test_a_known_tag_is_asked_for(server: Scripted, activecampaign: Any) -> None:
    """It is the audience, or gone."""
    account = Account(server)
    assert activecampaign().open_audience(known("20"), SyncOptions()) == TAG
    account.says("GET", f"{TAGS}/20", no_result("Tag"))
    with pytest.raises(AudienceGone):
        activecampaign().open_audience(known("20"), SyncOptions())


def test_the_accounts_address_gets_its_version(server: Scripted, activecampaign: Any) -> None:
    """Settings, Developer shows it without; with it, nothing is added."""
    Account(server)
    for url in (server.url, f"{server.url}/", f"{server.url}/api/3"):
        activecampaign(base_url=url).open_audience(known("20"), SyncOptions())
    assert {seen.path for seen in server.seen} == {f"{TAGS}/20"}


def test_members_are_read_page_by_page(server: Scripted, activecampaign: Any) -> None:
    """By ascending ids, whatever they have agreed to; only an empty page is the last."""
    account = Account(server)
    account.says(
        "GET",
        CONTACTS,
        contacts(("7", " Ada@Example.com"), ("9", "")),
        contacts(("11", "bob@example.com")),
        contacts(),
    )
    pages = list(activecampaign().members(TAG))
    assert pages == [
        [Present("7", {"EMAIL": "ada@example.com"})],
        [Present("11", {"EMAIL": "bob@example.com"})],
        [],
    ]
    page = {"tagid": "20", "status": "-1", "limit": "100", "orders[id]": "ASC"}
    asked = [query(seen) for seen in account.asked("GET", CONTACTS)]
    assert asked == [page, page | {"id_greater": "9"}, page | {"id_greater": "11"}]
    assert activecampaign().lists_members == timedelta(minutes=30)


@pytest.mark.parametrize("read", [lambda c: list(c.members(TAG)), lambda c: c.read_back(TAG)])
def test_a_tag_that_is_gone_has_no_members(server: Scripted, activecampaign: Any, read: Any) -> None:
    """It would find nobody, which is another matter."""
    Account(server).says("GET", f"{TAGS}/20", no_result("Tag"))
    with pytest.raises(AudienceGone):
        read(activecampaign())


def test_a_listing_that_repeats_itself_ends(server: Scripted, activecampaign: Any) -> None:
    """Where ids are not heeded."""
    Account(server).says("GET", CONTACTS, contacts(("7", "ada@example.com")))
    with pytest.raises(ActionNeeded):
        list(activecampaign().members(TAG))


@pytest.mark.parametrize(("total", "size"), [("420", 420), (420, 420), (None, None)])
def test_the_size_is_read_back(
    server: Scripted, activecampaign: Any, total: object, size: int | None
) -> None:
    """Contacts with the tag, whatever they have agreed to."""
    account = Account(server)
    account.total = total
    assert activecampaign().read_back(TAG) == Reported(size, size)
    assert query(server.seen[1]) == {"tagid": "20", "status": "-1", "limit": "1"}


@pytest.mark.parametrize(("lists", "asked"), [((), [{}]), (("3", "4"), [{"listid": "3"}, {"listid": "4"}])])
def test_who_cannot_be_reached_is_read(
    server: Scripted, activecampaign: Any, lists: tuple[str, ...], asked: list[dict[str, str]]
) -> None:
    """Unsubscribed and bounced, of the lists that are set; since when is not told."""
    account = Account(server)
    pages = [contacts(("7", "ada@example.com")), contacts(), contacts(("8", "bob@example.com")), contacts()]
    account.says("GET", CONTACTS, *pages * len(asked))
    found = list(activecampaign(lists=lists).unreachable(datetime(2026, 11, 1, tzinfo=UTC)))
    assert found == len(asked) * [
        Unreachable("unsubscribed", None, email="ada@example.com"),
        Unreachable("bounced", None, email="bob@example.com"),
    ]
    first = [query(seen) for seen in account.asked("GET", CONTACTS) if "id_greater" not in query(seen)]
    page = {"limit": "100", "orders[id]": "ASC"}
    assert first == [page | one | {"status": state} for one in asked for state in ("2", "3")]


def defined(*fields: dict[str, object]) -> Reply:
    return Reply(body={"fields": list(fields), "meta": {}})


DEFINED = defined(
    {"id": "1", "title": "Tier", "type": "text"},
    {"id": "2", "title": "Last order", "type": "date"},
    {"id": "3", "title": "Orders", "type": "number"},
    {"id": "4", "title": "Tier", "type": "dropdown"},
    {"id": "x", "title": "Broken", "type": "text"},
)


def test_attributes_go_with_the_import(server: Scripted, activecampaign: Any) -> None:
    """Custom fields by their ids, names and phone beside the address; all as text; fields are asked for once."""
    account = Account(server, ada=10)
    account.says("GET", FIELDS, DEFINED)
    connector = activecampaign(create_missing=True)
    wanted = '{"Tier": true, "Last order": "2026-11-01", "Orders": 3, "first_name": "Ada"}'
    for attributes in (wanted, '{"Orders": 1.5}'):
        connector.add(TAG, people("ada", attributes=attributes), batch("add", 1))
    first, second = (seen.json["contacts"][0] for seen in account.asked("POST", IMPORTS))  # type: ignore[index]
    texts = [{"id": 1, "value": "true"}, {"id": 2, "value": "2026-11-01"}, {"id": 3, "value": "3"}]
    assert first == {"email": "ada@example.com", "tags": ["Lapsed"], "first_name": "Ada", "fields": texts}
    assert second["fields"] == [{"id": 3, "value": "1.5"}]
    assert len(account.asked("GET", FIELDS)) == 1
    connector.add(TAG, people("ada", attributes=None), batch("add", 1))
    assert "fields" not in account.asked("POST", IMPORTS)[-1].json["contacts"][0]  # type: ignore[index]


def test_fields_are_listed_with_their_types(server: Scripted, activecampaign: Any) -> None:
    """Custom ones by their titles, on every page, and three of its own."""
    account = Account(server)
    many: list[dict[str, object]] = [
        {"id": str(n), "title": f"Field {n}", "type": "text"} for n in range(100, 120)
    ]
    account.says("GET", FIELDS, defined(*many), DEFINED)
    assert activecampaign().fields() == {
        "first_name": FieldType.TEXT,
        "last_name": FieldType.TEXT,
        "phone": FieldType.TEXT,
        **{f"Field {n}": FieldType.TEXT for n in range(100, 120)},
        "Tier": FieldType.TEXT,
        "Last order": FieldType.DATE,
        "Orders": FieldType.NUMBER,
    }
    asked = [query(seen) for seen in account.asked("GET", FIELDS)]
    assert asked == [{"limit": "100", "offset": "0"}, {"limit": "100", "offset": "20"}]


@pytest.mark.parametrize("name", ["Vip", "tier", "1", "email", "tags", "subscribe", "status", "Broken"])
def test_a_field_that_may_not_be_set_is_named(server: Scripted, activecampaign: Any, name: str) -> None:
    """Before anybody is sent; what is not there must be created by a person."""
    account = Account(server)
    account.says("GET", FIELDS, DEFINED)
    with pytest.raises(ActionNeeded, match=name):
        activecampaign(create_missing=True).add(
            TAG, people("ada", attributes=f'{{"{name}": "x"}}'), batch("add", 1)
        )
    assert not account.asked("POST", IMPORTS)


def test_the_doctor_looks_at_tags_and_contacts(server: Scripted, activecampaign: Any) -> None:
    """A refused key is plain text under 403; the finding names its variable."""
    account = Account(server, ada=10)
    account.says("GET", TAGS, tags("Lapsed"), Reply(403, b"Forbidden"))
    assert [finding.ok for finding in activecampaign().examine()] == [True, True]
    (refused,) = activecampaign().examine()
    assert not refused.ok
    assert "TURNOUT_ACTIVECAMPAIGN_API_KEY" in refused.says


def test_limits_are_the_sheets(activecampaign: Any) -> None:
    """Four requests a second of the account's five; 250 people an import; ids last a month."""
    limits = activecampaign().limits
    assert limits.windows == (Window(4, timedelta(seconds=1)),)
    assert (limits.max_rows, limits.asynchronous, limits.ids_last) == (250, True, timedelta(days=30))
    with pytest.raises(ValueError, match="less than or equal to 5"):
        activecampaign(requests_per_second=6)
