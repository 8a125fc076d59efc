"""Iterable's requests about people, and what its answers say of them, against a scripted server."""

from __future__ import annotations

import logging
from functools import partial
from typing import Any

import pytest

from connectors.base import ActionNeeded, Uncertain
from connectors.people import FieldType
from connectors.testing import FastTime
from tests.connectors.iterable_project import ANN, BOB, EVE, LIST, changes, opened, project, rows, took
from tests.connectors.oauth_account import batch, table
from tests.connectors.server import Reply, Scripted


@pytest.fixture
def iterable(server: Scripted, time: FastTime) -> Any:
    """Makes connectors with other settings."""
    return partial(opened, server, time)


def test_people_are_added_by_address(server: Scripted, iterable: Any) -> None:
    """One request, for users whom the project has; the key is in a header of its own."""
    project(server, took(2))
    receipt = iterable().add(LIST, rows(ANN, BOB), batch("add", 2))
    assert (receipt.status, dict(receipt.rejected), receipt.rejected_unlocated) == ("applied", {}, 0)
    (sent,) = changes(server)
    assert (sent.path, sent.headers["Api-Key"]) == ("/api/lists/subscribe", "key-1-of-iterable")
    assert "Authorization" not in sent.headers
    assert sent.json == {
        "listId": 123,
        "updateExistingUsersOnly": True,
        "subscribers": [{"email": ANN}, {"email": BOB}],
    }


def test_people_are_removed_without_leaving_the_channel(server: Scripted, iterable: Any) -> None:
    """``channelUnsubscribe`` is always said, and always false."""
    project(server, took(1))
    receipt = iterable().remove(LIST, rows(ANN), batch("remove", 1))
    assert (receipt.status, dict(receipt.rejected)) == ("applied", {})
    (sent,) = server.seen
    assert sent.path == "/api/lists/unsubscribe"
    assert sent.json == {"listId": 123, "channelUnsubscribe": False, "subscribers": [{"email": ANN}]}


def test_a_project_of_ids_goes_by_ids(server: Scripted, iterable: Any) -> None:
    """Case means something in an id; nobody is looked up, and forgotten ids are told by the answer."""
    project(server, took(1, 2, notFoundUserIds=["U-2"], forgottenUserIds=["u-3"]))
    made = iterable(project="user_id")
    people = table(EXTERNAL_ID=["u-2", "U-2", "u-3"])
    receipt = made.add(LIST, people, batch("add", 3))
    assert dict(receipt.rejected) == {1: "unknown_person", 2: "consent_blocked"}
    (sent,) = server.seen
    assert sent.json == {
        "listId": 123,
        "updateExistingUsersOnly": True,
        "subscribers": [{"userId": "u-2"}, {"userId": "U-2"}, {"userId": "u-3"}],
    }


def test_a_project_of_addresses_is_asked_whom_it_knows(server: Scripted, iterable: Any) -> None:
    """It would create whoever is added, so the unknown are left out; with nobody left nothing is sent."""
    odd = "a/b+c%25@example.com"
    project(server, took(2), users=(ANN, odd))
    made = iterable(project="email")
    receipt = made.add(LIST, rows(BOB, ANN, odd), batch("add", 3))
    assert dict(receipt.rejected) == {0: "unknown_person"}
    assert [sent.json["subscribers"] for sent in changes(server)] == [[{"email": ANN}, {"email": odd}]]  # type: ignore[index]
    assert len(server.seen) <= made.requests_for("add", 3)
    assert dict(made.add(LIST, rows(EVE), batch("add", 1)).rejected) == {0: "unknown_person"}
    assert len(changes(server)) == 1
    assert made.requests_for("remove", 1_000) == 1


