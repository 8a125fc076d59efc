"""The platforms' own words for the refusals that faults ask for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from connectors.sandbox.faults.rules import RateLimited, Refuse
from connectors.sandbox.mailchimp.errors import INVALID_KEY, NOT_FOUND, TOO_MANY_CONNECTIONS, Problem
from connectors.sandbox.meta.errors import (
    EXPIRED_TOKEN,
    FLAGGED,
    TERMS_NOT_ACCEPTED,
    GraphError,
    missing_object,
    rate_limited,
)
from connectors.sandbox.wire import Call, Platform, Reply

LONGEST_DATE = timedelta(days=365 * 1000)

HTML_PAGE = b"""<!DOCTYPE html>
<html><head><title>Service Unavailable</title></head>
<body><h1>Request Blocked</h1><p>The server is temporarily unable to service your request.</p></body></html>
"""


def throttled(rule: RateLimited) -> Reply:
    """The platform's rate-limit answer, with the header that the rule asks for."""
    if rule.platform is Platform.META:
        reply = replace(rate_limited(rule.code), status=rule.status).reply()
    else:
        reply = replace(TOO_MANY_CONNECTIONS, status=rule.status).reply()
    if rule.retry_after is None:
        return reply
    return replace(
        reply, headers={**reply.headers, "Retry-After": _retry_after(rule.retry_after, rule.as_date)}
    )


def _retry_after(seconds: float, as_date: bool) -> str:
    if not as_date:
        return f"{seconds:g}" if seconds < 1e6 else str(int(seconds))
    wait = min(timedelta(seconds=min(seconds, LONGEST_DATE.total_seconds())), LONGEST_DATE)
    return format_datetime(datetime.now(UTC) + wait, usegmt=True)


def server_error(platform: Platform, status: int) -> Reply:
    """An error of the platform's own making."""
    if platform is Platform.META:
        message = "An unexpected error has occurred. Please retry your request later."
        return GraphError(2, message, status=status, is_transient=True).reply()
    return Problem(status, "Internal Server Error", "An unexpected internal error has occurred.").reply()


def error_in_success(platform: Platform, code: int) -> Reply:
    """An error body under HTTP 200."""
    if platform is Platform.META:
        return GraphError(code, "Service temporarily unavailable", status=200, is_transient=True).reply()
    return replace(
        Problem(500, "Internal Server Error", "An unexpected internal error has occurred.").reply(),
        status=200,
    )


def expired(platform: Platform) -> Reply:
    """The credential no longer works."""
    return EXPIRED_TOKEN.reply() if platform is Platform.META else INVALID_KEY.reply()


def gone(call: Call) -> Reply:
    """The audience does not exist."""
    if call.platform is Platform.META:
        nodes = [part for part in call.path.split("/") if part.isdecimal()]
        return missing_object(nodes[0] if nodes else "0", call.method).reply()
    return NOT_FOUND.reply()


def flagged() -> Reply:
    """Meta: the audience can't be edited."""
    return FLAGGED.reply()


def terms_not_accepted() -> Reply:
    """Meta: terms first."""
    return TERMS_NOT_ACCEPTED.reply()


def refused(rule: Refuse) -> Reply:
    """A refusal by its numbers."""
    if rule.platform is Platform.META:
        return GraphError(
            rule.code,
            f"(#{rule.code}) Refused",
            rule.subcode,
            status=rule.status,
            is_transient=rule.is_transient,
        ).reply()
    return Problem(rule.status, rule.title, "The request was refused.").reply()
