"""Iterable's lists: found, made, read back; what the doctor says; and its requests held to a second reading."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AudienceRequest,
    Refused,
    Reported,
    SyncOptions,
    Uncertain,
)
from connectors.iterable import IterableConnector
from connectors.iterable.connector import PAGE
from connectors.people import Present
from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import SANDBOX_ITERABLE_EMAIL_KEY
from connectors.testing import FastTime
from tests.connectors.described import as_described
from tests.connectors.iterable_project import ANN, BOB, LIST, LISTS, opened, project, rows, took
from tests.connectors.oauth_account import batch
from tests.connectors.server import Reply, Scripted

REQUEST = AudienceRequest("vip", "turnout:vip", None)
KNOWN = AudienceRequest("vip", "turnout:vip", "123")
TEXT = {"Content-Type": "text/plain; charset=utf-8"}


@pytest.fixture
def iterable(server: Scripted, time: FastTime) -> Any:
    """Makes connectors with other settings."""
    return partial(opened, server, time)


def listing(*found: dict[str, object]) -> Reply:
    """All lists of a project, static unless they say otherwise."""
    return Reply(body={"lists": [{"listType": "Standard", **one} for one in found]})


@pytest.mark.parametrize(
    "ours",
    [
        {"id": 123, "name": "vip", "description": None},
        {"id": 123, "name": "Renamed", "description": "turnout:vip"},
    ],
)
def test_a_list_is_found_by_name_or_mark(server: Scripted, iterable: Any, ours: dict[str, object]) -> None:
    """Among all: Iterable cannot be asked for one. A name that only begins alike is another list."""
    others = {"id": 1, "name": "vip 2", "description": "turnout:vip2"}, {"id": 2, "name": "VIP"}
    server.answers(listing(*others, ours))
    found = iterable().open_audience(REQUEST, SyncOptions())
    assert found == Audience("123", str(ours["name"]))
    assert [(seen.method, seen.path) for seen in server.seen] == [("GET", "/api/lists")]


@pytest.mark.parametrize(
    "special",
    [{"listType": kind} for kind in ("Dynamic", "Suppression", "Internal")]
    + [{"isGlobalSuppressionEnabled": True}],
)
def test_only_static_lists_are_written_to(
    server: Scripted, iterable: Any, special: dict[str, object]
) -> None:
    """A list that suppresses people, or follows rules, is none of ours, whatever its name or id."""
    lists = listing({"id": 123, "name": "vip", "description": "turnout:vip", **special})
    server.answers(lists, Reply(body={"listId": 9}), lists)
    assert iterable().open_audience(REQUEST, SyncOptions()) == Audience("9", "vip", created=True)
    with pytest.raises(AudienceGone):
        iterable().open_audience(KNOWN, SyncOptions())


def test_a_missing_list_is_made_once(server: Scripted, iterable: Any) -> None:
    """With our mark as description; an answer that was lost or names no id is looked for next time."""
    server.answers(listing(), Reply(body={"listId": 123}))
    assert iterable().open_audience(REQUEST, SyncOptions()) == Audience("123", "vip", created=True)
    made = server.seen[-1]
    assert (made.method, made.path) == ("POST", "/api/lists")
    assert made.json == {"name": "vip", "description": "turnout:vip"}
    for answer in (Reply(how="reset"), Reply(body={"listId": None})):
        server.answers(listing(), answer)
        with pytest.raises(Uncertain):
            iterable().open_audience(REQUEST, SyncOptions())
    assert len(server.seen) == 6


def test_a_known_list_is_read_and_may_be_gone(server: Scripted, iterable: Any) -> None:
    """By its id, whatever it is called now."""
    server.answers(listing({"id": 123, "name": "Renamed"}), listing({"id": 12, "name": "vip"}))
    assert iterable().open_audience(KNOWN, SyncOptions()) == Audience("123", "Renamed")
    with pytest.raises(AudienceGone):
        iterable().open_audience(KNOWN, SyncOptions())


def test_lists_that_cannot_be_read_are_no_lists_that_are_gone(server: Scripted, iterable: Any) -> None:
    """Nothing at that address: somebody has to look at the setting."""
    server.answers(Reply(404, {"msg": "no", "code": "NotFound"}))
    with pytest.raises(ActionNeeded, match="TURNOUT_ITERABLE_BASE_URL"):
        iterable().open_audience(KNOWN, SyncOptions())


CALLS: dict[str, Callable[[IterableConnector], object]] = {
    "add": lambda made: made.add(LIST, rows(ANN), batch("add", 1)),
    "remove": lambda made: made.remove(LIST, rows(ANN), batch("remove", 1)),
    "members": lambda made: list(made.members(LIST)),
    "size": lambda made: made.read_back(LIST),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("lists", "consequence"), [({"lists": []}, AudienceGone), (LISTS, Refused)])
def test_a_bad_parameter_may_be_a_list_that_is_gone(
    server: Scripted, iterable: Any, call: str, lists: dict[str, object], consequence: type[Exception]
) -> None:
    """Iterable says the same of both, so it is asked for its lists."""
    project(server, Reply(400, {"msg": "List does not exist", "code": "BadParams", "params": None}))
    others = server.script
    server.script = lambda seen: Reply(body=lists) if seen.path == "/api/lists" else others(seen)
    with pytest.raises(consequence) as failed:
        CALLS[call](iterable())
    assert type(failed.value) is consequence


def test_members_are_read_line_by_line(server: Scripted, iterable: Any) -> None:
    """As text, everybody at once, whatever they have unsubscribed from; handed on in pages."""
    people = [f"Person{number}@Example.com" for number in range(PAGE + 1)]
    server.answers(Reply(body="\r\n".join([*people, "", "no address", ""]).encode(), headers=TEXT))
    pages = list(iterable().members(LIST))
    assert [len(page) for page in pages] == [PAGE, 1]
    assert pages[0][0] == Present(None, {"EMAIL": "person0@example.com"})
    assert [seen.path for seen in server.seen] == ["/api/lists/getUsers?listId=123&preferUserId=false"]


def test_members_of_a_project_of_ids_are_ids(server: Scripted, iterable: Any) -> None:
    """Asked for by id, and kept as they are."""
    server.answers(Reply(body=b"U-1\nu-1\n", headers=TEXT))
    (page,) = iterable(project="user_id").members(LIST)
    assert [one.identifiers for one in page] == [{"EXTERNAL_ID": "U-1"}, {"EXTERNAL_ID": "u-1"}]
    assert server.seen[0].path.endswith("preferUserId=true")


def test_an_empty_list_has_no_members_and_a_page_is_no_list(server: Scripted, iterable: Any) -> None:
    """A gateway's page under HTTP 200 must not pass for a list that lost everybody."""
    server.answers(Reply(body=b"", headers=TEXT))
    assert list(iterable().members(LIST)) == []
    for body in (b"<html>down</html>", b' {"msg":"x"}'):
        server.answers(Reply(body=body))
        with pytest.raises(Refused):
            list(iterable().members(LIST))


