"""The last look at every request before it leaves: nobody's consent is ever touched.

A request passes only if its endpoint is one of the few that an audience sync needs, and if no field that changes
what a person has agreed to, or what is sent to them, is anywhere in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

from connectors.base import Refused

BATCHES = "/batches"
ENDPOINTS = (
    ("GET", re.compile(r"/lists/[^/]+")),
    ("GET", re.compile(r"/lists/[^/]+/tag-search")),
    ("GET", re.compile(r"/lists/[^/]+/segments/[0-9]+")),
    ("POST", re.compile(r"/lists/[^/]+/segments")),
    ("POST", re.compile(r"/lists/[^/]+/segments/[0-9]+")),
    ("PUT", re.compile(r"/lists/[^/]+/members/[0-9a-f]{32}")),
    ("POST", re.compile(BATCHES)),
    ("GET", re.compile(BATCHES + r"/[0-9A-Za-z]+")),
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


class ForbiddenRequest(Refused):
    """This connector was about to do what it must never do. Nothing was sent."""


def check(method: str, path: str, body: object, status_if_new: str) -> None:
    """Raise ForbiddenRequest unless the request is one that may leave."""
    if not any(method == allowed and pattern.fullmatch(path) for allowed, pattern in ENDPOINTS):
        raise ForbiddenRequest(f"Mailchimp: {method} on this endpoint is not part of an audience sync")
    for key, value in _fields(body):
        if key in FORBIDDEN_FIELDS:
            raise ForbiddenRequest(f"Mailchimp: the field {key!r} must never be sent")
        if key == "status_if_new" and (method != "PUT" or value != status_if_new):
            raise ForbiddenRequest("Mailchimp: status_if_new differs from the setting")
    if method == "POST" and path == BATCHES:
        for operation in _operations(body):
            check("PUT", str(operation.get("path")), _read(operation.get("body")), status_if_new)


def _operations(body: object) -> Iterator[dict[str, object]]:
    """A batch's operations, each as strictly looked at as the request it stands for; only upserts of contacts pass."""
    operations = body.get("operations") if isinstance(body, dict) else None
    for operation in operations if isinstance(operations, list) else [None]:
        path = operation.get("path") if isinstance(operation, dict) else None
        if (
            not isinstance(operation, dict)
            or operation.get("method") != "PUT"
            or "/members/" not in str(path)
        ):
            raise ForbiddenRequest("Mailchimp: a batch may only create contacts")
        yield operation


def _read(text: object) -> object:
    try:
        return orjson.loads(text) if isinstance(text, str) else None
    except orjson.JSONDecodeError:
        raise ForbiddenRequest("Mailchimp: a batch's body is no JSON") from None


def _fields(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _fields(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _fields(inner)
