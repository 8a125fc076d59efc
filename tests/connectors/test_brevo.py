"""People in and out of Brevo lists, looked at, created, written and imported, against a scripted server."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connectors.base import (
    ActionNeeded,
    AudienceGone,
    JobFailed,
    QuotaExhausted,
    Refused,
    RowsRefused,
    Uncertain,
    Verdicts,
)
from connectors.brevo import BrevoConnector
from connectors.testing import FastTime
from tests.connectors.brevo_account import (
    ADD,
    DONE,
    KEY,
    LIST,
    NOBODY,
    REMOVE,
    UNKNOWN,
    asked,
    attributes,
    contact,
    looked_at,
    moved,
    opened,
    people,
)
from tests.connectors.described import as_described
from tests.connectors.oauth_account import batch
from tests.connectors.server import Reply, Scripted

ANN, BOB, CY = "ann@example.com", "bob@example.com", "cy@example.com"
TIER = attributes(("TIER", "normal", "text"), ("ORDERS", "normal", "float"))


@pytest.fixture
def brevo(server: Scripted, time: FastTime) -> BrevoConnector:
    """An account that creates nobody."""
    return opened(server, time)


@pytest.mark.parametrize(("op", "path"), [("add", ADD), ("remove", REMOVE)])
def test_people_are_moved_by_address(server: Scripted, brevo: BrevoConnector, op: Any, path: str) -> None:
    """One request; the answer names everybody, in whatever case."""
    server.answers(moved("Ann@Example.com", BOB))
    receipt = (brevo.add if op == "add" else brevo.remove)(LIST, people("ann", "bob"), batch(op, 2))
    assert asked(server) == [("POST", path, {"emails": [ANN, BOB]})]
    assert (receipt.status, receipt.reference, receipt.rejected) == ("applied", batch(op, 2).id, {})
    assert server.seen[0].headers["api-key"] == KEY
    assert server.seen[0].headers["Content-Type"] == "application/json"
    assert "Authorization" not in server.seen[0].headers
    assert as_described("brevo", server.seen) == ["list_add" if op == "add" else "list_remove"]


def test_whoever_was_not_added_is_looked_at(server: Scripted, brevo: BrevoConnector) -> None:
    """Brevo calls the unknown and those who are there already by one word: only unknown ones are reported so."""
    server.answers(moved(ANN, failure=(BOB, CY)), contact(3, 36), UNKNOWN)
    receipt = brevo.add(LIST, people("ann", "bob", "cy"), batch("add", 3))
    assert asked(server)[1:] == [looked_at("bob"), looked_at("cy")]
    assert receipt.rejected == {2: "unknown_person"}


def test_nobody_added_is_no_error(server: Scripted, brevo: BrevoConnector) -> None:
    """A 400 in these words says only that nobody was moved; whom Brevo knows, and did not add, is refused."""
    server.answers(NOBODY, contact(36), UNKNOWN, contact(3))
    receipt = brevo.add(LIST, people("ann", "bob", "cy"), batch("add", 3))
    assert receipt.rejected == {1: "unknown_person", 2: "refused"}


@pytest.mark.parametrize("answer", [NOBODY, moved(failure=(ANN, BOB, CY))])
def test_whoever_was_not_removed_is_looked_at(server: Scripted, brevo: BrevoConnector, answer: Reply) -> None:
    """Unknown, or not in the list, is out; whoever is in it still is reported."""
    server.answers(answer, contact(3), UNKNOWN, contact(36))
    receipt = brevo.remove(LIST, people("ann", "bob", "cy"), batch("remove", 3))
    assert asked(server)[1:] == [looked_at("ann"), looked_at("bob"), looked_at("cy")]
    assert receipt.rejected == {2: "refused"}


def test_an_address_in_a_path_is_encoded(server: Scripted, brevo: BrevoConnector) -> None:
    """Whatever marks it has."""
    server.answers(moved(failure=("a/b+c?@example.com",)), UNKNOWN)
    assert brevo.add(LIST, people("a/b+c?"), batch("add", 1)).rejected == {0: "unknown_person"}
    path = "/v3/contacts/a%2Fb%2Bc%3F%40example.com?identifierType=email_id"
    assert server.seen[1].path == path


@pytest.mark.parametrize(
    "answer",
    [Reply(201, {}), Reply(201, {"contacts": {}}), Reply(201, {"contacts": {"success": "all"}})],
)
def test_an_answer_without_names_is_no_receipt(
    server: Scripted, brevo: BrevoConnector, answer: Reply
) -> None:
    """Then nobody knows."""
    server.answers(answer)
    with pytest.raises(Uncertain):
        brevo.add(LIST, people("ann"), batch("add", 1))


def test_an_odd_answer_about_a_contact_is_no_verdict(server: Scripted, brevo: BrevoConnector) -> None:
    """Nobody counts as out whose lists are not told."""
    server.answers(moved(failure=(ANN,)), Reply(body={"id": 7}))
    with pytest.raises(Uncertain):
        brevo.remove(LIST, people("ann"), batch("remove", 1))


def test_a_failure_after_the_list_is_in_doubt(server: Scripted, brevo: BrevoConnector) -> None:
    """The list was changed, so the batch comes again as a whole; a throttled look says that it may be applied."""
    server.answers(moved(ANN, failure=(BOB,)), Reply(400, {"code": "invalid_parameter", "message": "no"}))
    with pytest.raises(Uncertain):
        brevo.add(LIST, people("ann", "bob"), batch("add", 2))
    server.answers(moved(ANN, failure=(BOB,)), Reply(429, {"code": "x"}, {"x-sib-ratelimit-reset": "900"}))
    with pytest.raises(QuotaExhausted) as spent:
        brevo.add(LIST, people("ann", "bob"), batch("add", 2))
    assert spent.value.maybe_applied


def test_a_batch_with_a_bad_address_is_searched(server: Scripted, brevo: BrevoConnector) -> None:
    """Any other 400 is about a row that Brevo does not name: the engine sends halves."""
    server.answers(Reply(400, {"code": "invalid_parameter", "message": "Invalid email address"}))
    with pytest.raises(RowsRefused):
        brevo.add(LIST, people("ann", "bob"), batch("add", 2))
    assert len(server.seen) == 1


def test_people_are_created_only_where_that_is_set(server: Scripted, time: FastTime) -> None:
    """Those whom the list did not get, one by one, within the list; with attributes, and without any state."""
    refused = Reply(400, {"code": "invalid_parameter", "message": "Invalid email ann@example.com"})
    server.answers(TIER, moved(ANN, failure=(BOB, CY)), Reply(201, {"id": 8}), refused, DONE)
    rows = people("ann", "bob", "cy", attributes=['{"TIER": "gold"}', '{"TIER": "tin", "ORDERS": 3}', None])
    receipt = opened(server, time, create_missing=True).add(LIST, rows, batch("add", 3))
    tin = {"TIER": "tin", "ORDERS": 3}
    assert asked(server)[2:] == [
        ("POST", "/v3/contacts", {"email": BOB, "attributes": tin, "listIds": [36], "updateEnabled": True}),
        ("POST", "/v3/contacts", {"email": CY, "listIds": [36], "updateEnabled": True}),
        ("POST", "/v3/contacts/batch", {"contacts": [{"email": ANN, "attributes": {"TIER": "gold"}}]}),
    ]
    assert receipt.rejected == {2: "invalid"}


def test_whoever_was_there_is_written_again(server: Scripted, time: FastTime) -> None:
    """204: the contact existed; that is no fault."""
    server.answers(NOBODY, DONE)
    receipt = opened(server, time, create_missing=True).add(LIST, people("ann"), batch("add", 1))
    assert (receipt.rejected, len(server.seen)) == ({}, 2)


def test_attributes_are_written_to_those_who_are_in(server: Scripted, brevo: BrevoConnector) -> None:
    """After the list, a hundred in a request, with their types; names are looked at once; the unknown are left out."""
    names = [f"p{number}" for number in range(120)]
    addresses = [f"{name}@example.com" for name in names]
    server.answers(TIER, moved(*addresses[2:], failure=tuple(addresses[:2])), UNKNOWN, contact(36), DONE)
    rows = people(*names, attributes=['{"TIER": "x", "ORDERS": 2.5}'] * 110 + [None] * 10)
    assert brevo.add(LIST, rows, batch("add", 120)).rejected == {0: "unknown_person"}
    assert [method + path for method, path, _ in asked(server)[:2]] == [
        "GET/v3/contacts/attributes",
        f"POST{ADD}",
    ]
    first, second = (body["contacts"] for _, path, body in asked(server) if path == "/v3/contacts/batch")
    assert [len(first), len(second)] == [100, 9]
    assert first[0] == {"email": "p1@example.com", "attributes": {"TIER": "x", "ORDERS": 2.5}}
    server.answers(moved(ANN), DONE)
    brevo.add(LIST, people("ann", attributes=['{"TIER": true}']), batch("add", 1))
    assert asked(server)[-1][2] == {"contacts": [{"email": ANN, "attributes": {"TIER": True}}]}
    assert len([path for _, path, _ in asked(server) if path.endswith("/attributes")]) == 1


@pytest.mark.parametrize("name", ["COLOUR", "EMAIL", "OPT_IN", "tier"])
def test_an_attribute_that_cannot_be_set_is_named(server: Scripted, brevo: BrevoConnector, name: str) -> None:
    """Before anything is sent: one that is not there, the address, and what people agreed to."""
    server.answers(
        attributes(("TIER", "normal", "text"), *((n, "normal", "text") for n in ("EMAIL", "OPT_IN")))
    )
    with pytest.raises(ActionNeeded, match=f"'{name}'"):
        brevo.add(LIST, people("ann", attributes=[f'{{"{name}": "x"}}']), batch("add", 1))
    assert len(server.seen) == 1


def test_a_batch_takes_at_most_as_many_requests_as_planned(server: Scripted, time: FastTime) -> None:
    """One for the list, one for everybody, two for attributes; removals of a large batch go 150 at a time."""
    assert opened(server, time).requests_for("add", 120) == 1 + 120 + 3
    assert opened(server, time).requests_for("remove", 150) == 151
    bulk = opened(server, time, create_missing=True, import_rows=1_000)
    assert (bulk.requests_for("add", 1_000), bulk.requests_for("remove", 1_000)) == (3, 7 + 1_000)


# --- imports -------------------------------------------------------------------------------------------------


@pytest.fixture
def bulk(server: Scripted, time: FastTime) -> BrevoConnector:
    """An account that imports."""
    return opened(server, time, create_missing=True, import_rows=1_000)


def test_many_people_are_imported(server: Scripted, bulk: BrevoConnector) -> None:
    """One job for all; nobody's blocklisting is named, and no attribute is emptied."""
    server.answers(TIER, Reply(202, {"processId": 78}))
    rows = people("ann", "bob", attributes=['{"TIER": "gold"}', None])
    receipt = bulk.add(LIST, rows, batch("add", 2))
    assert (receipt.status, receipt.reference) == ("accepted", "78")
    assert asked(server)[1:] == [
        (
            "POST",
            "/v3/contacts/import",
            {
                "listIds": [36],
                "jsonBody": [{"email": ANN, "attributes": {"TIER": "gold"}}, {"email": BOB}],
                "updateExistingContacts": True,
                "emptyContactsAttributes": False,
                "disableNotification": True,
            },
        )
    ]
    assert as_described("brevo", server.seen) == ["import"]
    limits = bulk.limits
    assert (limits.max_rows, limits.asynchronous, limits.verdicts) == (1_000, True, Verdicts.NONE)
    assert limits.asks_after == timedelta(minutes=1)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("queued", "accepted"),
        ("in_process", "accepted"),
        ("processing", "accepted"),
        ("completed", "applied"),
        ("failed", JobFailed),
        ("cancelled", JobFailed),
        ("something_new", "accepted"),
    ],
)
def test_an_import_is_asked_about(server: Scripted, bulk: BrevoConnector, status: str, verdict: Any) -> None:
    """Until it is carried out, or is not."""
    server.answers(Reply(body={"id": 78, "status": status, "name": "IMPORTUSER"}))
    if isinstance(verdict, str):
        assert bulk.poll(LIST, "78").status == verdict
    else:
        with pytest.raises(verdict):
            bulk.poll(LIST, "78")
    assert asked(server) == [("GET", "/v3/processes/78", None)]
    assert as_described("brevo", server.seen) == ["process"]


