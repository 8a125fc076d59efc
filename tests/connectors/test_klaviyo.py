"""Klaviyo's members: profiles by their ids, import jobs, and who is not known, against a scripted account."""

from __future__ import annotations

import re
from typing import Any

import pytest

from connectors.base import AudienceGone, JobFailed, Receipt, Refused, RowsRefused, Uncertain
from connectors.klaviyo import KlaviyoConnector
from connectors.testing import FastTime
from tests.connectors.klaviyo_account import (
    JOB,
    JOBS,
    KEY,
    LIST,
    LISTS,
    MEMBERS,
    PROFILES,
    Account,
    batch,
    ids,
    job,
    opened,
    people,
    profile_id,
    query,
    refusal,
    resources,
)
from tests.connectors.server import Reply, Scripted

FAILURES = f"{JOBS}/{JOB}/import-errors"
OLD = {"ann": "old-ann"}


@pytest.fixture
def account(server: Scripted) -> Account:
    """An account that knows Ann and Bob."""
    return Account(server, "ann", "bob")


@pytest.fixture
def klaviyo(server: Scripted, time: FastTime) -> KlaviyoConnector:
    """As set by default."""
    return opened(server, time)


@pytest.fixture
def creating(server: Scripted, time: FastTime) -> KlaviyoConnector:
    """One that may create people."""
    return opened(server, time, create_missing=True)


def test_known_people_are_added_by_their_ids(account: Account, klaviyo: KlaviyoConnector) -> None:
    """Looked up by address, added in one request; whoever is unknown is named, and ids are handed over."""
    receipt = klaviyo.add(LIST, people("ann", "cleo", "bob"), batch("add"))
    assert receipt == Receipt(
        "applied",
        batch("add").id,
        {1: "unknown_person"},
        learned={0: profile_id("ann"), 2: profile_id("bob")},
    )
    (looked,), (added,) = account.asked("GET", PROFILES), account.asked("POST", MEMBERS)
    assert query(looked) == {
        "filter": 'any(email,["ann@example.com","cleo@example.com","bob@example.com"])',
        "fields[profile]": "email",
        "page[size]": "100",
    }
    assert added.json == ids("ann", "bob")
    for seen in (looked, added):
        assert seen.headers["Authorization"] == f"Klaviyo-API-Key {KEY}"
        assert seen.headers["Accept"] == "application/vnd.api+json"
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", seen.headers["revision"])
    assert added.headers["Content-Type"] == "application/vnd.api+json"
    assert "Content-Type" not in looked.headers


def test_known_people_are_taken_out_by_their_ids(account: Account, klaviyo: KlaviyoConnector) -> None:
    """DELETE with a body; whoever is unknown is out."""
    receipt = klaviyo.remove(LIST, people("ann", "cleo"), batch("remove"))
    assert receipt == Receipt("applied", batch("remove").id, learned={0: profile_id("ann")})
    (taken,) = account.asked("DELETE", MEMBERS)
    assert taken.json == ids("ann")


@pytest.mark.parametrize("op", ["add", "remove"])
def test_nothing_is_changed_for_nobody(account: Account, klaviyo: KlaviyoConnector, op: Any) -> None:
    """When no one is known, looking up is all that happens."""
    rows = people("cleo", remembered=None)
    receipt = (klaviyo.add if op == "add" else klaviyo.remove)(LIST, rows, batch(op))
    assert receipt.rejected == ({0: "unknown_person"} if op == "add" else {})
    assert {seen.method for seen in account.server.seen} == {"GET"}


def test_remembered_ids_are_not_looked_up(account: Account, klaviyo: KlaviyoConnector) -> None:
    """Only the others are; what is remembered is not learned again."""
    remembered = {"ann": profile_id("ann")}
    receipt = klaviyo.add(LIST, people("ann", "bob", remembered=remembered), batch("add"))
    assert dict(receipt.learned) == {1: profile_id("bob")}
    assert query(account.asked("GET", PROFILES)[0])["filter"] == 'any(email,["bob@example.com"])'
    assert account.asked("POST", MEMBERS)[0].json == ids("ann", "bob")


def test_people_are_looked_up_in_portions(
    server: Scripted, time: FastTime, account: Account, klaviyo: KlaviyoConnector
) -> None:
    """A hundred in one request, or as set; nowhere is the number documented."""
    klaviyo.add(LIST, people(*(f"p{n}" for n in range(250))), batch("add"))
    assert len(account.asked("GET", PROFILES)) == 3
    opened(server, time, resolves_at_once=1).add(LIST, people("ann", "bob"), batch("add"))
    assert len(account.asked("GET", PROFILES)) == 5


