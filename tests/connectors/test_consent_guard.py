"""The one place that looks at every request to an email tool, by itself."""

from __future__ import annotations

from collections.abc import Iterable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.consent_guard import Call, ConsentGuard, ForbiddenRequest, Request
from connectors.http import Http
from tests.connectors.server import Reply, Scripted

CALLS = (
    Call("GET", r"/people", asks={"status": frozenset({"unsubscribed"})}),
    Call("POST", r"/lists/[0-9]+/members", must={"update_only": True}),
    Call("POST", r"/batch"),
)


def packed(request: Request) -> Iterable[Request]:
    """The requests inside a batch."""
    if request.path == "/batch" and isinstance(request.body, dict):
        for one in request.body["operations"]:
            yield Request(one["method"], one["path"], one.get("body"))


GUARD = ConsentGuard(
    "Acme",
    CALLS,
    frozenset({"status", "optIn"}),
    {"channel": frozenset({False})},
    packed,
    never_starting=("consent_",),
)
MEMBERS = "/lists/7/members"
PLAIN = st.text(max_size=5).filter(lambda name: not GUARD.forbids_field(name))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PLAIN, inner, max_size=3),
    max_leaves=8,
)


def passes(method: str, path: str, body: object = None, query: dict[str, str] | None = None) -> bool:
    """Whether a request may leave."""
    try:
        GUARD.check(method, path, query, body)
    except ForbiddenRequest:
        return False
    return True


@pytest.mark.privacy("P12")
def test_only_listed_calls_leave() -> None:
    """A call is its method and its whole path."""
    assert passes("GET", "/people")
    assert not passes("DELETE", "/people")
    assert not passes("GET", "/people/1")
    assert not passes("POST", MEMBERS + "/unsubscribe", {"update_only": True})


@pytest.mark.privacy("P12")
@given(
    JSON,
    st.sampled_from(["status", "Status", "OPTIN", "consent_email", "Consent_Sms"]),
    JSON,
    st.integers(0, 3),
)
def test_a_forbidden_field_hides_nowhere(beside: object, name: str, value: object, depth: int) -> None:
    """In whatever case, at whatever depth, beside whatever else: the request stays."""
    assert passes("POST", MEMBERS, {"update_only": True, "more": beside})
    hidden: object = {name: value, "beside": beside}
    for _ in range(depth):
        hidden = [{"in": hidden}, beside]
    assert not passes("POST", MEMBERS, {"update_only": True, "more": hidden})
    assert not passes("POST", MEMBERS, {"update_only": True}, {name: "x"})


@pytest.mark.privacy("P12")
def test_a_field_with_one_value_has_no_other() -> None:
    """Neither another value nor the same one of another type."""
    for value, allowed in ((False, True), (True, False), (0, False), ("false", False), (None, False)):
        assert passes("POST", MEMBERS, {"update_only": True, "people": [{"channel": value}]}) == allowed


@pytest.mark.privacy("P12")
def test_what_must_be_said_is_said() -> None:
    """A call that is only harmless with a field stays without it."""
    for body in ({}, {"update_only": False}, {"update_only": 1}, {"people": {"update_only": True}}, None, []):
        assert not passes("POST", MEMBERS, body)


@pytest.mark.privacy("P12")
def test_a_forbidden_word_may_be_asked_for_where_the_call_says_so() -> None:
    """Reading who left is no change; another value, or the same in a call that writes, is refused."""
    assert passes("GET", "/people", query={"status": "unsubscribed"})
    assert not passes("GET", "/people", query={"status": "subscribed"})
    assert not passes("POST", MEMBERS, {"update_only": True}, {"status": "unsubscribed"})


@pytest.mark.privacy("P12")
def test_requests_inside_a_request_are_looked_at_alike() -> None:
    """A batch hides nothing."""
    good = {"method": "POST", "path": MEMBERS, "body": {"update_only": True}}
    assert passes("POST", "/batch", {"operations": [good]})
    for changed in (
        {"path": "/people/unsubscribe"},
        {"body": {}},
        {"body": {"update_only": True, "optin": 1}},
    ):
        assert not passes("POST", "/batch", {"operations": [good, good | changed]})


@pytest.mark.privacy("P12")
def test_a_refused_request_never_reaches_the_wire(server: Scripted) -> None:
    """`Http` asks before it sends, for the very body that would leave."""
    http = Http(server.url, lambda request: request, in_flight=1, name="Acme", guard=GUARD)
    server.answers(Reply(body={}))
    http.send("POST", MEMBERS, lambda _: None, body=lambda _: {"update_only": True})
    with pytest.raises(ForbiddenRequest, match="Acme: the field 'optIn' must never be sent"):
        http.send("POST", MEMBERS, lambda _: None, body=lambda _: {"update_only": True, "optIn": True})
    assert [orjson.loads(seen.body) for seen in server.seen] == [{"update_only": True}]
    http.close()
