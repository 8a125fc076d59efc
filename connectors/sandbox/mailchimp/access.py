"""The API key: how it is sent, and the ten connections it may have at once."""

from __future__ import annotations

import base64
import binascii
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from connectors.sandbox.accounts import SANDBOX_MAILCHIMP_KEY
from connectors.sandbox.mailchimp.errors import INVALID_KEY, MISSING_KEY, Refusal
from connectors.sandbox.switches import Switches
from connectors.sandbox.wire import Call

MAX_CONNECTIONS = 10


def check_key(call: Call, switches: Switches) -> None:
    """Raises Refusal (401) unless the key comes as a basic password or a bearer token and is right."""
    key = _key(call.headers.get("authorization", ""))
    if key is None:
        raise Refusal(MISSING_KEY)
    if switches.mailchimp_key_revoked or not hmac.compare_digest(
        key.encode(), SANDBOX_MAILCHIMP_KEY.encode()
    ):
        raise Refusal(INVALID_KEY)


def _key(authorization: str) -> str | None:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "bearer" and credentials:
        return credentials
    if scheme.lower() != "basic":
        return None
    try:
        _, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return password or None


class Connections:
    """Requests under way for the account's key. A slow answer occupies its connection all the while."""

    def __init__(self) -> None:
        self._under_way = 0
        self._guard = threading.Lock()

    @contextmanager
    def one_more(self) -> Iterator[bool]:
        """Count a request while it is answered; yields whether it is still within the limit."""
        with self._guard:
            self._under_way += 1
            within = self._under_way <= MAX_CONNECTIONS
        try:
            yield within
        finally:
            with self._guard:
                self._under_way -= 1
