"""What Braze's errors lead to, and what never leaves for it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.base import ActionNeeded, AuthFailed, DeliveryError, QuotaExhausted, Refused, Uncertain
from connectors.consent_guard import ForbiddenRequest
from connectors.testing import FastTime
from tests.connectors.braze_workspace import VIP, opened, took, workspace
from tests.connectors.oauth_account import batch, table
from tests.connectors.server import Reply, Scripted

ANN = "ann@example.com"


@pytest.fixture
def braze(server: Scripted, time: FastTime) -> Any:
    """Makes connectors with other settings."""
    return partial(opened, server, time)


@pytest.mark.parametrize(
    ("status", "consequence"),
    [
        (200, Refused),
        (201, Refused),
        (400, Refused),
        (401, AuthFailed),
        (403, ActionNeeded),
        (404, ActionNeeded),
        (413, Refused),
        (415, Refused),
        (429, QuotaExhausted),
        (500, Uncertain),
        (502, Uncertain),
        (503, Uncertain),
    ],
)
@pytest.mark.parametrize("op", ["add", "remove"])
def test_every_status_has_its_consequence(
    server: Scripted, braze: Any, op: Any, status: int, consequence: type[DeliveryError]
) -> None:
    """Braze has sentences and no codes; a message that is no success is an error under any status."""
    workspace(server, Reply(status, {"message": f"no {ANN}, CRM-0042X or crm-0042x", "errors": []}))
    made = braze()
    with pytest.raises(consequence) as failed:
        (made.add if op == "add" else made.remove)(VIP, table(EXTERNAL_ID=["crm-0042x"]), batch(op, 1))
    assert type(failed.value) is consequence
    assert not [word for word in (ANN, "0042", "key-1") if word in str(failed.value)]
    if consequence is AuthFailed:
        assert "TURNOUT_BRAZE_API_KEY" in str(failed.value)


def test_the_limit_ends_at_a_moment(server: Scripted, time: FastTime, braze: Any) -> None:
    """In the headers, in Unix time, without Retry-After."""
    now = time.clock.now().timestamp()
    headers = {
        "X-RateLimit-Limit": "250000",
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": f"{now + 11:.0f}",
    }
    left = [Reply(429, {"message": "Rate limited"}, headers), took(1)]
    server.script = lambda seen: left.pop(0)
    braze().remove(VIP, table(EXTERNAL_ID=["u-1"]), batch("remove", 1))
    assert 11 <= sum(time.pauses) < 13


def test_a_limit_that_ends_late_ends_the_run(server: Scripted, time: FastTime, braze: Any) -> None:
    """With the time when it opens again."""
    headers = {
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int(time.clock.now().timestamp()) + 3_000),
    }
    server.answers(Reply(429, {"message": "Rate limited"}, headers))
    with pytest.raises(QuotaExhausted) as ended:
        braze().remove(VIP, table(EXTERNAL_ID=["u-1"]), batch("remove", 1))
    assert ended.value.until is not None
    assert 2_900 <= (ended.value.until - time.start).total_seconds() <= 3_100


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_rows": 76},
        {"bulk_rows": 1_001},
        {"attribute_prefix": ""},
        {"attribute_prefix": "_x"},
        {"identifier": "phone"},
    ],
)
def test_settings_beyond_braze_are_refused(braze: Any, wrong: dict[str, object]) -> None:
    """The largest requests that any contract allows, and prefixes that make attributes."""
    with pytest.raises(ValidationError):
        braze(**wrong)


PERSON: dict[str, object] = {"external_id": "u-1", "aud_vip": True, "_update_existing_only": True}
TRACK = ("POST", "/users/track")
GROUPS = [{"subscription_group_id": "g", "subscription_state": "subscribed"}]


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (("POST", "/email/status"), {"email": ANN, "subscription_state": "subscribed"}),
        (("POST", "/subscription/status/set"), {}),
        (("POST", "/v2/subscription/status/set"), {}),
        (("POST", "/users/delete"), {"external_ids": ["u-1"]}),
        (("POST", "/users/export/segment"), {"segment_id": "x", "fields_to_export": ["email"]}),
        (("POST", "/users/export/ids"), {"external_ids": ["u-1"], "fields_to_export": ["email"]}),
        (("POST", "/users/export/ids"), {"external_ids": ["u-1"]}),
        (("POST", "/partners/x/cohorts/users"), {}),
        (("POST", "/email/bounce/remove"), {"email": ANN}),
        (("POST", "/email/spam/remove"), {"email": ANN}),
        *(
            (TRACK, {"attributes": [{**PERSON, name: value}]})
            for name, value in (
                ("email_subscribe", "opted_in"),
                ("Email_Subscribe", "subscribed"),
                ("push_subscribe", "opted_in"),
                ("subscription_groups", GROUPS),
                ("email_open_tracking_disabled", False),
                ("email_click_tracking_disabled", False),
                ("marked_email_as_spam_at", None),
                ("push_tokens", []),
                ("_merge_objects", True),
                ("email", ANN),
                ("phone", "+15550001"),
                ("braze_id", "f" * 24),
                ("user_alias", {"alias_name": "a", "alias_label": "b"}),
                ("_update_existing_only", False),
                ("_update_existing_only", 1),
            )
        ),
        (TRACK, {"attributes": [{"external_id": "u-1", "aud_vip": True}]}),
        (TRACK, {"attributes": [PERSON, {"external_id": "u-2", "profile": {"email_subscribe": "opted_in"}}]}),
        (TRACK, {"attributes": [PERSON], "events": []}),
        (TRACK, {"events": [{"external_id": "u-1", "name": "x", "time": "2026-11-22"}]}),
        (("POST", "/users/track/bulk"), {"attributes": [{"external_id": "u-1", "aud_vip": True}]}),
        (TRACK, {"subscription_groups": GROUPS}),
    ],
)
def test_what_touches_consent_never_leaves(
    server: Scripted, braze: Any, call: tuple[str, str], body: object
) -> None:
    """Endpoints, fields and values of the deny-list, also where an attribute would smuggle them in."""
    with pytest.raises(ForbiddenRequest):
        braze().ask(*call, body)
    assert not server.seen


def test_nobody_is_made_by_default_of_braze(server: Scripted, braze: Any) -> None:
    """Where people may be made, each object must still say so; an address is no attribute of an id."""
    made = braze(create_missing=True)
    for person in ({"external_id": "u-1", "aud_vip": True}, {**PERSON, "email": ANN}):
        with pytest.raises(ForbiddenRequest):
            made.ask(*TRACK, {"attributes": [person]})
    with pytest.raises(ForbiddenRequest):
        braze(identifier="email").ask(*TRACK, {"attributes": [PERSON]})
    assert not server.seen
