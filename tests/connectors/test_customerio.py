"""Customer.io's members and attributes, and what never leaves, against a scripted workspace."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import orjson
import pytest

from connectors.base import ActionNeeded, AudienceGone, Receipt, Refused, SyncOptions, Uncertain
from connectors.consent_guard import ForbiddenRequest
from connectors.customerio import CustomerioConnector
from connectors.testing import FastTime
from tests.connectors.customerio_account import (
    ADD,
    BATCH,
    COUNT,
    MEMBERS,
    REMOVE,
    SEGMENT,
    SEGMENTS,
    SITE,
    THE_SEGMENT,
    TRACK_KEY,
    Workspace,
    batch,
    described,
    identified,
    opened,
    operations,
    people,
    segment,
)
from tests.connectors.lapsed import REQUEST
from tests.connectors.server import Reply, Scripted


@pytest.fixture
def workspace(server: Scripted) -> Workspace:
    """A workspace."""
    return Workspace(server)


@pytest.fixture
def customerio(server: Scripted, time: FastTime) -> CustomerioConnector:
    """As set by default."""
    return opened(server, time)


@pytest.mark.parametrize(("op", "path"), [("add", ADD), ("remove", REMOVE)])
def test_people_go_by_their_addresses(
    workspace: Workspace, customerio: CustomerioConnector, op: Any, path: str
) -> None:
    """One request to the Track API, with its own credential; nothing is learned of single people."""
    call = customerio.add if op == "add" else customerio.remove
    receipt = call(SEGMENT, people("ann", "bob"), batch(op))
    assert receipt == Receipt("applied", batch(op).id)
    (seen,) = workspace.server.seen
    assert seen.path == f"{path}?id_type=email"
    assert seen.json == {"ids": ["ann@example.com", "bob@example.com"]}
    assert seen.headers["Authorization"] == "Basic " + b64encode(f"{SITE}:{TRACK_KEY}".encode()).decode()
    assert seen.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(("op", "path"), [("add", ADD), ("remove", REMOVE)])
def test_people_may_go_by_their_ids(
    server: Scripted, time: FastTime, workspace: Workspace, op: Any, path: str
) -> None:
    """Where the workspace's ids are ours: as they are written, another identity than addresses."""
    connector = opened(server, time, identifier="id")
    rows = people("C-7", "c-7", column="ID")
    (connector.add if op == "add" else connector.remove)(SEGMENT, rows, batch(op))
    (seen,) = server.seen
    assert seen.path == f"{path}?id_type=id"
    assert seen.json == {"ids": ["C-7", "c-7"]}
    assert connector.identity.name != opened(server, time).identity.name
    assert [column.rule.name for column in connector.identity.columns] == ["external_id"]


def test_attributes_come_first_and_create_nobody(
    workspace: Workspace, customerio: CustomerioConnector
) -> None:
    """Only of those who have any, each updated if they are there; then all are added."""
    values: dict[str, Any] = {"tier": "gold", "ltv": 120.5, "vip": True, "since": "2026-11-22"}
    customerio.add(SEGMENT, people("ann", "bob", "cleo", ann=values, cleo={"n": 0}), batch("add"))
    described_people, added = workspace.server.seen
    assert (described_people.method, described_people.path) == ("POST", BATCH)
    assert described_people.json == {
        "batch": [identified("ann", **values, _update=True), identified("cleo", n=0, _update=True)]
    }
    assert added.json == {"ids": ["ann@example.com", "bob@example.com", "cleo@example.com"]}
    assert len(workspace.server.seen) <= customerio.requests_for("add", 3)
    assert customerio.requests_for("remove", 3) == 1


def test_missing_people_are_created_where_set(server: Scripted, time: FastTime, workspace: Workspace) -> None:
    """Everybody is named before, without a word on consent; that needs addresses."""
    opened(server, time, create_missing=True).add(SEGMENT, people("ann", "bob", bob={"n": 1}), batch("add"))
    first, second = server.seen
    assert first.json == {"batch": [identified("ann"), identified("bob", n=1)]}
    assert second.json == {"ids": ["ann@example.com", "bob@example.com"]}
    with pytest.raises(ValueError, match="create_missing needs identifier email"):
        opened(server, time, create_missing=True, identifier="id")


