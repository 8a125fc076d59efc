"""What may leave for Customer.io: members of manual segments, attributes of people, and reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connectors.consent_guard import Call, ConsentGuard, ForbiddenRequest, Request

BATCH, SEGMENTS, REGION = "/api/v2/batch", "/v1/segments", "/api/v1/accounts/region"
CUSTOMERS, SUPPRESSIONS = "/v1/customers", "/v1/esp/suppression"
UPDATE_ONLY = "_update"
UNSUBSCRIBED: Mapping[str, object] = {"attribute": {"field": "unsubscribed", "operator": "eq", "value": True}}
"""The one search for people that is made."""
CALLS = (
    Call("POST", r"/api/v1/segments/[0-9]+/add_customers"),
    Call("POST", r"/api/v1/segments/[0-9]+/remove_customers"),
    Call("POST", BATCH),
    Call("GET", REGION),
    Call("GET", SEGMENTS),
    Call("POST", SEGMENTS),
    Call("GET", rf"{SEGMENTS}/[0-9]+"),
    Call("GET", rf"{SEGMENTS}/[0-9]+/membership"),
    Call("GET", rf"{SEGMENTS}/[0-9]+/customer_count"),
    Call("POST", CUSTOMERS, {"filter": UNSUBSCRIBED}),
    Call("GET", rf"{SUPPRESSIONS}/(bounces|spam_reports)"),
)
IDENTIFY = "identify a person"
"""What the guard calls an item of a batch; others are refused."""

FORBIDDEN_FIELDS = frozenset(
    {
        "unsubscribed",  # anything but true subscribes
        "cio_subscription_preferences",  # the same by topic
        "anonymous_id",  # merges people
        "primary",
        "secondary",
        "cio_relationships",
        "devices",
    }
)
NAMES_OF_PEOPLE = frozenset({"id", "email", "cio_id"})
"""Attributes that say who somebody is: setting them makes somebody else of them."""


def guard(*, create_missing: bool) -> ConsentGuard:
    """The guard of a workspace; unless people are to be created, every person of a batch is only updated."""
    must = {} if create_missing else {UPDATE_ONLY: True}
    return ConsentGuard(
        "Customer.io",
        (*CALLS, Call(IDENTIFY, "", must)),
        FORBIDDEN_FIELDS,
        {UPDATE_ONLY: frozenset({True})},
        _packed,
        ("cio_subscription_preferences.",),
    )


def _packed(request: Request) -> Iterator[Request]:
    """The people of a batch, each with the attributes that are to be set."""
    if request.path != BATCH:
        return
    items = request.body.get("batch") if isinstance(request.body, dict) else None
    for item in items if isinstance(items, list) else [None]:
        if (
            not isinstance(item, dict)
            or (item.get("type"), item.get("action")) != ("person", "identify")
            or not set(item) <= {"type", "action", "identifiers", "attributes"}
        ):
            raise ForbiddenRequest("Customer.io: a batch may only set attributes of people")
        attributes = item.get("attributes")
        named = NAMES_OF_PEOPLE & set(attributes if isinstance(attributes, dict) else ())
        if named:
            raise ForbiddenRequest(f"Customer.io: the attribute {min(named)!r} says who somebody is")
        yield Request(IDENTIFY, "", attributes)
