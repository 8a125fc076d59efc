"""What follows from HubSpot's errors, how long it is waited for, and what its limits take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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
    Window,
)
from connectors.hubspot import HubSpotConnector
from connectors.hubspot.answers import left
from connectors.hubspot.settings import HubSpotSettings
from connectors.rate_headers import Left
from connectors.testing import FastTime
from tests.connectors.hubspot_account import LIST, TOKEN, changed, error, opened, people
from tests.connectors.oauth_account import batch
from tests.connectors.server import Reply, Scripted

ANN = "ann@example.com"


@pytest.fixture
def hubspot(server: Scripted, time: FastTime) -> HubSpotConnector:
    """An account that creates nobody."""
    return opened(server, time)


@pytest.mark.parametrize(
    ("status", "category", "more", "consequence"),
    [
        (200, "VALIDATION_ERROR", {}, RowsRefused),
        (200, "", {"status": "COMPLETE", "errors": [{"message": "no"}]}, Refused),
        (400, "VALIDATION_ERROR", {}, RowsRefused),
        (400, "VALIDATION_ERROR", {"errors": [{"code": "PROPERTY_DOESNT_EXIST"}]}, ActionNeeded),
        (400, "VALIDATION_ERROR", {"message": '[{"error":"PROPERTY_DOESNT_EXIST"}]'}, ActionNeeded),
        (400, "VALIDATION_ERROR", {"subCategory": "ILS.DUPLICATE_LIST_NAMES"}, ActionNeeded),
        (400, "SOMETHING_NEW", {}, Refused),
        (401, "INVALID_AUTHENTICATION", {}, AuthFailed),
        (401, "EXPIRED_AUTHENTICATION", {}, AuthFailed),
        (401, "", {}, AuthFailed),
        (403, "MISSING_SCOPES", {}, AuthFailed),
        (403, "", {}, AuthFailed),
        (404, "OBJECT_NOT_FOUND", {}, AudienceGone),
        (404, "", {}, ActionNeeded),
        (409, "CONFLICT", {}, RowsRefused),
        (414, "", {}, Refused),
        (423, "", {}, QuotaExhausted),
        (429, "RATE_LIMITS", {"policyName": "TEN_SECONDLY_ROLLING"}, QuotaExhausted),
        (429, "RATE_LIMITS", {"policyName": "SECONDLY"}, QuotaExhausted),
        (429, "RATE_LIMITS", {"policyName": "DAILY"}, QuotaExhausted),
        (477, "", {}, QuotaExhausted),
        *((status, "", {}, Uncertain) for status in (500, 502, 503, 504, 521, 522, 523, 524)),
    ],
)
def test_every_error_has_its_consequence(
    server: Scripted,
    hubspot: HubSpotConnector,
    status: int,
    category: str,
    more: Any,
    consequence: type[Exception],
) -> None:
    """Each documented status and category raises what must happen next, and quotes nobody."""
    server.answers(error(status, category, **more))
    with pytest.raises(consequence) as failed:
        hubspot.add(LIST, people("ann", ids=["101"]), batch("add", 1))
    assert not [word for word in (ANN, "ann@", TOKEN) if word in str(failed.value)]
    if consequence is AuthFailed:
        assert "TURNOUT_HUBSPOT_ACCESS_TOKEN" in str(failed.value)


@pytest.mark.parametrize(
    ("answer", "waited"),
    [
        (error(429, "RATE_LIMITS", policyName="TEN_SECONDLY_ROLLING"), 10),
        (error(423, ""), 2),
        (Reply(477, {"status": "error"}, {"Retry-After": "45"}), 45),
        (Reply(429, {"status": "error"}, {"Retry-After": "7"}), 7),
    ],
)
def test_pauses_are_as_long_as_told(
    server: Scripted, time: FastTime, hubspot: HubSpotConnector, answer: Reply, waited: float
) -> None:
    """Ten seconds by the policy, two for a lock, and what a header names."""
    server.answers(answer, changed())
    hubspot.add(LIST, people("ann", ids=["101"]), batch("add", 1))
    assert waited <= sum(time.pauses) < waited + 1


def test_a_spent_day_ends_the_run(server: Scripted, time: FastTime, hubspot: HubSpotConnector) -> None:
    """No long wait: the account is left alone for an hour."""
    server.answers(error(429, "RATE_LIMITS", policyName="DAILY"))
    with pytest.raises(QuotaExhausted, match="spent") as spent:
        hubspot.add(LIST, people("ann", ids=["101"]), batch("add", 1))
    assert spent.value.until is not None
    assert (spent.value.until - time.clock.now()).total_seconds() == pytest.approx(3_600, abs=5)
    assert sum(time.pauses) < 1


def test_what_is_left_is_read() -> None:
    """Of ten seconds and of the day; a spent day is tried again after an hour."""
    told = {"Interval-Milliseconds": "10000", "Max": "190", "Remaining": "12", "Daily": "650000"}
    headers = {f"X-HubSpot-RateLimit-{name}": value for name, value in told.items()}
    now = datetime(2026, 11, 22, tzinfo=UTC)
    assert list(left(headers, now)) == [Left(12, None, 190)]
    today = {**headers, "X-HubSpot-RateLimit-Daily-Remaining": "5"}
    assert list(left(today, now)) == [Left(12, None, 190), Left(5, 86_400, 650_000)]
    spent = {"X-HubSpot-RateLimit-Daily-Remaining": "0", "X-HubSpot-RateLimit-Remaining": "x"}
    assert list(left(spent, now)) == [Left(0, 3_600, None)]


def test_limits_are_the_settings(server: Scripted, time: FastTime) -> None:
    """Requests in ten seconds and a day; ids are remembered for so many days; a version is a date."""
    limits = opened(
        server, time, requests_per_ten_seconds=190, requests_per_day=650_000, ids_last_days=7
    ).limits
    assert set(limits.windows) == {Window(190, timedelta(seconds=10)), Window(650_000, timedelta(days=1))}
    assert (limits.max_rows, limits.ids_last) == (1_000, timedelta(days=7))
    with pytest.raises(ValueError, match="api_version"):
        HubSpotSettings(_env_file=None, access_token="x", api_version="../v1")