def test_a_person_that_is_not_taken_is_not_added(
    workspace: Workspace, customerio: CustomerioConnector
) -> None:
    """207: whoever is named is reported by row of the batch, the others were taken."""
    errors = [
        {"batch_index": 1, "reason": "invalid", "field": "attributes", "message": "cleo@example.com"},
        {"batch_index": 0, "reason": "Ann Lee!", "field": "identifiers", "message": "x"},
    ]
    workspace.says("POST", BATCH, Reply(207, {"errors": errors}))
    rows = people("bob", "ann", "cleo", ann={"n": 1}, cleo={"n": 2})
    receipt = customerio.add(SEGMENT, rows, batch("add"))
    assert dict(receipt.rejected) == {2: "invalid", 1: "refused"}
    assert workspace.asked("POST", ADD)[0].json == {"ids": ["bob@example.com"]}
    workspace.says("POST", ADD, Reply(400, {}))
    receipt = customerio.add(SEGMENT, people("ann", "cleo", ann={"n": 1}, cleo={"n": 2}), batch("add"))
    assert len(receipt.rejected) == 2
    assert len(workspace.asked("POST", ADD)) == 1, "nobody is left to be added"


def test_an_identifier_that_is_too_long_spoils_no_batch(
    workspace: Workspace, customerio: CustomerioConnector
) -> None:
    """150 bytes are taken: a longer address is reported, and was never in."""
    long = "x" * 60 + "@" + ".".join(["y" * 60, "z" * 60]) + ".com"
    rows = people("ann", "bob").set_column(0, "EMAIL", [[long, "bob@example.com"]])
    receipt = customerio.add(SEGMENT, rows, batch("add"))
    assert dict(receipt.rejected) == {0: "identifier_too_long"}
    assert not customerio.remove(SEGMENT, rows, batch("remove")).rejected
    bodies = [seen.json for seen in workspace.server.seen]
    assert bodies == [{"ids": ["bob@example.com"]}] * 2
    assert customerio.remove(SEGMENT, rows.slice(0, 1), batch("remove")).status == "applied"
    assert len(workspace.server.seen) == 2, "nobody is left"


@pytest.mark.parametrize("errors", [[], [{"batch_index": 5}], [{"batch_index": "x"}], None])
def test_a_partial_answer_that_names_nobody_is_in_doubt(
    workspace: Workspace, customerio: CustomerioConnector, errors: object
) -> None:
    """Then nobody is added either."""
    workspace.says("POST", BATCH, Reply(207, {"errors": errors}))
    with pytest.raises(Uncertain):
        customerio.add(SEGMENT, people("ann", ann={"n": 1}), batch("add"))
    assert not workspace.asked("POST", ADD)


def test_a_batch_keeps_below_500_kilobytes(workspace: Workspace, customerio: CustomerioConnector) -> None:
    """Many attributes are several requests, in order; a refusal of a later one leaves the batch in doubt."""
    names = [f"p{n}" for n in range(30)]
    values: dict[str, Any] = {name: {"note": "x" * 30_000} for name in names}
    customerio.add(SEGMENT, people(*names, **values), batch("add"))
    parts = workspace.asked("POST", BATCH)
    assert len(parts) == 2
    assert all(len(part.body) < 500_000 for part in parts)
    sent = [one["identifiers"]["email"] for part in parts for one in orjson.loads(part.body)["batch"]]
    assert sent == [f"{name}@example.com" for name in names]
    workspace.says("POST", BATCH, Reply(), Reply(400, {"errors": []}))
    with pytest.raises(Uncertain, match="another part"):
        customerio.add(SEGMENT, people(*names, **values), batch("add"))


# --- a segment that is gone -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize(("op", "path"), [("add", ADD), ("remove", REMOVE)])
def test_the_app_api_tells_what_is_wrong_with_a_segment(
    workspace: Workspace, customerio: CustomerioConnector, op: Any, path: str, status: int
) -> None:
    """The Track API's answer is not documented: gone, data-driven, of another workspace, or another fault."""
    call = customerio.add if op == "add" else customerio.remove
    workspace.says("POST", path, Reply(status, {"meta": {"errors": ["ann@example.com is odd"]}}))
    with pytest.raises(ActionNeeded if status == 404 else Refused) as failed:
        call(SEGMENT, people("ann"), batch(op))
    assert "ann@" not in str(failed.value)
    workspace.says("GET", THE_SEGMENT, Reply(body={"segment": segment(kind="dynamic")}))
    with pytest.raises(ActionNeeded, match="data-driven"):
        call(SEGMENT, people("ann"), batch(op))
    workspace.says("GET", THE_SEGMENT, Reply(404, {"errors": [{"detail": "not found", "status": "404"}]}))
    with pytest.raises(AudienceGone):
        call(SEGMENT, people("ann"), batch(op))


# --- what never leaves -----------------------------------------------------------------------------------------


