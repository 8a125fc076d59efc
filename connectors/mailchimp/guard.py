"""What may leave for Mailchimp: tags, and contacts whose status is set only when they are new."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from connectors.consent_guard import Call, ConsentGuard, ForbiddenRequest, Request, fields_in

BATCHES = "/batches"
UNREACHABLE = ("unsubscribed", "cleaned")
"""Statuses of those whom Mailchimp writes to no more, which may be asked for and never set."""
CALLS = (
    Call("GET", r"/lists/[^/]+"),
    Call("GET", r"/lists/[^/]+/tag-search"),
    Call("GET", r"/lists/[^/]+/members", asks={"status": frozenset(UNREACHABLE)}),
    Call("GET", r"/lists/[^/]+/segments/[0-9]+"),
    Call("GET", r"/lists/[^/]+/segments/[0-9]+/members"),
    Call("POST", r"/lists/[^/]+/segments"),
    Call("POST", r"/lists/[^/]+/segments/[0-9]+"),
    Call("PUT", r"/lists/[^/]+/members/[0-9a-f]{32}"),
    Call("POST", BATCHES),
    Call("GET", BATCHES + r"/[0-9A-Za-z]+"),
)
"""All that is ever called. Batch subscribe (``POST /lists/{id}``), archiving, permanent deletion are not."""

FORBIDDEN_FIELDS = frozenset(
    {
        "status",  # overwrites a person's state: may resubscribe
        "update_existing",  # the same, for whole batches
        "sync_tags",  # replaces tags that are not ours
        "marketing_permissions",
        "interests",
        "vip",
        "email_type",
        "sms_subscription_status",
        "timestamp_signup",
        "timestamp_opt",
        "ip_signup",
        "ip_opt",
        "conditions",
        "options",
    }
)


def guard(status_if_new: str) -> ConsentGuard:
    """The guard of a list whose new contacts get this status."""
    return ConsentGuard(
        "Mailchimp",
        CALLS,
        FORBIDDEN_FIELDS,
        only={"status_if_new": frozenset({status_if_new})},
        packed=_packed,
    )


def _packed(request: Request) -> Iterator[Request]:
    """A batch's operations, of which only upserts of contacts pass; they alone may say what becomes of new ones."""
    if request.method != "PUT" and any(name == "status_if_new" for name, _ in fields_in(request.body)):
        raise ForbiddenRequest("Mailchimp: the field 'status_if_new' belongs to one contact's upsert")
    if (request.method, request.path) != ("POST", BATCHES):
        return
    operations = request.body.get("operations") if isinstance(request.body, dict) else None
    for operation in operations if isinstance(operations, list) else [None]:
        path = operation.get("path") if isinstance(operation, dict) else None
        if (
            not isinstance(operation, dict)
            or operation.get("method") != "PUT"
            or "/members/" not in str(path)
        ):
            raise ForbiddenRequest("Mailchimp: a batch may only create contacts")
        yield Request("PUT", str(path), _read(operation.get("body")))


def _read(text: object) -> object:
    try:
        return orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError:
        raise ForbiddenRequest("Mailchimp: a batch's body is no JSON") from None