def test_a_question_without_an_answer_says_nothing(server: Scripted, bulk: BrevoConnector) -> None:
    """Neither that the import failed nor that the list is gone; an import without a number may have begun."""
    server.answers(Reply(404, {"code": "document_not_found", "message": "Process not found"}))
    with pytest.raises(Refused) as refused:
        bulk.poll(LIST, "78")
    assert not isinstance(refused.value, JobFailed)
    server.answers(Reply(202, {"processId": None}))
    with pytest.raises(Uncertain):
        bulk.add(LIST, people("ann"), batch("add", 1))


def test_an_import_that_is_refused_may_lack_its_list(server: Scripted, bulk: BrevoConnector) -> None:
    """One code says both: the list is looked for before rows are."""
    refused = Reply(400, {"code": "invalid_parameter", "message": "Invalid list ids"})
    server.answers(refused, UNKNOWN)
    with pytest.raises(AudienceGone):
        bulk.add(LIST, people("ann"), batch("add", 1))
    server.answers(refused, Reply(body={"id": 36, "name": "Lapsed"}))
    with pytest.raises(RowsRefused):
        bulk.add(LIST, people("ann"), batch("add", 1))


def test_removals_of_an_importing_account_go_in_parts(server: Scripted, bulk: BrevoConnector) -> None:
    """150 in a request, each with a verdict."""
    names = [f"p{number}" for number in range(160)]
    server.script = lambda seen: moved(*seen.json["emails"])  # type: ignore[index]
    assert bulk.remove(LIST, people(*names), batch("remove", 160)).rejected == {}
    assert [len(body["emails"]) for _, _, body in asked(server)] == [150, 10]
