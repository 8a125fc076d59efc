"""The platforms' own words for the refusals that faults ask for."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
from connectors.sandbox.registry import PLAYED
from connectors.sandbox.wire import Platform, Reply
from connectors.sandbox.words import Words

LONGEST_DATE = timedelta(days=365 * 1000)

HTML_PAGE = b"""<!DOCTYPE html>
<html><head><title>Service Unavailable</title></head>
<body><h1>Request Blocked</h1><p>The server is temporarily unable to service your request.</p></body></html>
"""


RATE_CODE = 80003
"""Meta's code of a rate limit that is the audiences' own."""


class MetaWords(Words):
    """Graph errors."""

    def too_many(self, status: int = 429, code: int = RATE_CODE) -> Reply:
        """A rate-limit code."""
        return replace(rate_limited(code), status=status).reply()

    def server_error(self, status: int = 500) -> Reply:
        """Code 2."""
        message = "An unexpected error has occurred. Please retry your request later."
        return GraphError(2, message, status=status, is_transient=True).reply()

    def error_in_success(self, code: int = 2) -> Reply:
        """A chosen code under HTTP 200."""
        return GraphError(code, "Service temporarily unavailable", status=200, is_transient=True).reply()

    def signed_out(self, *, expired: bool) -> Reply:
        """Code 190 with the subcode of an expired token."""
        return meta.EXPIRED_TOKEN.reply()

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """Code 100, subcode 33."""
        return missing_object(audience_id or "0", method).reply()

    def terms(self) -> Reply:
        """Subcode 1870090."""
        return meta.TERMS_NOT_ACCEPTED.reply()

    def refused(self, status: int, code: str, message: str) -> Reply:
        """A code by its number."""
        return GraphError(int(code), message, status=status).reply()


class MailchimpWords(Words):
    """Problem documents."""

    def too_many(self, status: int = 429, code: int = 0) -> Reply:
        """Too many connections."""
        return replace(TOO_MANY_CONNECTIONS, status=status).reply()

    def server_error(self, status: int = 500) -> Reply:
        """An internal error."""
        return replace(INTERNAL_ERROR, status=status).reply()

    def error_in_success(self, code: int = 0) -> Reply:
        """The internal error's document, whose own status stays."""
        return replace(INTERNAL_ERROR.reply(), status=200)

    def signed_out(self, *, expired: bool) -> Reply:
        """The key is not valid."""
        return INVALID_KEY.reply()

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """Not found."""
        return NOT_FOUND.reply()

    def refused(self, status: int, code: str, message: str) -> Reply:
        """A title."""
        return Problem(status, code, message).reply()


class PracticeWords(Words):
    """Codes in words."""

    def too_many(self, status: int = 429, code: int = 0) -> Reply:
        """Too many requests."""
        return replace(practice.TOO_MANY_REQUESTS, status=status).reply()

    def quota_spent(self) -> Reply:
        """Its own code."""
        return practice.QUOTA_SPENT.reply()

    def server_error(self, status: int = 500) -> Reply:
        """An internal error."""
        return replace(practice.SERVER_ERROR, status=status).reply()

    def error_in_success(self, code: int = 0) -> Reply:
        """The same under HTTP 200."""
        return practice.SERVER_ERROR.reply(hidden=True)

    def signed_out(self, *, expired: bool) -> Reply:
        """An ended or an unknown token."""
        return (practice.EXPIRED_TOKEN if expired else practice.BAD_TOKEN).reply()

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """No such audience."""
        return practice.NO_AUDIENCE.reply()

    def terms(self) -> Reply:
        """Terms first."""
        return practice.TERMS_NOT_ACCEPTED.reply()

    def refused(self, status: int, code: str, message: str) -> Reply:
        """Any code."""
        return PracticeError(status, code, message).reply()


WORDS: Mapping[Platform, Words] = {
    Platform.META: MetaWords(),
    Platform.MAILCHIMP: MailchimpWords(),
    Platform.PRACTICE: PracticeWords(),
    **{platform: played.words for platform, played in PLAYED.items()},
}


def throttled(rule: RateLimited) -> Reply:
    """The platform's rate-limit answer, with the header that the rule asks for."""
    reply = WORDS[rule.platform].too_many(rule.status, rule.code)
    if rule.retry_after is None:
        return reply
    return _with_retry_after(reply, rule.retry_after, as_date=rule.as_date)


def quota_gone(platform: Platform, seconds: float) -> Reply:
    """The day's requests are spent; ``seconds`` until there are new ones."""
    return _with_retry_after(WORDS[platform].quota_spent(), math.ceil(seconds), as_date=False)


def _with_retry_after(reply: Reply, seconds: float, *, as_date: bool) -> Reply:
    """Retry-After as seconds, or as a date by the real clock, which is the caller's too."""
    value = str(int(seconds)) if seconds == int(seconds) else f"{seconds:g}"
    if as_date:
        wait = timedelta(seconds=min(seconds, LONGEST_DATE.total_seconds()))
        value = format_datetime(datetime.now(UTC) + wait, usegmt=True)
    return replace(reply, headers={**reply.headers, "Retry-After": value})


def flagged() -> Reply:
    """Meta: the audience can't be edited."""
    return meta.FLAGGED.reply()


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
    return WORDS[rule.platform].refused(rule.status, rule.title, "The request was refused.")
