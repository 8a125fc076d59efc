"""Braze's requests about people, and what its answers say of them, against a scripted server."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from connectors.base import ActionNeeded, Refused, Uncertain, Window
from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import SANDBOX_BRAZE_KEY
from connectors.testing import FastTime
from tests.connectors.braze_workspace import VIP, at, changes, opened, took, workspace
from tests.connectors.described import as_described
from tests.connectors.lapsed import REQUEST
from tests.connectors.oauth_account import batch, table
from tests.connectors.server import Reply, Scripted

ANN, BOB = "ann@example.com", "bob@example.com"


@pytest.fixture
def braze(server: Scripted, time: FastTime) -> Any:
    """Makes connectors with other settings."""
    return partial(opened, server, time)


def ids(*external_ids: str, **more: list[str | None]) -> Any:
    """People by external id."""
    return table(EXTERNAL_ID=list(external_ids), **more)


def test_the_attribute_is_true_for_whoever_is_in(server: Scripted, braze: Any) -> None:
    """One object a person; nobody is made; the key is a bearer token."""
    workspace(server, took(2))
    receipt = braze(look_up=False).add(VIP, ids("u-1", "U-1"), batch("add", 2))
    assert (receipt.status, dict(receipt.rejected), receipt.rejected_unlocated) == ("applied", {}, 0)
    (sent,) = server.seen
    assert (sent.method, sent.path) == ("POST", "/users/track")
    assert sent.headers["Authorization"] == "Bearer key-1-of-braze"
    assert sent.json == {
        "attributes": [
            {"external_id": "u-1", "aud_vip": True, "_update_existing_only": True},
            {"external_id": "U-1", "aud_vip": True, "_update_existing_only": True},
        ]
    }


@pytest.mark.parametrize("create_missing", [False, True])
def test_the_attribute_is_false_for_whoever_is_out(
    server: Scripted, braze: Any, create_missing: bool
) -> None:
    """Not null, so that it can be asked for; and nobody is ever made for it, nor looked up."""
    workspace(server, took(1))
    made = braze(create_missing=create_missing)
    receipt = made.remove(VIP, ids("u-1"), batch("remove", 1))
    assert (receipt.status, dict(receipt.rejected)) == ("applied", {})
    (sent,) = server.seen
    assert sent.json == {
        "attributes": [{"external_id": "u-1", "aud_vip": False, "_update_existing_only": True}]
    }
    assert made.requests_for("remove", 50) == 1


def test_people_may_go_by_address(server: Scripted, braze: Any) -> None:
    """Then Braze is asked about nobody: it takes one address a question."""
    workspace(server, took(2))
    made = braze(identifier="email")
    made.add(VIP, table(EMAIL=[ANN, BOB]), batch("add", 2))
    assert changes(server) == [
        {
            "attributes": [
                {"email": ANN, "aud_vip": True, "_update_existing_only": True},
                {"email": BOB, "aud_vip": True, "_update_existing_only": True},
            ]
        }
    ]
    assert len(server.seen) == made.requests_for("add", 2) == 1
    assert [column.rule.normalise("  Ann@Example.COM ") for column in made.identity.columns] == [ANN]


def test_the_unknown_are_looked_up_and_left_out(server: Scripted, braze: Any) -> None:
    """Fifty a question, which asks for nothing else of them; with nobody left nothing is sent."""
    workspace(server, took(58), unknown=("u-3", "u-55"))
    made = braze(max_rows=75)
    people = ids(*(f"u-{number}" for number in range(60)))
    receipt = made.add(VIP, people, batch("add", 60))
    assert dict(receipt.rejected) == {3: "unknown_person", 55: "unknown_person"}
    first, second, change = server.seen
    assert (first.method, first.path) == ("POST", "/users/export/ids")
    assert first.json == {
        "external_ids": [f"u-{number}" for number in range(50)],
        "fields_to_export": ["external_id"],
    }
    assert len(second.json["external_ids"]) == 10  # type: ignore[index]
    assert len(change.json["attributes"]) == 58  # type: ignore[index]
    assert made.requests_for("add", 60) == 3
    receipt = made.add(VIP, ids("u-3"), batch("add", 1))
    assert dict(receipt.rejected) == {0: "unknown_person"}
    assert len(changes(server)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        Reply(how="reset"),
        Reply(503, {"message": "x"}),
        Reply(201, {"message": "success"}),
        Reply(400, {"message": "x"}),
    ],
)
def test_a_question_without_answer_leaves_no_doubt(server: Scripted, braze: Any, answer: Reply) -> None:
    """Nothing was changed, and nothing is sent on a guess."""
    server.answers(answer)
    with pytest.raises(Refused) as refused:
        braze().add(VIP, ids("u-1"), batch("add", 1))
    assert not refused.value.maybe_applied
    assert not changes(server)


def test_people_are_made_only_where_that_is_set(server: Scripted, braze: Any) -> None:
    """Then nobody is looked up, and nothing is said of their consent: Braze's own default counts."""
    workspace(server, took(1), unknown=("u-1",))
    receipt = braze(create_missing=True).add(VIP, ids("u-1"), batch("add", 1))
    assert dict(receipt.rejected) == {}
    (sent,) = server.seen
    assert sent.json == {
        "attributes": [{"external_id": "u-1", "aud_vip": True, "_update_existing_only": False}]
    }


