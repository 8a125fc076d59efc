"""What Iterable's errors lead to, and what never leaves for it."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from connectors.base import (
    ActionNeeded,
    AudienceGone,
    AuthFailed,
    DeliveryError,
    QuotaExhausted,
    Refused,
    RowsRefused,
    Uncertain,
    Window,
)
from connectors.consent_guard import ForbiddenRequest
from connectors.testing import FastTime
from tests.connectors.iterable_project import ANN, BOB, LIST, opened, project, rows, took
from tests.connectors.oauth_account import batch
from tests.connectors.server import Reply, Scripted


@pytest.fixture
def iterable(server: Scripted, time: FastTime) -> Any:
    """Makes connectors with other settings."""
    return partial(opened, server, time)


@pytest.mark.parametrize(
    ("status", "code", "consequence"),
    [
        (400, "BadParams", Refused),
        (200, "BadParams", Refused),
        (200, "DatabaseError", Uncertain),
        (400, "BadJsonBody", Refused),
        (400, "BatchTooLarge", Refused),
        (413, "", Refused),
        (401, "BadApiKey", AuthFailed),
        (401, "BadAuthorizationHeader", AuthFailed),
        (401, "Unauthorized", AuthFailed),
        (401, "Success", AuthFailed),
        (401, "InvalidJwtPayload", AuthFailed),
        (401, "JwtUserIdentifiersMismatched", AuthFailed),
        (403, "Forbidden", AuthFailed),
        (403, "ForbiddenParamsError", AuthFailed),
        (403, "", AuthFailed),
        (404, "NotFound", AudienceGone),
        (409, "", Uncertain),
        (400, "DatabaseError", Uncertain),
        (400, "GenericError", Refused),
        (500, "GenericError", Uncertain),
        (503, "Success", Uncertain),
        (400, "ForgottenUserError", RowsRefused),
        (400, "InvalidEmailAddressError", RowsRefused),
        (400, "InvalidUserIdError", RowsRefused),
        (400, "UnknownEmailError", RowsRefused),
        (400, "UnknownUserIdError", RowsRefused),
        (400, "EmailAlreadyExists", RowsRefused),
        (400, "UserIdAlreadyExists", RowsRefused),
        (409, "ExternalKeyConflict", RowsRefused),
        (400, "QueueEmailError", Refused),
        (400, "RequestFieldsTypesMismatched", ActionNeeded),
        (400, "UniqueFieldsLimitExceeded", ActionNeeded),
        (429, "RateLimitExceeded", QuotaExhausted),
    ],
)
def test_every_error_has_its_consequence(
    server: Scripted, iterable: Any, status: int, code: str, consequence: type[DeliveryError]
) -> None:
    """Each code and status raises what must happen next, and quotes nobody; the status wins over "Success"."""
    project(server, Reply(status, {"msg": f"{ANN} (Ann@Example.com)", "code": code, "params": None}))
    with pytest.raises(consequence) as failed:
        iterable().add(LIST, rows(ANN), batch("add", 1))
    assert type(failed.value).__name__ in (consequence.__name__, "TokenExpired")
    assert not [word for word in ("ann@", "Ann@", "key-1") if word in str(failed.value)]
    if consequence is AuthFailed:
        assert "TURNOUT_ITERABLE_API_KEY" in str(failed.value)


def test_a_limit_says_when_it_ends(server: Scripted, time: FastTime, iterable: Any) -> None:
    """In the body alone: seconds until the project takes more."""
    params = {"rateLimitLimit": 5, "rateLimitRemaining": 0, "rateLimitReset": 11}
    left = [Reply(429, {"msg": "slow", "code": "RateLimitExceeded", "params": params}), took(1)]
    server.script = lambda seen: left.pop(0)
    iterable().remove(LIST, rows(ANN), batch("remove", 1))
    assert 11 <= sum(time.pauses) < 12


def test_limits_are_the_sheets(iterable: Any) -> None:
    """A thousand users a request, five requests a second, two at once."""
    limits = iterable().limits
    assert (limits.max_rows, limits.max_in_flight) == (1_000, 2)
    assert [(window.requests, window.per.total_seconds()) for window in limits.windows] == [(5, 1)]
    assert iterable(requests_per_second=50).limits.windows == (Window(50, limits.windows[0].per),)


USERS: dict[str, object] = {"listId": 1, "subscribers": [{"email": ANN}]}
SMUGGLED: list[dict[str, object]] = [
    {"email": ANN, "dataFields": {"emailListIds": [1]}},
    {"email": ANN, "dataFields": {"unsubscribedChannelIds": []}},
    {"email": ANN, "dataFields": {"UnsubscribedMessageTypeIds": []}},
    {"email": ANN, "dataFields": {"subscribedMessageTypeIds": [9]}},
    {"email": ANN, "dataFields": {"channelUnsubscribe": True}},
    {"email": ANN, "dataFields": {"email": BOB}},
    {"email": ANN, "dataFields": {"userId": "u-1"}},
    {"userId": "u-1", "preferUserId": True},
]
ADD, REMOVE = ("POST", "/api/lists/subscribe"), ("POST", "/api/lists/unsubscribe")


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (("POST", "/api/users/updateSubscriptions"), {"email": ANN}),
        (("POST", "/api/users/bulkUpdateSubscriptions"), {"updateSubscriptionsRequests": []}),
        (("PUT", "/api/subscriptions/emailList/1"), {}),
        (("PUT", "/api/subscriptions/messageChannel/1/user/a"), {}),
        (("POST", "/api/users/forget"), {"email": ANN}),
        (("DELETE", f"/api/users/{ANN}"), None),
        (("DELETE", "/api/users/byUserId/u-1"), None),
        (("DELETE", "/api/lists/1"), None),
        (("POST", "/api/users/update"), {"email": ANN}),
        (("POST", "/api/users/bulkUpdate"), {"users": []}),
        (REMOVE, USERS),
        (REMOVE, {**USERS, "channelUnsubscribe": True}),
        (REMOVE, {**USERS, "channelUnsubscribe": None}),
        (REMOVE, {**USERS, "channelUnsubscribe": False, "campaignId": 7}),
        (ADD, USERS),
        (ADD, {**USERS, "updateExistingUsersOnly": False}),
        *((ADD, {**USERS, "updateExistingUsersOnly": True, "subscribers": [one]}) for one in SMUGGLED),
        (ADD, {**USERS, "updateExistingUsersOnly": True, "createNewFields": True}),
    ],
)  # fmt: skip
def test_what_touches_consent_never_leaves(
    server: Scripted, iterable: Any, call: tuple[str, str], body: object
) -> None:
    """Endpoints, fields and values of the deny-list, also where an attribute would smuggle them in."""
    with pytest.raises(ForbiddenRequest):
        iterable().ask(*call, body)
    assert not server.seen
