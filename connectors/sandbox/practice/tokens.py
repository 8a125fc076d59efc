"""OAuth: access tokens that expire, and refresh tokens of which each refresh makes a new one (RFC 6749)."""

from __future__ import annotations

import hmac
import secrets
import sqlite3
from base64 import b64decode
from binascii import Error as NotBase64
from urllib.parse import parse_qsl

from connectors.sandbox import clock
from connectors.sandbox.accounts import (
    SANDBOX_PRACTICE_CLIENT_ID,
    SANDBOX_PRACTICE_CLIENT_SECRET,
    SANDBOX_PRACTICE_REFRESH_TOKEN,
    SANDBOX_PRACTICE_TOKEN,
)
from connectors.sandbox.practice.errors import BAD_TOKEN, EXPIRED_TOKEN, NO_TOKEN, PracticeRefusal
from connectors.sandbox.switches import Switches
from connectors.sandbox.wire import Call, Json, Reply, json_reply

REFRESH_SECONDS = 60 * 86_400
"""A refresh token that nobody uses ends after this long."""
FORM = "application/x-www-form-urlencoded"


def check(db: sqlite3.Connection, call: Call, switches: Switches) -> None:
    """Raises PracticeRefusal (401) unless the call carries the account's own token or a living one given out."""
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not token:
        raise PracticeRefusal(NO_TOKEN)
    if switches.practice_token_revoked:
        raise PracticeRefusal(BAD_TOKEN)
    if hmac.compare_digest(token.encode(), SANDBOX_PRACTICE_TOKEN.encode()):
        return
    row = db.execute(
        "select expires_at from practice_tokens where token = ? and kind = 'access'", (token,)
    ).fetchone()
    if row is None:
        raise PracticeRefusal(BAD_TOKEN)
    if row["expires_at"] <= clock.now(db):
        raise PracticeRefusal(EXPIRED_TOKEN)


def give_out(db: sqlite3.Connection, call: Call, switches: Switches) -> Reply:
    """``POST /oauth/token``: client credentials, or a refresh token, which is replaced."""
    if call.method != "POST":
        return _error("invalid_request", 405)
    if call.headers.get("content-type", "").partition(";")[0].strip() != FORM:
        return _error("invalid_request")
    if not _is_client(call):
        return _error("invalid_client", 401)
    form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
    match form.get("grant_type"):
        case "client_credentials" if set(form) == {"grant_type"} and not switches.practice_token_revoked:
            return _granted(db, switches, {})
        case "refresh_token" if set(form) == {"grant_type", "refresh_token"}:
            if switches.practice_token_revoked or not _spend(db, form["refresh_token"], switches):
                return _error("invalid_grant")
            return _granted(db, switches, {"refresh_token": _new(db, "refresh", REFRESH_SECONDS)})
        case "client_credentials" if switches.practice_token_revoked:
            return _error("unauthorized_client")
    return _error("unsupported_grant_type")


def rotate_all(db: sqlite3.Connection) -> str:
    """Replace every refresh token, as if somebody else had used it; returns the only one that works now."""
    _seed(db)
    db.execute("update practice_tokens set replaced_at = 0 where kind = 'refresh' and replaced_at is null")
    return _new(db, "refresh", REFRESH_SECONDS)


def expire_all(db: sqlite3.Connection) -> None:
    """End every access token that was given out."""
    db.execute("update practice_tokens set expires_at = 0 where kind = 'access'")


def _granted(db: sqlite3.Connection, switches: Switches, more: dict[str, Json]) -> Reply:
    seconds = switches.practice_token_seconds
    token = _new(db, "access", seconds)
    content: dict[str, Json] = {"access_token": token, "token_type": "Bearer", "expires_in": seconds, **more}
    return json_reply(content, outcome="token given out")


def _spend(db: sqlite3.Connection, token: str, switches: Switches) -> bool:
    """Whether the refresh token works; from now on, or after its grace, it does not any more."""
    _seed(db)
    now = clock.now(db)
    row = db.execute(
        "select * from practice_tokens where token = ? and kind = 'refresh' and expires_at > ?", (token, now)
    ).fetchone()
    if row is None:
        return False
    if row["replaced_at"] is not None:
        return bool(now - row["replaced_at"] < switches.practice_refresh_grace_seconds)
    db.execute("update practice_tokens set replaced_at = ? where token = ?", (now, token))
    return True


def _seed(db: sqlite3.Connection) -> None:
    """The refresh token that a person got by consenting, before any refresh."""
    db.execute(
        "insert or ignore into practice_tokens values (?, 'refresh', ?, null)",
        (SANDBOX_PRACTICE_REFRESH_TOKEN, clock.now(db) + REFRESH_SECONDS),
    )


def _new(db: sqlite3.Connection, kind: str, seconds: float) -> str:
    token = f"practice-{kind}-{secrets.token_urlsafe(24)}"
    db.execute("insert into practice_tokens values (?, ?, ?, null)", (token, kind, clock.now(db) + seconds))
    return token


def _is_client(call: Call) -> bool:
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    try:
        sent = b64decode(encoded, validate=True)
    except (NotBase64, ValueError):
        return False
    expected = f"{SANDBOX_PRACTICE_CLIENT_ID}:{SANDBOX_PRACTICE_CLIENT_SECRET}".encode()
    return scheme == "Basic" and hmac.compare_digest(sent, expected)


def _error(code: str, status: int = 400) -> Reply:
    """RFC 6749 section 5.2."""
    return json_reply({"error": code}, status=status, outcome=f"refused: {code}")
