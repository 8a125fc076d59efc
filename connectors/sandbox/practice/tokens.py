"""How the practice platform gives out and checks tokens."""

from __future__ import annotations

import sqlite3

from connectors.sandbox.accounts import (
    SANDBOX_PRACTICE_CLIENT_ID,
    SANDBOX_PRACTICE_CLIENT_SECRET,
    SANDBOX_PRACTICE_REFRESH_TOKEN,
    SANDBOX_PRACTICE_TOKEN,
)
from connectors.sandbox.practice.errors import BAD_TOKEN, EXPIRED_TOKEN, NO_TOKEN, PracticeRefusal
from connectors.sandbox.switches import Switches
from connectors.sandbox.tokens import TokenDesk, bearer
from connectors.sandbox.wire import Call, Platform, Reply

DESK = TokenDesk(
    Platform.PRACTICE,
    SANDBOX_PRACTICE_CLIENT_ID,
    SANDBOX_PRACTICE_CLIENT_SECRET,
    SANDBOX_PRACTICE_REFRESH_TOKEN,
    SANDBOX_PRACTICE_TOKEN,
)


def check(db: sqlite3.Connection, call: Call, switches: Switches) -> None:
    """Raises PracticeRefusal (401) unless the call carries the account's own token or a living one given out."""
    token = bearer(call)
    if token is None:
        raise PracticeRefusal(NO_TOKEN)
    state = "unknown" if switches.practice_token_revoked else DESK.state_of(db, token)
    if state != "living":
        raise PracticeRefusal(EXPIRED_TOKEN if state == "ended" else BAD_TOKEN)


def give_out(db: sqlite3.Connection, call: Call, switches: Switches) -> Reply:
    """``POST /oauth/token``: client credentials, or a refresh token, which is replaced."""
    return DESK.give_out(
        db,
        call,
        seconds=switches.practice_token_seconds,
        revoked=switches.practice_token_revoked,
        grace=switches.practice_refresh_grace_seconds,
    )