@pytest.mark.parametrize(("body", "size"), [(b"420", 420), (b'"420"', 420), (b"0\n", 0), (b"many", None)])
def test_the_size_is_a_bare_number(server: Scripted, iterable: Any, body: bytes, size: int | None) -> None:
    """Of everybody in the list."""
    server.answers(Reply(body=body, headers=TEXT))
    assert iterable().read_back(LIST) == Reported(size, size)
    assert server.seen[0].path == "/api/lists/123/size"


def test_a_query_that_took_too_long_is_asked_again(server: Scripted, iterable: Any) -> None:
    """503: try later; nothing can be in doubt about a question."""
    server.answers(Reply(503, {"msg": "timeout", "code": "GenericError"}), Reply(body=b"7", headers=TEXT))
    assert iterable().read_back(LIST) == Reported(7, 7)
    server.answers(Reply(503, b"<html>"))
    with pytest.raises(Refused):
        iterable().read_back(LIST)


def test_the_doctor_looks_at_lists_and_the_forgotten(server: Scripted, iterable: Any) -> None:
    """Without changing anything; a refused key is told with its variable."""
    project(server, took())
    assert [(one.step, one.ok) for one in iterable().examine()] == [
        ("lists", True),
        ("forgotten people", True),
    ]
    assert [one.step for one in iterable(project="user_id").examine()] == ["lists"]
    assert {seen.method for seen in server.seen} == {"GET"}
    server.answers(Reply(401, {"msg": "Invalid API key", "code": "BadApiKey", "params": None}))
    (refused,) = iterable().examine()
    assert not refused.ok
    assert "TURNOUT_ITERABLE_API_KEY" in refused.says


def test_a_second_reading_agrees_with_every_request(server: Scripted, iterable: Any) -> None:
    """Each operation of the hand-written description, with attributes and without, is sent as it says."""
    project(server, took(2), fields={"tier": "string"})
    made = iterable()
    made.add(LIST, rows(ANN, BOB, attributes=['{"tier":"gold"}', None]), batch("add", 2))
    iterable(create_missing=True).add(LIST, rows(ANN), batch("add", 1))
    iterable(project="email").remove(LIST, rows(ANN, BOB), batch("remove", 2))
    server.answers(listing(), Reply(body={"listId": 5}), Reply(body=b"", headers=TEXT))
    made.open_audience(REQUEST, SyncOptions())
    list(made.members(LIST))
    described = {"list_create", "list_subscribe", "list_unsubscribe", "list_members"}
    assert set(as_described("iterable", server.seen)) == described


def test_a_project_of_addresses_creates_nobody(tmp_path: Path, server: Scripted, iterable: Any) -> None:
    """Played by the sandbox, which creates whoever is added there, as Iterable does."""
    with SandboxServer(tmp_path / "sandbox") as sandbox:
        sandbox.state.email.put_person("iterable", ANN)
        url = sandbox.url_of("iterable")
        made = iterable(project="email", api_key=SANDBOX_ITERABLE_EMAIL_KEY, base_url=url)
        audience = made.open_audience(REQUEST, SyncOptions())
        receipt = made.add(audience, rows(ANN, BOB), batch("add", 2))
        assert dict(receipt.rejected) == {1: "unknown_person"}
        assert [one.email for one in sandbox.state.email.people("iterable")] == [ANN]
        assert [len(page) for page in made.members(audience)] == [1]
