"""Email tools held against a second reading of their documents: what it has us send is taken, what it expects comes."""

from __future__ import annotations

import pytest
import requests

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import SANDBOX_BRAZE_KEY, SANDBOX_BREVO_KEY, SANDBOX_ITERABLE_KEY
from tests.sandbox import test_customerio as customerio
from tests.sandbox.email_caller import EmailCaller
from tests.sandbox.handwritten import Operations, operations

ADA, BOB = "ada@example.com", "bob@example.com"


def described(tool: str) -> Operations:
    """The operations of a tool, nothing seen; skips where they are not at hand."""
    found = operations(tool)
    if found is None:
        pytest.skip("the hand-written operations are not at hand")
    return Operations(found.known)


def all_seen(checked: Operations) -> bool:
    """Whether every operation that is described was answered well."""
    return checked.seen == {operation["id"] for operation in checked.known}


def test_braze(sandbox: SandboxServer) -> None:
    """An object that is refused is named, as both readings say."""
    braze, checked = (
        EmailCaller(sandbox, "braze", {"Authorization": f"Bearer {SANDBOX_BRAZE_KEY}"}),
        described("braze"),
    )
    good = {"external_id": "u-1", "aud_vip": True, "_update_existing_only": True}
    for path in ("/users/track", "/users/track/bulk"):
        body = {"attributes": [good, {**good, "braze_id": "f" * 24}]}
        checked.check(path, braze.call("POST", path, json=body))
    assert all_seen(checked)


def test_customerio(sandbox: SandboxServer) -> None:
    """Both APIs."""
    caller, checked = customerio.Caller(sandbox, "customerio", customerio.APP), described("customerio")
    caller.put(ADA, external_id="u-1")
    made = caller.call("POST", "/v1/segments", json={"segment": {"name": "vip"}})
    checked.check("/v1/segments", made)
    segment = made.json()["segment"]["id"]
    for op in ("add", "remove", "add"):
        checked.check(f"/api/v1/segments/{segment}/{op}_customers", caller.change(op, segment, "u-1"))
    for item in (customerio.item(id="u-2"), customerio.item(id="x" * 151)):
        checked.check("/api/v2/batch", caller.batch(item))
    path = f"/v1/segments/{segment}/membership"
    shown = requests.get(sandbox.url_of("customerio") + path, headers=customerio.APP, timeout=30)
    checked.check(path, shown)
    assert all_seen(checked)


def test_iterable(sandbox: SandboxServer) -> None:
    """Every list of failures is in the answers."""
    iterable = EmailCaller(sandbox, "iterable", {"Api-Key": SANDBOX_ITERABLE_KEY})
    checked = described("iterable")
    made = iterable.call("POST", "/api/lists", json={"name": "vip"})
    checked.check("/api/lists", made)
    wish = {"listId": made.json()["listId"], "subscribers": [{"email": ADA}, {"email": "bad@"}]}
    for path, more in (
        ("/api/lists/subscribe", {"updateExistingUsersOnly": False}),
        ("/api/lists/unsubscribe", {"channelUnsubscribe": False}),
    ):
        checked.check(path, iterable.call("POST", path, json={**wish, **more}))
    assert checked.seen == {"list_create", "list_subscribe", "list_unsubscribe"}


def test_brevo(sandbox: SandboxServer) -> None:
    """Successes and failures of one answer, and a process."""
    brevo, checked = EmailCaller(sandbox, "brevo", {"api-key": SANDBOX_BREVO_KEY}), described("brevo")
    brevo.put(ADA)
    made = brevo.call("POST", "/contacts/lists", json={"name": "vip", "folderId": 1})
    checked.check("/v3/contacts/lists", made)
    for op in ("add", "remove"):
        path = f"/contacts/lists/{made.json()['id']}/contacts/{op}"
        checked.check("/v3" + path, brevo.call("POST", path, json={"emails": [ADA, BOB]}))
    body = {"listIds": [made.json()["id"]], "jsonBody": [{"email": ADA, "attributes": {"FNAME": "Ada"}}]}
    started = brevo.call("POST", "/contacts/import", json=body)
    checked.check("/v3/contacts/import", started)
    path = f"/processes/{started.json()['processId']}"
    checked.check("/v3" + path, brevo.call("GET", path))
    assert all_seen(checked)
