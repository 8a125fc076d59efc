"""What must never be sent to SendGrid."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from connectors.consent_guard import ForbiddenRequest
from connectors.testing import FastTime
from tests.connectors.sendgrid_account import (
    CONTACTS,
    LIST,
    LISTS,
    MEMBERS,
    described,
    opened,
)
from tests.connectors.server import Scripted


@pytest.fixture
def sendgrid(server: Scripted, time: FastTime) -> Iterator[Any]:
    """Makes connectors with other settings; in the end every request must be as officially described."""
    yield partial(opened, server, time)
    for seen in server.seen:
        described(seen)


@pytest.mark.parametrize(
    ("method", "path", "params", "body"),
    [
        ("DELETE", CONTACTS, {"delete_all_contacts": "true"}, None),
        ("DELETE", CONTACTS, {"ids": "x"}, None),
        ("DELETE", f"{LISTS}/{LIST.id}", {"delete_contacts": "true"}, None),
        ("DELETE", f"{LISTS}/{LIST.id}", None, None),
        ("DELETE", f"{CONTACTS}/x/identifiers", None, {"identifier_type": "EMAIL"}),
        ("PATCH", f"{LISTS}/{LIST.id}", None, {"name": "x"}),
        ("DELETE", "/v3/asm/suppressions/global/ada@example.com", None, None),
        ("DELETE", "/v3/asm/groups/1/suppressions/ada@example.com", None, None),
        ("DELETE", "/v3/asm/groups/1", None, None),
        ("POST", "/v3/asm/suppressions/global", None, {"recipient_emails": ["ada@example.com"]}),
        ("POST", "/v3/asm/groups/1/suppressions", None, {"recipient_emails": ["ada@example.com"]}),
        ("DELETE", "/v3/suppression/bounces", None, {"delete_all": True}),
        ("DELETE", "/v3/suppression/bounces/ada@example.com", None, None),
        ("DELETE", "/v3/suppression/spam_reports", None, {"emails": ["ada@example.com"]}),
        ("DELETE", "/v3/suppression/unsubscribes", None, None),
        ("DELETE", "/v3/suppression/invalid_emails/ada@example.com", None, None),
        ("POST", "/v3/recipients/erasejob", None, {"email_addresses": ["ada@example.com"]}),
        ("PUT", f"{CONTACTS}/imports", None, {"file_type": "csv"}),
        ("POST", "/v3/mail/send", None, {}),
        ("PUT", CONTACTS, {"delete_all_contacts": "true"}, {"contacts": []}),
        ("PUT", CONTACTS, None, {"contacts": [{"alternate_emails": ["x@example.com"]}]}),
        ("PUT", CONTACTS, None, {"contacts": [{"custom_fields": {"ASM": {"Group_ID": 1}}}]}),
        ("DELETE", MEMBERS, {"contact_ids": "x", "delete_contacts": "true"}, None),
    ],
)
def test_what_must_never_be_sent_is_not(
    server: Scripted, sendgrid: Any, method: str, path: str, params: Any, body: Any
) -> None:
    """Deleting people, and every change of a suppression, is refused before it leaves."""
    with pytest.raises(ForbiddenRequest):
        sendgrid().ask(method, path, body, params=params)
    assert not server.seen