@pytest.mark.privacy("P27", "P29")
def test_debug_lines_name_nobody(server: Scripted, iterable: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The address that is looked up stands in the request's query: not even at DEBUG is it written down."""
    caplog.set_level(logging.DEBUG)
    project(server, took(1), users=(ANN,))
    iterable(project="email").add(LIST, rows(ANN), batch("add", 1))
    assert any("ann%40example.com" in seen.path for seen in server.seen), "the request named the person"
    assert "getByEmail?email=[address]" in caplog.text
    assert "ann" not in caplog.text


@pytest.mark.parametrize(("status", "code"), [(404, "NotFound"), (404, ""), (400, "UnknownEmailError")])
def test_an_error_about_an_unknown_address_is_no_fault(
    server: Scripted, iterable: Any, status: int, code: str
) -> None:
    """However a project says that it knows nobody of the address."""
    project(server, Reply(status, {"msg": ANN, "code": code, "params": None}))
    known = server.script
    server.script = lambda seen: Reply(status, {"code": code}) if "getByEmail" in seen.path else known(seen)
    receipt = iterable(project="email").add(LIST, rows(ANN), batch("add", 1))
    assert dict(receipt.rejected) == {0: "unknown_person"}


@pytest.mark.parametrize("kind", ["email", "hybrid"])
def test_people_are_created_only_where_that_is_set(server: Scripted, iterable: Any, kind: str) -> None:
    """Then nobody is looked up, and nothing is said of their consent: the project's own default counts."""
    project(server, took(2))
    receipt = iterable(project=kind, create_missing=True).add(LIST, rows(ANN, BOB), batch("add", 2))
    assert dict(receipt.rejected) == {}
    assert changes(server)[0].json == {
        "listId": 123,
        "updateExistingUsersOnly": False,
        "subscribers": [{"email": ANN}, {"email": BOB}],
    }
    assert not [seen for seen in server.seen if "getByEmail" in seen.path]


@pytest.mark.parametrize("create_missing", [False, True])
def test_the_forgotten_are_never_sent(server: Scripted, iterable: Any, create_missing: bool) -> None:
    """Their digests are read once, before the first people are added."""
    project(server, took(1), forgotten=(BOB,))
    made = iterable(create_missing=create_missing)
    for _ in range(2):
        receipt = made.add(LIST, rows(ANN, BOB), batch("add", 2))
        assert dict(receipt.rejected) == {1: "consent_blocked"}
    assert [seen.path for seen in server.seen].count("/api/users/forgotten") == 1
    assert [sent.json["subscribers"] for sent in changes(server)] == [[{"email": ANN}]] * 2  # type: ignore[index]


@pytest.mark.parametrize(
    ("kind", "added", "removed"),
    [
        ("invalidEmails", "invalid_address", "invalid_address"),
        ("notFoundEmails", "unknown_person", None),
        ("forgottenEmails", "consent_blocked", None),
        ("conflictEmails", "conflict", "conflict"),
        ("invalidDataEmails", "invalid_data", "invalid_data"),
    ],
)
def test_every_failure_has_its_reason(
    server: Scripted, iterable: Any, kind: str, added: str, removed: str | None
) -> None:
    """People are found by their address in any case; who is not there needs no removal."""
    project(server, took(1, 1, **{kind: ["BOB@Example.com"]}))
    made = iterable()
    assert dict(made.add(LIST, rows(ANN, BOB), batch("add", 2)).rejected) == {1: added}
    receipt = made.remove(LIST, rows(ANN, BOB), batch("remove", 2))
    assert dict(receipt.rejected) == ({1: removed} if removed else {})
    assert receipt.rejected_unlocated == 0


def test_failures_without_a_name_are_counted(server: Scripted, iterable: Any) -> None:
    """More failures than names, or names that were never sent."""
    project(server, took(0, 3, invalidEmails=[BOB, "x@example.com"]))
    receipt = iterable().add(LIST, rows(ANN, BOB, EVE), batch("add", 3))
    assert (dict(receipt.rejected), receipt.rejected_unlocated) == ({1: "invalid_address"}, 2)


@pytest.mark.parametrize("answer", [took(None), took(1, None), took("x"), Reply(body={"msg": "ok"})])
def test_an_answer_without_counts_is_no_receipt(server: Scripted, iterable: Any, answer: Reply) -> None:
    """Nobody knows who was taken."""
    project(server, answer)
    with pytest.raises(Uncertain):
        iterable().add(LIST, rows(ANN), batch("add", 1))


def test_attributes_go_with_their_person(server: Scripted, iterable: Any) -> None:
    """As ``dataFields`` of the same request; who has none has no such key."""
    project(server, took(2), fields={"tier": "string", "visits": "long", "seen": "date", "vip": "boolean"})
    values = '{"tier":"gold","visits":3,"seen":"2026-11-22","vip":true}'
    iterable().add(LIST, rows(ANN, BOB, attributes=[values, None]), batch("add", 2))
    assert changes(server)[0].json["subscribers"] == [  # type: ignore[index]
        {"email": ANN, "dataFields": {"tier": "gold", "visits": 3, "seen": "2026-11-22", "vip": True}},
        {"email": BOB},
    ]


def test_an_attribute_needs_its_field(server: Scripted, iterable: Any) -> None:
    """Iterable would drop it, or make a field that stays for ever: nothing is sent."""
    project(server, took(1), fields={"tier": "string"})
    people = rows(ANN, attributes=['{"tier":"gold","tire":"x"}'])
    with pytest.raises(ActionNeeded, match="'tire'"):
        iterable().add(LIST, people, batch("add", 1))
    assert not changes(server)


def test_fields_are_told_with_their_types(server: Scripted, iterable: Any) -> None:
    """Once an instance; what names a person or holds their consent is no field to set."""
    kinds = {"a": "string", "b": "long", "c": "double", "d": "boolean", "e": "date", "f": "object"}
    consent = {
        "unsubscribedChannelIds": "long",
        "emailListIds": "long",
        "email": "string",
        "userId": "string",
    }
    project(server, took(), fields={**kinds, **consent})
    made = iterable()
    text, number, boolean, date = FieldType.TEXT, FieldType.NUMBER, FieldType.BOOLEAN, FieldType.DATE
    expected = {"a": text, "b": number, "c": number, "d": boolean, "e": date, "f": FieldType.ANY}
    assert made.fields() == made.fields() == expected
    assert len(server.seen) == 1