@pytest.mark.parametrize("op", ["add", "remove"])
@pytest.mark.parametrize("refused", [refusal(404, code="not_found"), refusal(400, "/data/1/id")])
def test_a_remembered_id_that_is_no_more_is_looked_up_again(
    account: Account, klaviyo: KlaviyoConnector, op: Any, refused: Reply
) -> None:
    """Klaviyo refuses all for one unknown id: within the call everybody remembered is asked for, and sent again."""
    method = "POST" if op == "add" else "DELETE"
    account.says(method, MEMBERS, refused, Reply(204, b""))
    remembered = {**OLD, "gone": "old-gone"}
    rows = people("bob", "ann", "gone", remembered=remembered)
    receipt = (klaviyo.add if op == "add" else klaviyo.remove)(LIST, rows, batch(op))
    assert receipt.rejected == ({2: "unknown_person"} if op == "add" else {})
    assert dict(receipt.learned) == {0: profile_id("bob"), 1: profile_id("ann"), 2: None}
    first, second = account.asked(method, MEMBERS)
    assert [one["id"] for one in first.json["data"]] == [profile_id("bob"), "old-ann", "old-gone"]  # type: ignore[index]
    assert second.json == ids("bob", "ann")
    assert len(account.server.seen) <= klaviyo.requests_for(op, 3)


def test_a_list_that_is_gone_is_told_from_a_profile(account: Account, klaviyo: KlaviyoConnector) -> None:
    """Both are 404: the list is asked for. When it is there though nobody's id was old, nothing was applied."""
    account.says("POST", MEMBERS, refusal(404, code="not_found"))
    with pytest.raises(Refused, match="looked up just now"):
        klaviyo.add(LIST, people("ann"), batch("add"))
    account.says("GET", f"{LISTS}/{LIST.id}", refusal(404, code="not_found"))
    with pytest.raises(AudienceGone):
        klaviyo.add(LIST, people("ann"), batch("add"))


def test_a_row_that_is_refused_is_left_out(account: Account, klaviyo: KlaviyoConnector) -> None:
    """The others are sent again at once; a second refusal is for the engine, by rows of the batch."""
    account.says("POST", MEMBERS, refusal(400, "/data/1/id"), Reply(204, b""))
    receipt = klaviyo.add(LIST, people("cleo", "ann", "bob"), batch("add"))
    assert dict(receipt.rejected) == {0: "unknown_person", 2: "invalid"}
    assert account.asked("POST", MEMBERS)[1].json == ids("ann")
    account.says("POST", MEMBERS, refusal(400, "/data/1/id"), refusal(400, "/data/0/id", code="ann@x"))
    with pytest.raises(RowsRefused) as failed:
        klaviyo.add(LIST, people("cleo", "ann", "bob"), batch("add"))
    assert dict(failed.value.rows) == {1: "refused"}
    assert "ann" not in str(failed.value)


def test_attributes_are_set_by_a_job_that_creates_nobody(account: Account, klaviyo: KlaviyoConnector) -> None:
    """Profiles are named by ids that were looked up now, never by an address; the job puts all of them in."""
    values = {"first_name": "Ann", "title": "Dr", "ltv": 120.5, "vip": True, "since": "2026-11-22", "n": 3}
    receipt = klaviyo.add(LIST, people("cleo", "ann", "bob", remembered=OLD, ann=values), batch("add"))
    assert (receipt.status, receipt.reference) == ("accepted", f"{JOB}/6")
    assert dict(receipt.rejected) == {0: "unknown_person"}
    assert dict(receipt.learned) == {1: profile_id("ann"), 2: profile_id("bob")}
    own = {"ltv": 120.5, "vip": True, "since": "2026-11-22", "n": 3}
    (sent,) = account.asked("POST", JOBS)
    assert sent.json == {
        "data": {
            "type": "profile-bulk-import-job",
            "attributes": {
                "profiles": {
                    "data": [
                        {
                            "type": "profile",
                            "id": profile_id("ann"),
                            "attributes": {"first_name": "Ann", "title": "Dr", "properties": own},
                        },
                        {"type": "profile", "id": profile_id("bob"), "attributes": {}},
                    ]
                }
            },
            "relationships": {"lists": {"data": [{"type": "list", "id": LIST.id}]}},
        }
    }
    assert b"@" not in sent.body
    assert not account.asked("POST", MEMBERS)


def test_attributes_of_strangers_are_no_job(account: Account, klaviyo: KlaviyoConnector) -> None:
    """Nobody is known: the answer is there at once; an id that was remembered is forgotten."""
    rows = people("cleo", remembered={"cleo": "old-cleo"}, cleo={"ltv": 1})
    receipt = klaviyo.add(LIST, rows, batch("add"))
    assert receipt == Receipt("applied", batch("add").id, {0: "unknown_person"}, learned={0: None})
    assert not account.asked("POST", JOBS)