@pytest.mark.privacy("P12")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/customers/ann%40example.com/suppress"),
        ("POST", "/api/v1/customers/ann%40example.com/unsuppress"),
        ("DELETE", "/api/v1/customers/ann%40example.com"),
        ("PUT", "/api/v1/customers/ann%40example.com"),
        ("POST", "/api/v1/merge_customers"),
        ("POST", "/api/v2/entity"),
        ("POST", "/unsubscribe/abc"),
        ("DELETE", "/v1/segments/7"),
        ("POST", "/v1/customers"),
        ("POST", "/v1/esp/suppression/bounces/ann%40example.com"),
        ("DELETE", "/v1/esp/suppression/bounces/ann%40example.com"),
        ("PUT", "/v1/customers/ann%40example.com/subscription_preferences"),
        ("POST", "/v1/send/email"),
    ],
)
@pytest.mark.parametrize("create_missing", [False, True])
def test_other_calls_never_leave(
    server: Scripted, time: FastTime, method: str, path: str, create_missing: bool
) -> None:
    """What subscribes, suppresses, merges, deletes or sends is refused before it is sent."""
    with pytest.raises(ForbiddenRequest):
        opened(server, time, create_missing=create_missing).ask(method, path, {"x": 1})
    assert not server.seen


@pytest.mark.privacy("P12")
@pytest.mark.parametrize(
    "name",
    [
        "unsubscribed", "Unsubscribed", "cio_subscription_preferences", "cio_subscription_preferences.topics.topic_1",
        "anonymous_id", "primary", "secondary", "cio_relationships", "devices", "id", "email", "cio_id",
    ],
)  # fmt: skip
@pytest.mark.parametrize("create_missing", [False, True])
def test_no_attribute_of_consent_or_identity_leaves(
    server: Scripted, time: FastTime, workspace: Workspace, name: str, create_missing: bool
) -> None:
    """Whatever it is set to: anything but true would subscribe."""
    connector = opened(server, time, create_missing=create_missing)
    for value in (True, False, "", 1):
        with pytest.raises(ForbiddenRequest):
            connector.add(SEGMENT, people("ann", ann={name: value}), batch("add"))
    assert not server.seen


@pytest.mark.parametrize(
    "item",
    [
        {"type": "person", "action": "delete", "identifiers": {"email": "a@b.c"}},
        {"type": "person", "action": "suppress", "identifiers": {"email": "a@b.c"}},
        {"type": "person", "action": "event", "identifiers": {"email": "a@b.c"}, "name": "x"},
        {"type": "object", "action": "identify", "identifiers": {"object_id": "1"}},
        {**identified("ann", _update=True), "cio_relationships": []},
        identified("ann"),
        identified("ann", _update=False),
        identified("ann", _update=1),
        {"type": "person", "action": "identify", "identifiers": {"email": "a@b.c"}},
        "x",
    ],
)
def test_a_batch_only_updates_people(server: Scripted, time: FastTime, item: object) -> None:
    """Each item is looked at: nothing but attributes, and by default only of those who are there."""
    with pytest.raises(ForbiddenRequest):
        opened(server, time).ask("POST", "/api/v2/batch", {"batch": [identified("bob", _update=True), item]})
    assert not server.seen


def test_requests_are_what_a_second_reading_says(
    server: Scripted, time: FastTime, workspace: Workspace
) -> None:
    """Every request in the life of an audience, against operations that somebody else wrote down."""
    if not operations():
        pytest.skip("the second reading is not at hand")
    workspace.says("GET", SEGMENTS, Reply(body={"segments": []}))
    workspace.says("POST", SEGMENTS, Reply(body={"segment": segment()}))
    workspace.says("GET", COUNT, Reply(body={"count": 1, "segment_id": 7}))
    page = {"ids": ["u"], "identifiers": [{"email": "ann@example.com", "id": "u", "cio_id": "a1"}]}
    workspace.says("GET", MEMBERS, Reply(body={**page, "next": "two"}), Reply(body={**page, "next": ""}))
    for more in ({}, {"create_missing": True}, {"identifier": "id"}):
        connector = opened(server, time, **more)
        audience = connector.open_audience(REQUEST, SyncOptions())
        rows = people("ann", "bob", column=connector.identity.columns[0].name, ann={"tier": "gold"})
        connector.add(audience, rows, batch("add"))
        connector.remove(audience, rows, batch("remove"))
        connector.read_back(audience)
        list(connector.members(audience))
    seen = [described(one) for one in server.seen]
    assert set(seen) - {None} == {
        "segment_add",
        "segment_remove",
        "batch",
        "segment_create",
        "segment_members",
    }
