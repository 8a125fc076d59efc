"""What must never be sent to ActiveCampaign."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from connectors.consent_guard import ForbiddenRequest
from connectors.testing import FastTime
from tests.connectors.activecampaign_account import (
    opened,
)
from tests.connectors.server import Scripted


@pytest.fixture
def activecampaign(server: Scripted, time: FastTime) -> Any:
    """Makes connectors with other settings."""
    return partial(opened, server, time)


@pytest.mark.parametrize(
    ("method", "path", "params", "body"),
    [
        ("POST", "/contactLists", None, {"contactList": {"list": 2, "contact": 1, "status": 1}}),
        ("POST", "/contactLists", None, {"contactList": {"list": 2, "contact": 1, "status": 2}}),
        ("PUT", "/contactLists/1", None, {"contactList": {"status": 1, "sourceid": 4}}),
        ("POST", "/contact/sync", None, {"contact": {"email": "ada@example.com"}}),
        ("POST", "/contacts", None, {"contact": {"email": "ada@example.com"}}),
        ("PUT", "/contacts/10", None, {"contact": {"email": "ada@example.com"}}),
        ("DELETE", "/contacts/10", None, None),
        ("DELETE", "/contacts/bulk_delete", None, {"ids": [10]}),
        ("POST", "/contactTags", None, {"contactTag": {"contact": "10", "tag": "20"}}),
        ("DELETE", "/tags/20", None, None),
        ("PUT", "/tags/20", None, {"tag": {"tag": "x"}}),
        ("POST", "/lists", None, {"list": {"name": "x"}}),
        ("DELETE", "/lists/3", None, None),
        ("POST", "/contactAutomations", None, {"contactAutomation": {"contact": "10"}}),
        ("DELETE", "/contactTags/1/2", None, None),
        ("POST", "/import/bulk_import", None, {"contacts": [{"subscribe": [{"listid": "3"}]}]}),
        ("POST", "/import/bulk_import", None, {"contacts": [{"unsubscribe": [{"listid": "3"}]}]}),
        ("POST", "/import/bulk_import", None, {"contacts": [{"Subscribe": []}]}),
        ("POST", "/import/bulk_import", None, {"contacts": [], "callback": {"url": "https://x.example"}}),
        ("POST", "/import/bulk_import", None, {"contacts": [{"status": 1}]}),
        ("POST", "/import/bulk_import", None, {"contacts": [{"fields": [{"sourceid": 4}]}]}),
        ("POST", "/import/bulk_import", {"status": "2"}, {"contacts": []}),
        ("POST", "/tags", None, {"tag": {"contactLists": [1]}}),
        ("GET", "/contacts", {"status": "1"}, None),
    ],
)
def test_what_must_never_be_sent_is_not(
    server: Scripted, activecampaign: Any, method: str, path: str, params: Any, body: Any
) -> None:
    """Members of lists, subscriptions, and deleting people, are refused before they leave."""
    with pytest.raises(ForbiddenRequest):
        activecampaign().ask(method, path, body, params=params)
    assert not server.seen