def test_missing_people_are_created_where_set(account: Account, creating: KlaviyoConnector) -> None:
    """One import of everybody by address, with attributes and without a word on consent; nobody is looked up."""
    rows = people("ann", "cleo", remembered=OLD, cleo={"last_name": "Lee", "ltv": 1})
    receipt = creating.add(LIST, rows, batch("add"))
    assert receipt == Receipt("accepted", f"{JOB}/3")
    (sent,) = account.server.seen
    assert sent.json["data"]["attributes"]["profiles"]["data"] == [  # type: ignore[index]
        {"type": "profile", "attributes": {"email": "ann@example.com"}},
        {
            "type": "profile",
            "attributes": {"email": "cleo@example.com", "last_name": "Lee", "properties": {"ltv": 1}},
        },
    ]
    assert creating.requests_for("add", 1_000) == 1


@pytest.mark.parametrize(
    ("answer", "status"),
    [(job("queued"), "accepted"), (job("processing"), "accepted"), (job("complete"), "applied")],
)
def test_a_job_is_asked_for_its_state(
    account: Account, klaviyo: KlaviyoConnector, answer: Reply, status: str
) -> None:
    """Queued and processing are no verdict yet; the reference stays."""
    account.says("GET", f"{JOBS}/{JOB}", answer)
    receipt = klaviyo.poll(LIST, f"{JOB}/6")
    assert (receipt.status, receipt.reference, dict(receipt.rejected)) == (status, f"{JOB}/6", {})


@pytest.mark.parametrize(
    ("answer", "consequence"),
    [
        (job("cancelled"), JobFailed),
        (job("exploded"), Uncertain),
        (Reply(body={"data": "x"}), Uncertain),
        (refusal(404, code="not_found"), Uncertain),
        (Reply(503, b""), Refused),
    ],
)
def test_only_a_cancelled_job_has_failed(
    account: Account, klaviyo: KlaviyoConnector, answer: Reply, consequence: type[Exception]
) -> None:
    """A job that has expired, and a question that fails, say nothing of it, nor of the list."""
    account.says("GET", f"{JOBS}/{JOB}", answer)
    with pytest.raises(consequence) as failed:
        klaviyo.poll(LIST, f"{JOB}/6")
    assert type(failed.value) is consequence


def test_rows_that_failed_are_told_by_their_place_in_the_batch(
    account: Account, klaviyo: KlaviyoConnector
) -> None:
    """A reference knows which rows the job had; errors are paged; what cannot be told is counted."""
    account.says("GET", f"{JOBS}/{JOB}", job("complete", failed=4))
    pointers = [
        "/data/attributes/profiles/data/0/attributes/email",
        "/data/attributes/profiles/data/2",
        "/data",
    ]
    errors: list[dict[str, object]] = [
        {"type": "import-error", "id": "1", "attributes": {"code": code, "source": {"pointer": pointer}}}
        for pointer, code in zip(pointers, ["invalid", "Ann Lee", "invalid"], strict=True)
    ]
    account.says("GET", FAILURES, resources(*errors[:2], cursor="two"), resources(errors[2]))
    receipt = klaviyo.poll(LIST, f"{JOB}/{0b11010:x}")
    assert (dict(receipt.rejected), receipt.rejected_unlocated) == ({1: "invalid", 4: "refused"}, 2)
    assert [query(seen) for seen in account.asked("GET", FAILURES)] == [
        {"page[size]": "100"},
        {"page[size]": "100", "page[cursor]": "two"},
    ]


def test_a_job_that_is_refused_names_rows_of_the_batch(account: Account, klaviyo: KlaviyoConnector) -> None:
    """The engine sends the others again; an answer without a job leaves the batch in doubt."""
    rows = people("cleo", "ann", "bob", ann={"ltv": 1})
    account.says("POST", JOBS, refusal(400, "/data/attributes/profiles/data/1/attributes/email"))
    with pytest.raises(RowsRefused) as failed:
        klaviyo.add(LIST, rows, batch("add"))
    assert dict(failed.value.rows) == {2: "invalid"}
    account.says("POST", JOBS, Reply(202, {"data": {"id": "../x"}}))
    with pytest.raises(Uncertain, match="names no job"):
        klaviyo.add(LIST, rows, batch("add"))


def test_an_import_that_is_too_large_is_not_sent(account: Account, creating: KlaviyoConnector) -> None:
    """Of 5 MB in all: without names, so that the engine sends halves; of 100 kB of one person: by name."""
    names = [f"p{n}" for n in range(60)]
    large: dict[str, Any] = {name: {"note": "x" * 90_000} for name in names}
    with pytest.raises(RowsRefused, match="5 MB") as failed:
        creating.add(LIST, people(*names, **large), batch("add"))
    assert dict(failed.value.rows) == {}
    with pytest.raises(RowsRefused) as failed:
        creating.add(LIST, people("ann", "bob", bob={"note": "x" * 100_001}), batch("add"))
    assert dict(failed.value.rows) == {1: "attributes_too_large"}
    assert not account.server.seen
