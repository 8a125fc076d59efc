"""Random people in random states go through every email connector, and what they agreed to stays as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal

import orjson
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ulid import ULID

from connectors.base import Audience, AudienceRequest, Batch, Op, Receipt
from connectors.consent_guard import ConsentGuard
from connectors.email import ATTRIBUTES, EmailConnector
from connectors.registry import load
from connectors.sandbox import SandboxServer
from connectors.sandbox.email.people import ConsentChange
from connectors.testing import FastTime
from tests.contract.email import CASES, account_of

State = Literal["unheard of", "unknown", "subscribed", "unsubscribed", "suppressed"]
SUPPRESSION = {"sendgrid": "global"}
"""What a tool calls the plainest of its suppressions, where the sandbox asks for its name."""

_numbers = count()


@dataclass(frozen=True)
class Somebody:
    """Somebody as the tool knows them before the sync."""

    state: State
    attribute: str | None


@dataclass(frozen=True)
class Request:
    """One batch: which of the people, in or out, with or without attributes."""

    op: Op
    whom: frozenset[int]
    described: bool


PEOPLE = st.lists(
    st.builds(
        Somebody,
        st.sampled_from(["unheard of", "unknown", "subscribed", "unsubscribed", "suppressed"]),
        st.none() | st.sampled_from(["gold", "silver"]),
    ),
    min_size=3,
    max_size=8,
)
REQUESTS = st.lists(
    st.builds(
        Request,
        st.sampled_from(["add", "add", "remove"]),
        st.frozensets(st.integers(0, 7), min_size=1),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """One sandbox for all: whoever it knows from an example stays."""
    with SandboxServer(tmp_path_factory.mktemp("consent") / "sandbox") as running:
        yield running


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every request that the guard looked at, by its method and path."""
    seen: list[str] = []
    original = ConsentGuard.check

    def check(guard: ConsentGuard, method: str, path: str, query: Any, body: object) -> None:
        seen.append(f"{method} {path}")
        original(guard, method, path, query, body)

    monkeypatch.setattr(ConsentGuard, "check", check)
    return seen


def opened(name: str, sandbox: SandboxServer, *, create_missing: bool) -> EmailConnector:
    """The connector of a tool, in a time in which pauses cost nothing."""
    kind = load(name)
    wanted = account_of(name, sandbox) | {"create_missing": create_missing}
    connector = kind(name, kind.settings_type(**wanted))
    assert isinstance(connector, EmailConnector)
    connector.http.use_clock(FastTime().clock)
    return connector


def rows_of(connector: EmailConnector, name: str, emails: list[str], told: list[str | None]) -> pa.Table:
    """People as the engine hands them to a connector."""
    nothing: list[str | None] = [None] * len(emails)
    columns = {
        column.name: emails if column.name == CASES[name].identifying else nothing
        for column in connector.identity.columns
    }
    if any(told):
        columns[ATTRIBUTES] = told
    return pa.table({key: pa.array(values, pa.string()) for key, values in columns.items()})


def settled(connector: EmailConnector, sandbox: SandboxServer, audience: Audience, receipt: Receipt) -> None:
    """Wait for a job's end."""
    for _ in range(10):
        if receipt.status == "applied":
            return
        sandbox.advance_clock(60)
        receipt = connector.poll(audience, str(receipt.reference))
    raise AssertionError("the job does not end")


@pytest.mark.privacy("P12", "P22")
@pytest.mark.parametrize("create_missing", [False, True], ids=["update existing", "create missing"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_consent_stays_as_it_was(
    name: str, create_missing: bool, sandbox: SandboxServer, checked: list[str]
) -> None:
    """Nobody whom the tool knew gets another consent, wider or narrower; of new people, none more than they agreed to.

    Everybody who is sent has granted e-mail marketing in our table; so a new person may start as the tool starts
    anybody, but nobody is created unless the operator says so.
    """
    connector = opened(name, sandbox, create_missing=create_missing)
    audience = connector.open_audience(
        AudienceRequest(f"Consent {create_missing}", f"turnout:consent_{create_missing}", None),
        type(connector).options_type(),
    )
    field = _a_text_field(connector)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(PEOPLE, REQUESTS)
    def lives(people: list[Somebody], requests: list[Request]) -> None:
        emails = [f"c{next(_numbers)}@example.com" for _ in people]
        for email, person in zip(emails, people, strict=True):
            _introduce(sandbox, name, email, person.state)
        before = {person.email for person in sandbox.state.email.people(name)}
        changes = len(_changes(sandbox, name))
        for request in requests:
            whom = sorted(number for number in request.whom if number < len(people))
            if whom:
                told = [_described(field, people[n].attribute) if request.described else None for n in whom]
                rows = rows_of(connector, name, [emails[n] for n in whom], told)
                call: Callable[..., Receipt] = connector.add if request.op == "add" else connector.remove
                receipt = call(audience, rows, Batch(str(ULID()), request.op, 1, 1, len(whom)))
                settled(connector, sandbox, audience, receipt)
        after = sandbox.state.email.people(name)
        created = {person.id for person in after if person.email not in before}
        assert create_missing or not created, "somebody was created whom nobody asked to create"
        known = [change for change in _changes(sandbox, name)[changes:] if change.person not in created]
        assert known == [], "a sync changed what somebody agreed to"

    lives()
    connector.close()
    assert len(checked) >= 12, "the guard was passed by"


@pytest.mark.privacy("P12")
@pytest.mark.parametrize("name", sorted(CASES))
def test_the_guard_stands_before_every_request(name: str, sandbox: SandboxServer) -> None:
    """What a tool's guard does not list never reaches the wire, whoever asks for it."""
    connector = opened(name, sandbox, create_missing=True)
    before = len(sandbox.state.requests(name))
    for method, path in (
        ("POST", "/anything/unsubscribe"),
        ("DELETE", "/contacts"),
        ("POST", "/suppressions"),
    ):
        with pytest.raises(Exception, match="not part of an audience sync"):
            connector.ask(method, path, {"email": "x"})
    assert len(sandbox.state.requests(name)) == before
    connector.close()


def _introduce(sandbox: SandboxServer, name: str, email: str, state: State) -> None:
    if state == "unheard of":
        return
    consent = "unsubscribed" if state == "suppressed" else state
    sandbox.state.email.put_person(name, email, consent)
    if state == "suppressed":
        sandbox.state.email.suppress(name, email, SUPPRESSION.get(name, "suppressed"))


def _changes(sandbox: SandboxServer, name: str) -> list[ConsentChange]:
    return sandbox.state.email.consent_changes(name)


def _a_text_field(connector: EmailConnector) -> str | None:
    """A field of the account that takes text; None where there is none to be used."""
    known = connector.fields()
    if known is None:
        return "tier"
    return next((field for field, kind in sorted(known.items()) if kind in ("text", "any")), None)


def _described(field: str | None, value: str | None) -> str | None:
    return orjson.dumps({field: value}).decode() if field and value else None
