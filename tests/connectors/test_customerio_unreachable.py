"""Whom Customer.io does not reach any more, against a scripted workspace and the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.base import ActionNeeded
from connectors.customerio import CustomerioConnector
from connectors.people import Unreachable
from connectors.sandbox import SandboxServer
from connectors.testing import FastTime
from tests.connectors.customerio_account import BOUNCES, COMPLAINTS, CUSTOMERS, Workspace, opened, query
from tests.connectors.server import Reply, Scripted
from tests.contract.email import EmailRig


@pytest.fixture
def workspace(server: Scripted) -> Workspace:
    """A workspace."""
    return Workspace(server)


@pytest.fixture
def customerio(server: Scripted, time: FastTime) -> CustomerioConnector:
    """As set by default."""
    return opened(server, time)


def person(name: str, number: int) -> dict[str, object]:
    return {"email": f"{name.title()}@Example.com", "id": f"u-{number}", "cio_id": f"a{number}"}


def people_page(*found: dict[str, object], following: str = "") -> Reply:
    return Reply(body={"ids": [], "identifiers": list(found), "next": following})


def lost(*names: str, created: object = 1_764_000_000) -> Reply:
    found = [
        {"created": created, "email": f"{name}@Example.com", "reason": "550", "status": ""} for name in names
    ]
    return Reply(body={"category": "x", "suppressions": found})


def test_who_cannot_be_reached_is_told(server: Scripted, time: FastTime, workspace: Workspace) -> None:
    """Unsubscribed people by a search, page by page; bounces and complaints of the sending server."""
    connector = opened(server, time, page_size=2)
    workspace.says(
        "POST", CUSTOMERS, people_page(person("ann", 1), following="MQ=="), people_page(person("bob", 2))
    )
    workspace.says("GET", BOUNCES, lost("cleo", "dan"))
    workspace.says("GET", COMPLAINTS, lost("eve", created="soon"))
    told = list(connector.unreachable(None))
    at = datetime(2025, 11, 24, 16, tzinfo=UTC)
    assert told == [
        Unreachable("unsubscribed", None, email="ann@example.com", external_id="u-1"),
        Unreachable("unsubscribed", None, email="bob@example.com", external_id="u-2"),
        Unreachable("bounced", at, email="cleo@example.com"),
        Unreachable("bounced", at, email="dan@example.com"),
        Unreachable("complained", None, email="eve@example.com"),
    ]
    wanted = {"filter": {"attribute": {"field": "unsubscribed", "operator": "eq", "value": True}}}
    assert [seen.json for seen in workspace.asked("POST", CUSTOMERS)] == [wanted, wanted]
    assert [query(seen) for seen in server.seen] == [
        {"limit": "2"}, {"limit": "2", "start": "MQ=="},
        {"limit": "1000", "offset": "0"}, {"limit": "1000", "offset": "0"},
    ]  # fmt: skip


def test_bounces_are_read_page_by_page(workspace: Workspace, customerio: CustomerioConnector) -> None:
    """By offset, each page with the end of the one before, as addresses move up when others leave the list."""
    names = [f"p{n}" for n in range(1_200)]
    workspace.says("POST", CUSTOMERS, people_page())
    workspace.says("GET", BOUNCES, lost(*names[:1_000]), lost(*names[950:]))
    workspace.says("GET", COMPLAINTS, lost())
    told = {one.email for one in customerio.unreachable(None)}
    assert told == {f"{name}@example.com" for name in names}
    assert [query(seen)["offset"] for seen in workspace.asked("GET", BOUNCES)] == ["0", "950"]


def test_only_what_is_new_is_told_where_moments_are(
    workspace: Workspace, customerio: CustomerioConnector
) -> None:
    """Whoever unsubscribed is told each time: Customer.io names no moment."""
    workspace.says("POST", CUSTOMERS, people_page(person("ann", 1)))
    workspace.says("GET", BOUNCES, lost("bob"))
    workspace.says("GET", COMPLAINTS, lost("cleo", created=1_800_000_000))
    told = [(one.email, one.reason) for one in customerio.unreachable(datetime(2026, 11, 1, tzinfo=UTC))]
    assert told == [("ann@example.com", "unsubscribed"), ("cleo@example.com", "complained")]


def test_bounces_are_left_out_where_another_server_sends(
    server: Scripted, time: FastTime, workspace: Workspace
) -> None:
    """Customer.io knows nothing of them then; and a search without end is an error."""
    connector = opened(server, time, esp_suppressions=False)
    workspace.says("POST", CUSTOMERS, people_page())
    assert list(connector.unreachable(None)) == []
    assert len(server.seen) == 1
    workspace.says("POST", CUSTOMERS, people_page(person("ann", 1), following="MQ=="))
    with pytest.raises(ActionNeeded, match="does not end"):
        list(connector.unreachable(None))


def test_the_sandbox_tells_the_same(tmp_path: Path) -> None:
    """Over real requests: who left, bounced and complained, and nobody else."""
    with SandboxServer(tmp_path) as sandbox:
        assert _told_of(sandbox) == [
            ("ann@example.com", "unsubscribed"),
            ("cleo@example.com", "bounced"),
            ("dan@example.com", "complained"),
        ]


def _told_of(sandbox: SandboxServer) -> list[tuple[str | None, str]]:
    state = sandbox.state.email
    state.put_person("customerio", "ann@example.com", "unsubscribed")
    state.put_person("customerio", "bob@example.com", "subscribed")
    state.suppress("customerio", "cleo@example.com", "bounces")
    state.suppress("customerio", "dan@example.com", "spam_reports")
    told = EmailRig("customerio", sandbox).connector.unreachable(None)
    return [(one.email, one.reason) for one in told]
