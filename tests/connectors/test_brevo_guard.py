"""What may never leave for Brevo, and what follows from its errors."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.base import (
    ActionNeeded,
    AudienceGone,
    AuthFailed,
    QuotaExhausted,
    Refused,
    RowsRefused,
    Uncertain,
)
from connectors.brevo import BrevoConnector
from connectors.consent_guard import ForbiddenRequest
from connectors.testing import FastTime
from tests.connectors.brevo_account import ADD, KEY, LIST, NEVER, moved, opened, people
from tests.connectors.oauth_account import batch
from tests.connectors.server import Reply, Scripted

ANN = "ann@example.com"
CREATION = {"email": ANN, "listIds": [36], "updateEnabled": True}
IMPORT = {"listIds": [36], "jsonBody": [{"email": ANN}], "updateExistingContacts": True}


@pytest.fixture
def brevo(server: Scripted, time: FastTime) -> BrevoConnector:
    """An account that creates nobody."""
    return opened(server, time)


@pytest.fixture
def open_account(server: Scripted, time: FastTime) -> BrevoConnector:
    """One where everything is set that lets more calls pass."""
    return opened(server, time, create_missing=True, import_rows=1_000)


@pytest.mark.parametrize("name", NEVER)
def test_consent_is_never_sent(server: Scripted, open_account: BrevoConnector, name: str) -> None:
    """Nowhere in any request that writes contacts, as an attribute either; nor in a query."""
    for path, body in (
        ("/contacts", CREATION | {name: False}),
        ("/contacts", CREATION | {"attributes": {name: False}}),
        ("/contacts/batch", {"contacts": [{"email": ANN, name: False}]}),
        ("/contacts/batch", {"contacts": [{"email": ANN, "attributes": {name: "1"}}]}),
        ("/contacts/import", IMPORT | {name: True}),
        ("/contacts/lists/36/contacts/remove", {name: True}),
    ):
        with pytest.raises(ForbiddenRequest, match="must never be sent"):
            open_account.ask("POST", path, body)
    with pytest.raises(ForbiddenRequest):
        open_account.ask("GET", "/contacts/lists", params={name: "1"})
    assert open_account.guard().forbids_field(name)
    assert server.seen == []


@pytest.mark.parametrize("name", ["EMAIL", "Email", "email"])
def test_nobodys_address_is_changed(server: Scripted, open_account: BrevoConnector, name: str) -> None:
    """Changing the address of somebody who is blocklisted resubscribes them."""
    for path, body in (
        ("/contacts", CREATION | {"attributes": {name: "new@example.com"}}),
        ("/contacts/batch", {"contacts": [{"email": ANN, "attributes": {name: "new@example.com"}}]}),
        ("/contacts/import", IMPORT | {"jsonBody": [{"email": ANN, "attributes": {name: "x"}}]}),
    ):
        with pytest.raises(ForbiddenRequest):
            open_account.ask("POST", path, body)
    assert server.seen == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/contacts/doubleOptinConfirmation"),
        ("PUT", "/contacts/ann%40example.com"),
        ("DELETE", "/contacts/ann%40example.com"),
        ("DELETE", "/contacts/lists/36"),
        ("PUT", "/contacts/lists/36"),
        ("POST", "/contacts/export"),
        ("POST", "/contacts/attributes/normal/TIER"),
        ("DELETE", "/contacts/folders/1"),
        ("POST", "/smtp/email"),
        ("POST", "/smtp/blockedDomains"),
        ("DELETE", "/smtp/blockedContacts/ann%40example.com"),
        ("POST", "/consentGroups"),
        ("POST", "/contacts"),
        ("POST", "/contacts/import"),
        ("GET", "/processes/78"),
    ],
)
def test_only_what_a_sync_needs_is_called(
    server: Scripted, brevo: BrevoConnector, method: str, path: str
) -> None:
    """Nobody is asked to opt in, changed, deleted or unblocked, and nobody is created unless that is set."""
    with pytest.raises(ForbiddenRequest, match="not part of an audience sync"):
        brevo.ask(method, path, {})
    assert server.seen == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/contacts", CREATION | {"updateEnabled": False}),
        ("/contacts", {"email": ANN}),
        ("/contacts/import", IMPORT | {"updateExistingContacts": False}),
        ("/contacts/import", {"listIds": [36], "jsonBody": []}),
        ("/contacts/import", IMPORT | {"emptyContactsAttributes": True}),
        ("/contacts/import", IMPORT | {"disableNotification": False}),
    ],
)
def test_fields_with_one_value_keep_it(
    server: Scripted, open_account: BrevoConnector, path: str, body: dict[str, Any]
) -> None:
    """Whoever is there is updated, nothing of theirs is emptied, and nobody is written to about an import."""
    with pytest.raises(ForbiddenRequest):
        open_account.ask("POST", path, body)
    assert server.seen == []


@pytest.mark.parametrize(
    ("status", "code", "consequence"),
    [
        (400, "invalid_parameter", RowsRefused),
        (400, "duplicate_parameter", RowsRefused),
        (400, "missing_parameter", Refused),
        (400, "out_of_range", Refused),
        (400, "something_new", Refused),
        (200, "invalid_parameter", RowsRefused),
        (200, "something_new", Refused),
        (401, "unauthorized", AuthFailed),
        (401, "", AuthFailed),
        (402, "not_enough_credits", ActionNeeded),
        (402, "", ActionNeeded),
        (403, "permission_denied", AuthFailed),
        (403, "", AuthFailed),
        (404, "document_not_found", AudienceGone),
        (404, "", ActionNeeded),
        (405, "method_not_allowed", ActionNeeded),
        (406, "", Refused),
        (409, "", Uncertain),
        (413, "", Refused),
        (422, "", RowsRefused),
        (424, "", Uncertain),
        (425, "", Uncertain),
        (429, "too_many_requests", QuotaExhausted),
        *((status, "", Uncertain) for status in (500, 502, 503, 504)),
    ],
)
def test_every_error_has_its_consequence(
    server: Scripted, brevo: BrevoConnector, status: int, code: str, consequence: type[Exception]
) -> None:
    """Each documented status and code raises what must happen next, and quotes nobody."""
    server.answers(Reply(status, {"code": code, "message": f"no {ANN} here, key {KEY}"}))
    with pytest.raises(consequence) as failed:
        brevo.add(LIST, people("ann"), batch("add", 1))
    assert type(failed.value) is consequence
    assert not [word for word in (ANN, "ann@", KEY) if word in str(failed.value)]
    if consequence is AuthFailed:
        assert "TURNOUT_BREVO_API_KEY" in str(failed.value)


def test_a_pause_is_as_long_as_told(server: Scripted, time: FastTime, brevo: BrevoConnector) -> None:
    """There is no Retry-After: the seconds to the reset are waited for; a long one ends the run."""
    told = {"x-sib-ratelimit-limit": "10", "x-sib-ratelimit-remaining": "0", "x-sib-ratelimit-reset": "9"}
    server.answers(Reply(429, {"code": "too_many_requests", "message": "x"}, told), moved(ANN))
    brevo.add(LIST, people("ann"), batch("add", 1))
    assert 9 <= sum(time.pauses) < 11
    server.answers(Reply(429, {"code": "too_many_requests"}, told | {"x-sib-ratelimit-reset": "1800"}))
    with pytest.raises(QuotaExhausted) as spent:
        brevo.add(LIST, people("ann"), batch("add", 1))
    assert spent.value.until is not None
    assert (spent.value.until - time.clock.now()).total_seconds() == pytest.approx(1_800, abs=5)
    assert {seen.path for seen in server.seen} == {ADD}
