"""SendGrid's contacts, lists and jobs, against a scripted account and the official description."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from connectors.base import (
    AudienceGone,
    AuthFailed,
    QuotaExhausted,
    Receipt,
    Refused,
    RowsRefused,
    Uncertain,
)
from connectors.testing import FastTime
from tests.connectors.oauth_account import batch
from tests.connectors.sendgrid_account import (
    CONTACTS,
    JOBS,
    KEY,
    LIST,
    LISTS,
    MEMBERS,
    SEARCH,
    Account,
    contact,
    contact_id,
    described,
    opened,
    people,
    query,
)
from tests.connectors.server import Reply, Scripted

ADA, BOB = contact(1, "ada"), contact(2, "bob")


@pytest.fixture
def sendgrid(server: Scripted, time: FastTime) -> Iterator[Any]:
    """Makes connectors with other settings; in the end every request must be as officially described."""
    yield partial(opened, server, time)
    for seen in server.seen:
        described(seen)


def refusal(status: int, *messages: str) -> Reply:
    return Reply(status, {"errors": [{"field": "contacts", "message": message} for message in messages]})


def test_people_are_looked_up_and_then_added(server: Scripted, sendgrid: Any) -> None:
    """Adding creates people, so whom SendGrid does not know is left out; ids are learned on the way."""
    account = Account(server, ada=ADA)
    receipt = sendgrid().add(LIST, people("ada", "eve"), batch("add", 2))
    (search,), (put,) = account.asked("POST", SEARCH), account.asked("PUT", CONTACTS)
    assert search.json == {"identifiers": ["ada@example.com", "eve@example.com"]}
    assert put.json == {"list_ids": [LIST.id], "contacts": [{"email": "ada@example.com"}]}
    assert put.headers["Authorization"] == f"Bearer {KEY}"
    assert "on-behalf-of" not in put.headers
    assert receipt == Receipt("accepted", "job-1", {1: "unknown_person"}, learned={0: contact_id(1), 1: None})


def test_every_identifier_of_a_contact_is_repeated(server: Scripted, sendgrid: Any) -> None:
    """SendGrid updates a contact only when all its identifiers are there; nothing else of it is sent back."""
    more = {"external_id": "u-1", "phone_number_id": "+14155550100", "anonymous_id": "", "first_name": "Ada"}
    account = Account(server, ada=ADA | more)
    sendgrid().add(LIST, people("ada"), batch("add", 1))
    assert account.asked("PUT", CONTACTS)[0].json["contacts"] == [  # type: ignore[index]
        {"email": "ada@example.com", "phone_number_id": "+14155550100", "external_id": "u-1"}
    ]


def test_an_alternate_address_takes_out_and_never_in(server: Scripted, sendgrid: Any) -> None:
    """Such a contact would be written to at another address; whoever was merged into them since leaves with them."""
    account = Account(server, ada=BOB | {"alternate_emails": ["ada@example.com"]})
    added = sendgrid().add(LIST, people("ada"), batch("add", 1))
    assert added == Receipt("applied", batch("add", 1).id, {0: "unknown_person"}, learned={0: None})
    assert not account.asked("PUT", CONTACTS)
    assert sendgrid().remove(LIST, people("ada"), batch("remove", 1)).learned == {0: contact_id(2)}
    assert query(account.asked("DELETE", MEMBERS)[0]) == {"contact_ids": contact_id(2)}


def test_a_remembered_id_is_no_reason_to_create(server: Scripted, sendgrid: Any) -> None:
    """Who was deleted in SendGrid since is unknown, and forgotten here."""
    account = Account(server)
    receipt = sendgrid().add(LIST, people("ada", ids={"ada": contact_id(1)}), batch("add", 1))
    assert (receipt.rejected, receipt.learned) == ({0: "unknown_person"}, {0: None})
    assert len(account.asked("POST", SEARCH)) == 1


def test_missing_people_may_be_created(server: Scripted, sendgrid: Any) -> None:
    """By their address alone, beside those who are known by more; but not who has it as an alternate address."""
    account = Account(server, ada=ADA | {"external_id": "u-1"}, cy=BOB)
    receipt = sendgrid(create_missing=True).add(LIST, people("ada", "eve", "cy"), batch("add", 3))
    learned = {0: contact_id(1), 1: None, 2: None}
    assert receipt == Receipt("accepted", "job-1", {2: "unknown_person"}, learned=learned)
    contacts = [{"email": "ada@example.com", "external_id": "u-1"}, {"email": "eve@example.com"}]
    assert account.asked("PUT", CONTACTS)[0].json == {"list_ids": [LIST.id], "contacts": contacts}


def test_people_are_taken_out_by_id(server: Scripted, sendgrid: Any) -> None:
    """Remembered ids are used, others looked up; whom SendGrid does not know is out."""
    account = Account(server, ada=ADA)
    rows = people("ada", "bob", "eve", ids={"bob": contact_id(2)})
    receipt = sendgrid().remove(LIST, rows, batch("remove", 3))
    assert receipt == Receipt("accepted", "job-1", learned={0: contact_id(1), 2: None})
    assert account.asked("POST", SEARCH)[0].json == {"identifiers": ["ada@example.com", "eve@example.com"]}
    (delete,) = account.asked("DELETE", MEMBERS)
    assert query(delete) == {"contact_ids": f"{contact_id(1)},{contact_id(2)}"}
    assert delete.body == b""


def test_an_id_that_is_gone_is_looked_up_anew(server: Scripted, sendgrid: Any) -> None:
    """404 of a list that is there means unknown ids; the call is repeated with those of today."""
    account = Account(server, ada=ADA)
    account.says("DELETE", MEMBERS, Reply(404, {"errors": [{"message": "x"}]}), Reply(202, {"job_id": "j"}))
    rows = people("ada", "bob", ids={"ada": contact_id(9), "bob": contact_id(2)})
    receipt = sendgrid().remove(LIST, rows, batch("remove", 2))
    assert receipt == Receipt("accepted", "j", learned={0: contact_id(1), 1: None})
    assert query(account.asked("DELETE", MEMBERS)[1]) == {"contact_ids": contact_id(1)}


@pytest.mark.parametrize("body", [{}, {"result": {}}, {"result": "x"}])
def test_a_search_that_tells_nothing_is_no_answer(server: Scripted, sendgrid: Any, body: object) -> None:
    """Taken for an answer, it would leave people in the list whom a removal is for."""
    Account(server).says("POST", SEARCH, Reply(body=body))
    with pytest.raises(Uncertain):
        sendgrid().remove(LIST, people("ada"), batch("remove", 1))


def test_ids_that_stay_unknown_leave_doubt(server: Scripted, sendgrid: Any) -> None:
    """The list is there, the ids are of a moment ago, and SendGrid still does not know them."""
    account = Account(server, ada=ADA)
    account.says("DELETE", MEMBERS, Reply(404, {"errors": []}))
    with pytest.raises(Uncertain):
        sendgrid().remove(LIST, people("ada"), batch("remove", 1))


def test_nobody_to_take_out_is_no_request(server: Scripted, sendgrid: Any) -> None:
    """404 of a search: none of them is known, so all are out."""
    account = Account(server)
    receipt = sendgrid().remove(LIST, people("eve"), batch("remove", 1))
    assert receipt == Receipt("applied", batch("remove", 1).id, learned={0: None})
    assert not account.asked("DELETE", MEMBERS)


def test_large_batches_go_by_hundreds(server: Scripted, sendgrid: Any) -> None:
    """A hundred people a search, a hundred ids a removal, one addition for all; every job is polled."""
    names = [f"p{number}" for number in range(250)]
    account = Account(server, **{name: contact(n, name) for n, name in enumerate(names)})
    connector = sendgrid()
    added = connector.add(LIST, people(*names), batch("add", 250))
    assert [len(seen.json["identifiers"]) for seen in account.asked("POST", SEARCH)] == [100, 100, 50]  # type: ignore[index]
    assert len(account.asked("PUT", CONTACTS)) == 1
    assert len(server.seen) == connector.requests_for("add", 250) == 4
    removed = connector.remove(LIST, people(*names), batch("remove", 250))
    assert len(server.seen) - 4 == connector.requests_for("remove", 250) == 6
    assert removed.reference == "job-2,job-3,job-4"
    assert connector.poll(LIST, removed.reference).status == "applied"
    assert [seen.path for seen in server.seen[-3:]] == [f"{JOBS}/job-{n}" for n in (2, 3, 4)]
    assert added.learned == {n: contact_id(n) for n in range(250)}


def test_six_megabytes_are_the_most(server: Scripted, sendgrid: Any) -> None:
    """More are several requests of one batch."""
    names = [f"{'x' * 60}{number}" for number in range(3)]
    account = Account(server)
    connector = sendgrid(create_missing=True)
    account.says(
        "GET",
        "/v3/marketing/field_definitions",
        Reply(
            body={
                "custom_fields": [{"id": "e1_T", "name": "note", "field_type": "Text"}],
                "reserved_fields": [],
            }
        ),
    )
    rows = people(*names, attributes='{"note": "' + "n" * 2_500_000 + '"}')
    receipt = connector.add(LIST, rows, batch("add", 3))
    puts = account.asked("PUT", CONTACTS)
    assert [len(seen.json["contacts"]) for seen in puts] == [2, 1]  # type: ignore[index]
    assert all(len(seen.body) < 6_000_000 for seen in puts)
    assert receipt.reference == "job-1,job-2"


def test_named_addresses_are_dropped_and_the_others_sent(server: Scripted, sendgrid: Any) -> None:
    """One invalid address refuses the request; SendGrid names it in a sentence."""
    account = Account(server)
    named = refusal(400, "email 'Bob@example.com' is not valid")
    account.says("PUT", CONTACTS, named, Reply(202, {"job_id": "j"}))
    receipt = sendgrid(create_missing=True).add(LIST, people("ada", "bob", "cy"), batch("add", 3))
    assert (receipt.reference, receipt.rejected) == ("j", {1: "invalid_address"})
    again = account.asked("PUT", CONTACTS)[1].json
    assert [one["email"] for one in again["contacts"]] == ["ada@example.com", "cy@example.com"]  # type: ignore[index]
    account.says("PUT", CONTACTS, named)
    alone = sendgrid(create_missing=True).add(LIST, people("bob"), batch("add", 1))
    assert (alone.status, alone.rejected) == ("applied", {0: "invalid_address"})


def test_a_refusal_that_names_nobody_is_searched_by_the_engine(server: Scripted, sendgrid: Any) -> None:
    """Refused for rows that are not named, unless the list is gone; the text shows no address."""
    account = Account(server)
    account.says("PUT", CONTACTS, refusal(400, "ada@example.com looks odd"))
    with pytest.raises(RowsRefused, match="looks odd") as refused:
        sendgrid(create_missing=True).add(LIST, people("ada", "bob"), batch("add", 2))
    assert refused.value.rows == {}
    assert "ada" not in str(refused.value)
    account.says("GET", f"{LISTS}/{LIST.id}", Reply(404, []))
    with pytest.raises(AudienceGone):
        sendgrid(create_missing=True).add(LIST, people("ada"), batch("add", 1))


@pytest.mark.parametrize("said", ["email 'bob@example.com' is not valid", "invalid"])
def test_a_search_does_without_invalid_addresses(server: Scripted, sendgrid: Any, said: str) -> None:
    """Named ones are left out; else halves find them. They are unknown."""
    account = Account(server, ada=ADA, cy=contact(3, "cy"))

    def script(seen: Any) -> Reply:
        if seen.path == SEARCH and "bob@example.com" in seen.json["identifiers"]:
            return refusal(400, said)
        return account._answer(seen)

    server.script = script
    receipt = sendgrid().add(LIST, people("ada", "bob", "cy"), batch("add", 3))
    assert receipt.rejected == {1: "unknown_person"}
    assert receipt.learned == {0: contact_id(1), 1: None, 2: contact_id(3)}


@pytest.mark.parametrize(
    ("status", "consequence"),
    [
        (200, Uncertain),
        (202, Uncertain),
        (400, Refused),
        (401, AuthFailed),
        (403, AuthFailed),
        (404, AudienceGone),
        (408, Uncertain),
        (413, Refused),
        (429, QuotaExhausted),
        (500, Uncertain),
        (503, Uncertain),
    ],
)
def test_every_status_has_its_consequence(
    server: Scripted, sendgrid: Any, status: int, consequence: type[Exception]
) -> None:
    """As the sheet says; a refused key names its variable, and nothing quotes an address or the key."""
    account = Account(server)
    account.says("PUT", CONTACTS, refusal(status, f"ada@example.com {KEY}"))
    with pytest.raises(consequence) as failed:
        sendgrid(create_missing=True).add(LIST, people("ada"), batch("add", 1))
    assert not [word for word in ("ada@", KEY) if word in str(failed.value)]
    assert ("TURNOUT_SENDGRID_API_KEY" in str(failed.value)) == (consequence is AuthFailed)


def test_a_limit_is_waited_for_until_it_is_reset(server: Scripted, sendgrid: Any, time: FastTime) -> None:
    """429 names the moment, not the seconds."""
    account = Account(server)
    reset = str(int(time.clock.now().timestamp()) + 9)
    limit = {"X-RateLimit-Limit": "3", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    account.says("PUT", CONTACTS, Reply(429, {"errors": []}, limit), Reply(202, {"job_id": "j"}))
    sendgrid(create_missing=True).add(LIST, people("ada"), batch("add", 1))
    assert 9 <= sum(time.pauses) < 11
