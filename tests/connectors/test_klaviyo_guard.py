"""What leaves for Klaviyo, by the official description, and what never does."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base import SyncOptions
from connectors.consent_guard import ForbiddenRequest
from connectors.testing import FastTime
from tests.connectors.klaviyo_account import (
    JOB,
    JOBS,
    LIST,
    LISTS,
    Account,
    a_list,
    batch,
    described,
    job,
    opened,
    people,
    profile,
    resources,
)
from tests.connectors.lapsed import REQUEST, known
from tests.connectors.server import Reply, Scripted
from tests.sandbox.email_openapi import description


@pytest.fixture
def account(server: Scripted) -> Account:
    """An account that knows Ann and Bob."""
    return Account(server, "ann", "bob")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/profile-subscription-bulk-create-jobs"),
        ("POST", "/api/profile-subscription-bulk-delete-jobs"),
        ("POST", "/api/profile-suppression-bulk-create-jobs"),
        ("POST", "/api/profile-suppression-bulk-delete-jobs"),
        ("POST", "/api/data-privacy-deletion-jobs"),
        ("POST", "/api/profile-import"),
        ("POST", "/api/profile-merge"),
        ("POST", "/api/profiles"),
        ("PATCH", "/api/profiles/01GDDKAS"),
        ("PATCH", f"{LISTS}/{LIST.id}"),
        ("DELETE", f"{LISTS}/{LIST.id}"),
        ("POST", "/client/subscriptions"),
    ],
)
@pytest.mark.privacy("P12")
@pytest.mark.parametrize("create_missing", [False, True])
def test_other_calls_never_leave(
    server: Scripted, time: FastTime, method: str, path: str, create_missing: bool
) -> None:
    """What subscribes, unsubscribes, suppresses, merges or deletes is refused before it is sent."""
    with pytest.raises(ForbiddenRequest):
        opened(server, time, create_missing=create_missing).ask(method, path, {"data": {}})
    assert not server.seen


@pytest.mark.parametrize(
    "field",
    [
        "subscriptions", "historical_import", "consent", "consented_at", "custom_source", "suppression",
        "list_suppressions", "opt_in_process", "patch_identifiers", "patch_properties", "$consent", "$CONSENT",
        "$consent_method", "$consent_timestamp", "$consent_version", "$consent_form_id", "$source",
    ],
)  # fmt: skip
@pytest.mark.privacy("P12")
@pytest.mark.parametrize("create_missing", [False, True])
def test_no_field_of_consent_leaves(
    server: Scripted, time: FastTime, account: Account, field: str, create_missing: bool
) -> None:
    """Not even as somebody's attribute."""
    connector = opened(server, time, create_missing=create_missing)
    with pytest.raises(ForbiddenRequest):
        connector.add(LIST, people("ann", ann={field: "SUBSCRIBED"}), batch("add"))
    assert not account.asked("POST", JOBS)
    assert connector.guard().forbids_field(field)


@pytest.mark.parametrize(
    "field", ["email", "phone_number", "external_id", "_kx", "$email", "$phone_number", "$id"]
)
def test_nothing_that_makes_a_profile_leaves_by_default(
    server: Scripted, time: FastTime, account: Account, field: str
) -> None:
    """An import creates whom it does not find by such a field."""
    with pytest.raises(ForbiddenRequest):
        opened(server, time).add(LIST, people("ann", ann={field: "x"}), batch("add"))
    assert not account.asked("POST", JOBS)


def test_requests_are_what_the_official_description_says(
    server: Scripted, time: FastTime, account: Account
) -> None:
    """Every request in the life of an audience, its query and body held against Klaviyo's OpenAPI description."""
    if description("klaviyo") is None:
        pytest.skip("Klaviyo's OpenAPI description is not at hand")
    account.says("GET", LISTS, resources(cursor="two"), resources(), resources())
    account.says("POST", LISTS, Reply(201, {"data": a_list(LIST.id, "Lapsed")}))
    account.says("GET", f"{JOBS}/{JOB}", job("complete", failed=1))
    account.says("GET", f"{JOBS}/{JOB}/import-errors", resources(cursor="two"), resources())
    account.says("GET", f"{LISTS}/{LIST.id}/profiles", resources(profile("ann"), cursor="two"), resources())
    for create_missing in (False, True):
        connector = opened(server, time, create_missing=create_missing)
        audience = connector.open_audience(REQUEST, SyncOptions())
        connector.open_audience(known(LIST.id), SyncOptions())
        connector.add(audience, people("ann", "cleo"), batch("add"))
        values: dict[str, Any] = {"first_name": "Ann", "ltv": 1.5, "vip": True}
        accepted = connector.add(audience, people("ann", "bob", ann=values), batch("add"))
        connector.poll(audience, str(accepted.reference))
        connector.remove(audience, people("ann", "cleo"), batch("remove"))
        connector.read_back(audience)
        list(connector.members(audience))
        list(connector.unreachable(datetime(2026, 11, 1, tzinfo=UTC)))
        assert all(finding.ok for finding in connector.examine())
    assert {described(seen) for seen in server.seen} == {
        "GET /api/lists", "POST /api/lists", "GET /api/lists/{id}", "GET /api/lists/{id}/profiles",
        "POST /api/lists/{id}/relationships/profiles", "DELETE /api/lists/{id}/relationships/profiles",
        "GET /api/profiles", "POST /api/profile-bulk-import-jobs", "GET /api/profile-bulk-import-jobs/{job_id}",
        "GET /api/profile-bulk-import-jobs/{id}/import-errors",
    }  # fmt: skip
