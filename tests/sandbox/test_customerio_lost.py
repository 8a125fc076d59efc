"""Who left Customer.io, and whose mail came back, as the sandbox tells it."""

from __future__ import annotations

import pytest

from connectors.sandbox import SandboxServer
from tests.sandbox.test_customerio import Caller, app_refusal
from tests.sandbox.test_customerio import customerio as customerio

UNSUBSCRIBED = {"attribute": {"field": "unsubscribed", "operator": "eq", "value": True}}


def test_who_left_is_searched_for_page_by_page(customerio: Caller) -> None:
    """By the attribute of that name; others are compared as they are."""
    for name in ("ann", "bob", "cleo"):
        customerio.put(f"{name}@example.com", "unsubscribed")
    customerio.put("dan@example.com", "subscribed")
    found, start = [], ""
    while True:
        path = f"/v1/customers?limit=2&start={start}"
        page = customerio.call("POST", path, json={"filter": UNSUBSCRIBED}).json()
        assert set(page) == {"ids", "identifiers", "next"}
        found += [person["email"] for person in page["identifiers"]]
        start = page["next"]
        if not start:
            break
    assert sorted(found) == ["ann@example.com", "bob@example.com", "cleo@example.com"]
    tier = {"attribute": {"field": "tier", "operator": "eq", "value": "gold"}}
    assert customerio.call("POST", "/v1/customers", json={"filter": tier}).json()["identifiers"] == []
    none = customerio.call("POST", "/v1/customers", json={"filter": {"and": []}})
    assert app_refusal(none) == 400


def test_addresses_that_came_back_are_listed_by_kind(customerio: Caller, sandbox: SandboxServer) -> None:
    """By offset, oldest first."""
    for name in ("ann", "bob"):
        sandbox.state.email.suppress("customerio", f"{name}@example.com", "bounces")
    sandbox.state.email.suppress("customerio", "cleo@example.com", "spam_reports")
    path = "/v1/esp/suppression/bounces?limit=1&offset="
    first, second, third = (customerio.call("GET", f"{path}{offset}").json() for offset in range(3))
    (ann,), (bob,) = first["suppressions"], second["suppressions"]
    assert (ann["email"], bob["email"], third["suppressions"]) == ("ann@example.com", "bob@example.com", [])
    assert set(ann) == {"created", "email", "reason", "status"}
    assert first["category"] == "bounces"
    assert app_refusal(customerio.call("GET", "/v1/esp/suppression/everything")) == 400


@pytest.mark.parametrize("query", ["limit=0", "limit=x"])
def test_a_page_has_a_size(customerio: Caller, query: str) -> None:
    """At most a thousand, whatever is asked for; but a number."""
    assert app_refusal(customerio.call("GET", f"/v1/esp/suppression/bounces?{query}")) == 400
