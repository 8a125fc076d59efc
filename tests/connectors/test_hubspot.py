"""People in and out of HubSpot lists: looked up, created, written, added, removed, against a scripted server."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import (
    ActionNeeded,
    Refused,
    Uncertain,
)
from connectors.hubspot import HubSpotConnector
from connectors.testing import FastTime
from tests.connectors.described import as_described
from tests.connectors.hubspot_account import (
    ADD,
    LIST,
    OBJECTS,
    READ,
    REMOVE,
    TOKEN,
    UPDATE,
    UPSERT,
    changed,
    contact,
    contacts,
    error,
    of_row,
    opened,
    people,
)
from tests.connectors.oauth_account import batch
from tests.connectors.server import Reply, Scripted

ANN, BOB, CY = "ann@example.com", "bob@example.com", "cy@example.com"
PROPERTIES = Reply(
    body={"results": [{"name": "tier", "type": "string"}, {"name": "orders", "type": "number"}]}
)


@pytest.fixture
def hubspot(server: Scripted, time: FastTime) -> HubSpotConnector:
    """An account that creates nobody."""
    return opened(server, time)


def asked(server: Scripted) -> list[tuple[str, str, Any]]:
    """Method, path and body of every request."""
    return [(seen.method, seen.path, seen.json) for seen in server.seen]


def looked_up(*addresses: str) -> tuple[str, str, Any]:
    """The request that asks for record ids."""
    body = {
        "idProperty": "email",
        "properties": ["email", "hs_additional_emails"],
        "propertiesWithHistory": [],
        "inputs": [{"id": address} for address in addresses],
    }
    return "POST", READ, body


def test_people_are_looked_up_and_added(server: Scripted, hubspot: HubSpotConnector) -> None:
    """By address, in whatever case and order they come back; a bare array of record ids; ids are handed over."""
    server.answers(contacts(contact("202", "Bob@Example.com"), contact("101", ANN)), changed())
    receipt = hubspot.add(LIST, people("ann", "bob"), batch("add", 2))
    assert asked(server) == [looked_up(ANN, BOB), ("PUT", ADD, ["101", "202"])]
    assert (receipt.status, receipt.reference, dict(receipt.rejected)) == ("applied", batch("add", 2).id, {})
    assert receipt.learned == {0: "101", 1: "202"}
    assert {seen.headers["Authorization"] for seen in server.seen} == {f"Bearer {TOKEN}"}
    assert {seen.headers["Content-Type"] for seen in server.seen} == {"application/json"}


def test_whoever_hubspot_does_not_know_is_left_out(server: Scripted, hubspot: HubSpotConnector) -> None:
    """Reported as unknown, never created; who is known is added."""
    server.answers(contacts(contact("101", ANN), errors=[of_row("OBJECT_NOT_FOUND", BOB)]), changed())
    receipt = hubspot.add(LIST, people("ann", "bob"), batch("add", 2))
    assert asked(server)[1] == ("PUT", ADD, ["101"])
    assert (receipt.rejected, receipt.learned) == ({1: "unknown_person"}, {0: "101"})


@pytest.mark.parametrize("answer", [contacts(), contacts(errors=[of_row("OBJECT_NOT_FOUND", ANN)])])
def test_nobody_known_asks_no_list(server: Scripted, hubspot: HubSpotConnector, answer: Reply) -> None:
    """A look-up that finds nobody ends the batch."""
    server.answers(answer)
    assert hubspot.add(LIST, people("ann"), batch("add", 1)).rejected == {0: "unknown_person"}
    assert hubspot.remove(LIST, people("ann"), batch("remove", 1)).rejected == {}
    assert [path for _, path, _ in asked(server)] == [READ, READ]


def test_a_404_about_contacts_is_no_missing_list(server: Scripted, hubspot: HubSpotConnector) -> None:
    """None of the contacts is there: the audience stays."""
    server.answers(error(404, "OBJECT_NOT_FOUND"))
    assert hubspot.add(LIST, people("ann"), batch("add", 1)).rejected == {0: "unknown_person"}


def test_remembered_ids_need_no_question(server: Scripted, hubspot: HubSpotConnector) -> None:
    """Only those without an id are looked up; only new ids are handed over; one contact is sent once."""
    server.answers(contacts(contact("101", CY, hs_additional_emails=f"old@example.com;{BOB}")), changed())
    receipt = hubspot.add(LIST, people("ann", "bob", "cy", ids=["101", None, None]), batch("add", 3))
    assert asked(server) == [looked_up(BOB, CY), ("PUT", ADD, ["101"])]
    assert receipt.learned == {1: "101", 2: "101"}


@pytest.mark.parametrize(("op", "path"), [("add", ADD), ("remove", REMOVE)])
def test_an_outdated_id_is_asked_for_anew(
    server: Scripted, hubspot: HubSpotConnector, op: Any, path: str
) -> None:
    """Contacts that were merged or made again: the new id is used at once, and handed over."""
    server.answers(changed("101", "102"), contacts(contact("901", ANN)), changed())
    rows = people("ann", "bob", "cy", ids=["101", "102", "103"])
    receipt = (hubspot.add if op == "add" else hubspot.remove)(LIST, rows, batch(op, 3))
    assert asked(server) == [
        ("PUT", path, ["101", "102", "103"]),
        looked_up(ANN, BOB),
        ("PUT", path, ["901"]),
    ]
    assert receipt.rejected == ({1: "unknown_person"} if op == "add" else {})
    assert receipt.learned == {0: "901", 1: None}


def test_a_refusal_of_the_second_round_is_in_doubt(server: Scripted, hubspot: HubSpotConnector) -> None:
    """The first list request may have added others: the batch comes again as a whole."""
    server.answers(changed("101"), contacts(contact("901", ANN)), error(400, "VALIDATION_ERROR"))
    with pytest.raises(Uncertain):
        hubspot.add(LIST, people("ann", "bob", ids=["101", "102"]), batch("add", 2))


def test_look_ups_take_a_hundred_people(server: Scripted, hubspot: HubSpotConnector) -> None:
    """250 people: three questions, one request to the list; the engine plans with at least as many."""
    names = [f"p{number}" for number in range(250)]
    server.script = lambda seen: (
        contacts(*[contact(one["id"][1:-12], one["id"]) for one in seen.json["inputs"]])  # type: ignore[index]
        if seen.path == READ
        else changed()
    )
    hubspot.add(LIST, people(*names), batch("add", 250))
    assert [len(body["inputs"]) for _, path, body in asked(server) if path == READ] == [100, 100, 50]
    assert asked(server)[3] == ("PUT", ADD, [str(number) for number in range(250)])
    assert hubspot.requests_for("add", 250) >= 4
    assert hubspot.requests_for("remove", 250) >= 4


@pytest.mark.parametrize("category", ["RATE_LIMITS", "INTERNAL_ERROR", ""])
def test_a_look_up_that_failed_in_part_is_no_verdict(
    server: Scripted, hubspot: HubSpotConnector, category: str
) -> None:
    """Nobody is called unknown, and so left in a list, because of a fault that passes."""
    server.answers(contacts(errors=[of_row(category, ANN)]))
    with pytest.raises(Refused, match="nothing was changed"):
        hubspot.remove(LIST, people("ann"), batch("remove", 1))


def test_people_are_created_only_where_that_is_set(server: Scripted, time: FastTime) -> None:
    """The unknown alone, with address and attributes and nothing else; their new ids go to the list."""
    server.answers(
        contacts(contact("101", ANN), errors=[of_row("OBJECT_NOT_FOUND", BOB, CY)]),
        PROPERTIES,
        contacts(contact("202", BOB), errors=[of_row("VALIDATION_ERROR", CY)]),
        changed(),
    )
    rows = people("ann", "bob", "cy", attributes=[None, '{"tier": "gold", "orders": 3}', None])
    receipt = opened(server, time, create_missing=True).add(LIST, rows, batch("add", 3))
    bob = {"idProperty": "email", "id": BOB, "properties": {"tier": "gold", "orders": "3", "email": BOB}}
    cy = {"idProperty": "email", "id": CY, "properties": {"email": CY}}
    assert asked(server)[2:] == [("POST", UPSERT, {"inputs": [bob, cy]}), ("PUT", ADD, ["101", "202"])]
    assert (receipt.rejected, receipt.learned) == ({2: "invalid"}, {0: "101", 1: "202"})
    assert as_described("hubspot", server.seen) == ["contact_batch_upsert", "list_add"]


@pytest.mark.parametrize(
    "message", ["Contact was permanently deleted", "The address is on the GDPR blocklist"]
)
def test_whoever_was_erased_there_stays_away(server: Scripted, time: FastTime, message: str) -> None:
    """HubSpot takes nobody back who was erased at their own wish; it is no fault."""
    erased = {**of_row("VALIDATION_ERROR"), "message": message, "context": {"id": [BOB]}}
    server.answers(contacts(), contacts(errors=[erased]))
    receipt = opened(server, time, create_missing=True).add(LIST, people("bob"), batch("add", 1))
    assert (receipt.rejected, len(server.seen)) == ({0: "consent_blocked"}, 2)


def test_a_list_may_need_a_moment_for_new_contacts(server: Scripted, time: FastTime) -> None:
    """Those made just now are tried again after 30 seconds, once, without writing them again."""
    server.answers(contacts(), contacts(contact("202", BOB), contact("203", CY)), changed("202"), changed())
    receipt = opened(server, time, create_missing=True).add(LIST, people("bob", "cy"), batch("add", 2))
    assert asked(server)[2:] == [("PUT", ADD, ["202", "203"]), ("PUT", ADD, ["202"])]
    assert (receipt.rejected, receipt.learned) == ({}, {0: "202", 1: "203"})
    assert sum(time.pauses) == pytest.approx(30, abs=1)


def test_attributes_are_written_before_the_list(server: Scripted, hubspot: HubSpotConnector) -> None:
    """By record id, which creates nobody; as texts; names are looked at once for all batches."""
    found = contacts(contact("101", ANN), contact("202", BOB))
    server.answers(found, PROPERTIES, contacts(contact("101", ANN)), changed())
    rows = people("ann", "bob", attributes=['{"tier": "gold", "orders": 2.5}', None])
    assert hubspot.add(LIST, rows, batch("add", 2)).rejected == {}
    wanted = {"inputs": [{"id": "101", "properties": {"tier": "gold", "orders": "2.5"}}]}
    assert asked(server)[1:3] == [("GET", "/crm/properties/2026-09/contacts", None), ("POST", UPDATE, wanted)]
    server.answers(contacts(contact("101", ANN)), changed())
    flag = people("ann", ids=["101"], attributes=['{"tier": true}'])
    hubspot.add(LIST, flag, batch("add", 1))
    assert asked(server)[4] == ("POST", UPDATE, {"inputs": [{"id": "101", "properties": {"tier": "true"}}]})
    assert len(server.seen) == 6


def test_attributes_that_were_refused_keep_people_out(server: Scripted, hubspot: HubSpotConnector) -> None:
    """Whom an error names, or whom a partial answer does not hold; the others are added."""
    answer = contacts(
        contact("103", CY),
        errors=[of_row("CONFLICT", "101"), {"category": "VALIDATION_ERROR", "context": {}}],
    )
    server.answers(PROPERTIES, answer, changed())
    rows = people("ann", "bob", "cy", ids=["101", "102", "103"], attributes=['{"tier": "x"}'] * 3)
    receipt = hubspot.add(LIST, rows, batch("add", 3))
    assert asked(server)[2] == ("PUT", ADD, ["103"])
    assert (receipt.rejected, receipt.learned) == ({0: "conflict", 1: "refused"}, {})


def test_an_outdated_id_is_seen_while_writing(server: Scripted, hubspot: HubSpotConnector) -> None:
    """Then address, attributes and list are gone through anew for this person alone."""
    server.answers(
        PROPERTIES,
        contacts(errors=[of_row("OBJECT_NOT_FOUND", "101")]),
        contacts(contact("901", ANN)),
        contacts(contact("901", ANN)),
        changed(),
    )
    receipt = hubspot.add(LIST, people("ann", ids=["101"], attributes=['{"tier": "x"}']), batch("add", 1))
    assert [path for _, path, _ in asked(server)[1:]] == [UPDATE, READ, UPDATE, ADD]
    assert (receipt.rejected, receipt.learned) == ({}, {0: "901"})


@pytest.mark.parametrize("name", ["colour", "email", "hs_marketable_status", "hs_email_optout_7"])
def test_an_attribute_that_cannot_be_set_is_named(
    server: Scripted, hubspot: HubSpotConnector, name: str
) -> None:
    """Before anything is written: a property that is not there, the address, and what people agreed to."""
    there = [{"name": name, "type": "string"}] if name != "colour" else []
    server.answers(Reply(body={"results": there}))
    rows = people("ann", ids=["101"], attributes=[f'{{"{name}": "x"}}'])
    with pytest.raises(ActionNeeded, match=f"'{name}'"):
        hubspot.add(LIST, rows, batch("add", 1))
    assert [method for method, _, _ in asked(server)] == ["GET"]


@pytest.mark.parametrize(
    "answer",
    [Reply(body={}), Reply(body={"recordIdsRemoved": ["101"]}), Reply(body={"recordIdsMissing": None})],
)
def test_an_answer_without_the_missing_is_no_receipt(
    server: Scripted, hubspot: HubSpotConnector, answer: Reply
) -> None:
    """Without them nobody knows who was taken."""
    server.answers(answer)
    with pytest.raises(Uncertain):
        hubspot.add(LIST, people("ann", ids=["101"]), batch("add", 1))


def test_the_calls_are_as_described(server: Scripted, hubspot: HubSpotConnector) -> None:
    """The second reading of HubSpot's calls agrees with what is sent to a list."""
    server.answers(changed())
    hubspot.add(LIST, people("ann", ids=["101"]), batch("add", 1))
    hubspot.remove(LIST, people("ann", ids=["101"]), batch("remove", 1))
    assert as_described("hubspot", server.seen) == ["list_add", "list_remove"]
    assert OBJECTS not in {seen.path for seen in server.seen}