def test_attributes_go_with_their_person(server: Scripted, braze: Any) -> None:
    """In the same object, as they are; Braze takes any name."""
    workspace(server, took(2))
    made = braze()
    values = '{"tier":"gold","visits":3,"seen":"2026-11-22","new":true}'
    made.add(VIP, ids("u-1", "u-2", attributes=[values, None]), batch("add", 2))
    ours = {"aud_vip": True, "_update_existing_only": True}
    assert changes(server)[0]["attributes"] == [
        {"tier": "gold", "visits": 3, "seen": "2026-11-22", "new": True, "external_id": "u-1", **ours},
        {"external_id": "u-2", **ours},
    ]
    assert made.fields() is None


@pytest.mark.parametrize(
    "name", ["external_id", "email", "phone", "braze_id", "user_alias", "aud_vip", "_update_existing_only"]
)
def test_no_attribute_changes_who_somebody_is(server: Scripted, braze: Any, name: str) -> None:
    """Nor who is in the audience: nothing is sent."""
    workspace(server, took(1))
    with pytest.raises(ActionNeeded, match=name):
        braze().add(VIP, ids("u-1", attributes=[f'{{"{name}":"x"}}']), batch("add", 1))
    assert not server.seen


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("EXTERNAL_USER_ID_TOO_LARGE", "invalid_id"),
        ("BLACKLISTED_EXTERNAL_USER_ID", "blocked_id"),
        ("The type of a custom attribute can't be changed", "refused"),
    ],
)
@pytest.mark.parametrize("op", ["add", "remove"])
def test_errors_within_a_success_are_of_people(
    server: Scripted, braze: Any, op: Any, kind: str, reason: str
) -> None:
    """By place among those who were sent, which are not all of the batch; the others were taken."""
    workspace(server, took(1, at(1, kind)), unknown=("u-0",) if op == "add" else ())
    made, people = braze(), ids("u-0", "u-1", "u-2") if op == "add" else ids("u-1", "u-2")
    receipt = (made.add if op == "add" else made.remove)(VIP, people, batch(op, people.num_rows))
    others = {0: "unknown_person"} if op == "add" else {}
    assert dict(receipt.rejected) == {**others, people.num_rows - 1: reason}
    assert receipt.rejected_unlocated == 0


@pytest.mark.parametrize(
    "answer",
    [
        took(1, at(None)),
        took(1, at(9)),
        took(1, at("x")),
        took(0, at(0, array="events")),
        took(None),
        Reply(201, {}),
        Reply(202, {"message": "queued"}),
    ],
)
def test_an_error_about_nobody_leaves_doubt(server: Scripted, braze: Any, answer: Reply) -> None:
    """Rows cannot be told apart, or nothing is counted: the batch comes again."""
    workspace(server, answer)
    with pytest.raises(Uncertain):
        braze().add(VIP, ids("u-1", "u-2"), batch("add", 2))


@pytest.mark.parametrize("status", [200, 201])
def test_fewer_than_sent_are_counted(server: Scripted, braze: Any, status: int) -> None:
    """Where Braze processed fewer than it found fault with."""
    workspace(server, took(1, at(0), status=status))
    receipt = braze().add(VIP, ids("u-1", "u-2", "u-3"), batch("add", 3))
    assert (dict(receipt.rejected), receipt.rejected_unlocated) == ({0: "refused"}, 1)


def test_the_bulk_endpoint_is_used_where_that_is_set(server: Scripted, braze: Any) -> None:
    """A thousand at once, at its own rate."""
    workspace(server, took(1))
    made = braze(bulk_rows=1_000, look_up=False)
    made.add(VIP, ids("u-1"), batch("add", 1))
    assert [seen.path for seen in server.seen] == ["/users/track/bulk"]
    assert (made.limits.max_rows, made.limits.windows) == (1_000, (Window(50, timedelta(seconds=1)),))


def test_limits_are_the_sheets(braze: Any) -> None:
    """Fifty people by default; what a contract allows is set."""
    second, minute, hour = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
    limits = braze().limits
    assert (limits.max_rows, limits.max_in_flight) == (50, 4)
    assert limits.windows == (Window(3_000, 3 * second), Window(250, minute))
    windows = braze(look_up=False, requests_per_hour=9, requests_per_three_seconds=5).limits.windows
    assert windows == (Window(5, 3 * second), Window(9, hour))


def test_a_second_reading_agrees_with_every_request(server: Scripted, braze: Any) -> None:
    """Each change is sent as the hand-written description says, with attributes and without."""
    workspace(server, took(1))
    braze().add(VIP, ids("u-1", attributes=['{"tier":"gold"}']), batch("add", 1))
    braze(create_missing=True).add(VIP, ids("u-1"), batch("add", 1))
    braze(identifier="email").remove(VIP, table(EMAIL=[ANN]), batch("remove", 1))
    braze(bulk_rows=500).remove(VIP, ids("u-1"), batch("remove", 1))
    assert as_described("braze", server.seen) == ["track", "track", "track", "track_bulk"]


def test_the_sandbox_plays_it_by_external_id(tmp_path: Any, braze: Any) -> None:
    """Somebody whom Braze does not know is reported; the others come and go."""
    with SandboxServer(tmp_path / "sandbox") as sandbox:
        sandbox.state.email.put_person("braze", ANN, external_id="u-1")
        made = braze(api_key=SANDBOX_BRAZE_KEY, base_url=sandbox.url_of("braze"))
        audience = made.open_audience(REQUEST, type(made).options_type())
        receipt = made.add(audience, ids("u-1", "u-2"), batch("add", 2))
        assert dict(receipt.rejected) == {1: "unknown_person"}
        assert len(sandbox.state.email.members("braze", "aud_lapsed")) == 1
        made.remove(audience, ids("u-1", "u-2"), batch("remove", 2))
        assert len(sandbox.state.email.members("braze", "aud_lapsed")) == 0
        assert len(sandbox.state.email.people("braze")) == 1
