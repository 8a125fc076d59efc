"""The platforms' own words for the refusals that faults ask for."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from connectors.sandbox.faults.rules import RateLimited, Refuse
from connectors.sandbox.mailchimp.errors import (
    INTERNAL_ERROR,
    INVALID_KEY,
    NOT_FOUND,
    TOO_MANY_CONNECTIONS,
    Problem,
)
from connectors.sandbox.meta import errors as meta
from connectors.sandbox.meta.errors import GraphError, missing_object, rate_limited
from connectors.sandbox.practice import errors as practice
from connectors.sandbox.practice.errors import PracticeError
from connectors.sandbox.wire import Call, Platform, Reply

LONGEST_DATE = timedelta(days=365 * 1000)

HTML_PAGE = b"""<!DOCTYPE html>
<html><head><title>Service Unavailable</title></head>
<body><h1>Request Blocked</h1><p>The server is temporarily unable to service your request.</p></body></html>
"""


def throttled(rule: RateLimited) -> Reply:
    """The platform's rate-limit answer, with the header that the rule asks for."""
    reply = _too_many(rule.platform, rule.status, rule.code)
    if rule.retry_after is None:
        return reply
    return _with_retry_after(reply, rule.retry_after, as_date=rule.as_date)


def quota_gone(platform: Platform, seconds: float) -> Reply:
    """The day's requests are spent; ``seconds`` until there are new ones."""
    practising = platform is Platform.PRACTICE
    reply = practice.QUOTA_SPENT.reply() if practising else _too_many(platform, 429, 80003)
    return _with_retry_after(reply, math.ceil(seconds), as_date=False)


def _too_many(platform: Platform, status: int, code: int) -> Reply:
    match platform:
        case Platform.META:
            return replace(rate_limited(code), status=status).reply()
        case Platform.MAILCHIMP:
            return replace(TOO_MANY_CONNECTIONS, status=status).reply()
        case Platform.PRACTICE:
            return replace(practice.TOO_MANY_REQUESTS, status=status).reply()


def _with_retry_after(reply: Reply, seconds: float, *, as_date: bool) -> Reply:
    """Retry-After as seconds, or as a date by the real clock, which is the caller's too."""
    value = str(int(seconds)) if seconds == int(seconds) else f"{seconds:g}"
    if as_date:
        wait = timedelta(seconds=min(seconds, LONGEST_DATE.total_seconds()))
        value = format_datetime(datetime.now(UTC) + wait, usegmt=True)
    return replace(reply, headers={**reply.headers, "Retry-After": value})


def server_error(platform: Platform, status: int) -> Reply:
    """An error of the platform's own making."""
    match platform:
        case Platform.META:
            message = "An unexpected error has occurred. Please retry your request later."
            return GraphError(2, message, status=status, is_transient=True).reply()
        case Platform.MAILCHIMP:
            return replace(INTERNAL_ERROR, status=status).reply()
        case Platform.PRACTICE:
            return replace(practice.SERVER_ERROR, status=status).reply()


def error_in_success(platform: Platform, code: int) -> Reply:
    """An error body under HTTP 200."""
    match platform:
        case Platform.META:
            message = "Service temporarily unavailable"
            return GraphError(code, message, status=200, is_transient=True).reply()
        case Platform.MAILCHIMP:
            return replace(INTERNAL_ERROR.reply(), status=200)
        case Platform.PRACTICE:
            return practice.SERVER_ERROR.reply(hidden=True)


def expired(platform: Platform) -> Reply:
    """The credential no longer works."""
    match platform:
        case Platform.META:
            return meta.EXPIRED_TOKEN.reply()
        case Platform.MAILCHIMP:
            return INVALID_KEY.reply()
        case Platform.PRACTICE:
            return practice.EXPIRED_TOKEN.reply()


def gone(call: Call) -> Reply:
    """The audience does not exist."""
    match call.platform:
        case Platform.META:
            nodes = [part for part in call.path.split("/") if part.isdecimal()]
            return missing_object(nodes[0] if nodes else "0", call.method).reply()
        case Platform.MAILCHIMP:
            return NOT_FOUND.reply()
        case Platform.PRACTICE:
            return practice.NO_AUDIENCE.reply()


def flagged() -> Reply:
    """Meta: the audience can't be edited."""
    return meta.FLAGGED.reply()


def terms_not_accepted(platform: Platform) -> Reply:
    """Terms first."""
    if platform is Platform.PRACTICE:
        return practice.TERMS_NOT_ACCEPTED.reply()
    return meta.TERMS_NOT_ACCEPTED.reply()


def refused(rule: Refuse) -> Reply:
    """A refusal by its numbers."""
    match rule.platform:
        case Platform.META:
            return GraphError(
                rule.code,
                f"(#{rule.code}) Refused",
                rule.subcode,
                status=rule.status,
                is_transient=rule.is_transient,
            ).reply()
        case Platform.MAILCHIMP:
            return Problem(rule.status, rule.title, "The request was refused.").reply()
        case Platform.PRACTICE:
            return PracticeError(rule.status, rule.title, "The request was refused.").reply()
