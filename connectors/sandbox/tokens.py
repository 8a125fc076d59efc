"""OAuth 2.0 by a platform's token endpoint (RFC 6749): access tokens that end, refresh tokens that may rotate."""

from __future__ import annotations

import hmac
import secrets
import sqlite3
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl

from connectors.sandbox import clock
from connectors.sandbox.wire import Call, Json, Platform, Reply, json_reply

REFRESH_SECONDS = 60 * 86_400
FORM = "application/x-www-form-urlencoded"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

TokenState = Literal["living", "unknown", "ended"]


def plain_refusal(code: str, status: int) -> Reply:
    """RFC 6749 section 5.2."""
    return json_reply({"error": code}, status=status, outcome=f"refused: {code}")


@dataclass(frozen=True, slots=True)
class TokenDesk:
    """Where one platform gives out tokens, and asks whether a token is good."""

    platform: Platform
    client_id: str
    client_secret: str
    refresh_token: str
    """As a person got it by consenting, before any refresh."""
    standing: str
    """An access token that never ends, for those who bring their own."""
    client_in: Literal["basic", "form"] = "basic"
    """Where the client's id and secret have to be."""
    rotates: bool = True
    """A refresh gives a new refresh token, and the old one ends."""
    repeats: bool = False
    """Where they do not rotate: the answer holds the refresh token again."""
    grants: frozenset[str] = frozenset({"client_credentials", "refresh_token"})
    also: frozenset[str] = frozenset()
    """Further fields that the form may hold."""
    asserts: Callable[[str, str, float], bool] | None = None
    """Whether a signed assertion is good (RFC 7523) at this address and moment, where that grant is given."""
    refresh_seconds: float = REFRESH_SECONDS
    """A refresh token ends so long after it was given out."""
    besides: Mapping[str, Json] = field(default_factory=dict)
    """What an answer holds besides the tokens, or in the platform's own words."""
    refuse: Callable[[str, int], Reply] = plain_refusal
    """A refusal by the code of RFC 6749 and a status."""

    def state_of(self, db: sqlite3.Connection, token: str) -> TokenState:
        """What an access token is worth now."""
        if hmac.compare_digest(token.encode(), self.standing.encode()):
            return "living"
        row = db.execute(
            "select expires_at from oauth_tokens where platform = ? and token = ? and kind = 'access'",
            (self.platform.value, token),
        ).fetchone()
        if row is None:
            return "unknown"
        return "living" if row["expires_at"] > clock.now(db) else "ended"

    def give_out(
        self, db: sqlite3.Connection, call: Call, *, seconds: float, revoked: bool, grace: float = 0
    ) -> Reply:
        """Answer a call to the token endpoint.

        ``seconds``: how long an access token lives; ``revoked``: nobody gets any; ``grace``: how long a refresh token
        still works after it was replaced.
        """
        if call.method != "POST":
            return self.refuse("invalid_request", 405)
        if call.headers.get("content-type", "").partition(";")[0].strip() != FORM:
            return self.refuse("invalid_request", 400)
        form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        grant = form.get("grant_type", "")
        if grant != JWT_BEARER and not self._is_client(call, form):
            return self.refuse("invalid_client", 401)
        if grant not in self.grants or set(form) - self._fields(grant):
            return self.refuse("unsupported_grant_type", 400)
        if revoked:
            return self.refuse("invalid_grant" if grant == "refresh_token" else "unauthorized_client", 400)
        more: dict[str, Json] = {}
        if grant == "refresh_token":
            if not self._spend(db, form.get("refresh_token", ""), grace):
                return self.refuse("invalid_grant", 400)
            if self.rotates:
                more["refresh_token"] = self._new(db, "refresh", self.refresh_seconds)
            elif self.repeats:
                more["refresh_token"] = form["refresh_token"]
        if grant == JWT_BEARER and not self._is_asserted(db, call, form):
            return self.refuse("invalid_grant", 400)
        token = self._new(db, "access", seconds)
        content: dict[str, Json] = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": seconds,
            **more,
            **self.besides,
        }
        return json_reply(content, outcome="token given out")

    def rotate_all(self, db: sqlite3.Connection) -> str:
        """Replace every refresh token, as if somebody else had used it; returns the only one that works now."""
        self._seed(db)
        db.execute(
            """
            update oauth_tokens
            set replaced_at = 0
            where platform = ? and kind = 'refresh' and replaced_at is null
            """,
            (self.platform.value,),
        )
        return self._new(db, "refresh", self.refresh_seconds)

    def expire_all(self, db: sqlite3.Connection) -> None:
        """End every access token that was given out."""
        db.execute(
            "update oauth_tokens set expires_at = 0 where platform = ? and kind = 'access'",
            (self.platform.value,),
        )

    def _fields(self, grant: str) -> set[str]:
        """Fields that the form of this grant may hold."""
        own = {"refresh_token": {"refresh_token"}, JWT_BEARER: {"assertion"}}.get(grant, set())
        client = {"client_id", "client_secret"} if self.client_in == "form" else set()
        return {"grant_type", *own, *client, *self.also}

    def _is_client(self, call: Call, form: Mapping[str, str]) -> bool:
        expected = f"{self.client_id}:{self.client_secret}".encode()
        if self.client_in == "form":
            sent = f"{form.get('client_id', '')}:{form.get('client_secret', '')}".encode()
            return hmac.compare_digest(sent, expected)
        scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
        try:
            sent = b64decode(encoded, validate=True)
        except (NotBase64, ValueError):
            return False
        return scheme == "Basic" and hmac.compare_digest(sent, expected)

    def _is_asserted(self, db: sqlite3.Connection, call: Call, form: Mapping[str, str]) -> bool:
        address = f"{call.base_url}{call.path}"
        return self.asserts is not None and self.asserts(form.get("assertion", ""), address, clock.now(db))

    def _spend(self, db: sqlite3.Connection, token: str, grace: float) -> bool:
        """Whether the refresh token works; where they rotate, not any more from now on, or after its grace."""
        self._seed(db)
        now = clock.now(db)
        row = db.execute(
            """
            select replaced_at
            from oauth_tokens
            where platform = ? and token = ? and kind = 'refresh' and expires_at > ?
            """,
            (self.platform.value, token, now),
        ).fetchone()
        if row is None:
            return False
        if row["replaced_at"] is not None:
            return bool(now - row["replaced_at"] < grace)
        if self.rotates:
            db.execute(
                "update oauth_tokens set replaced_at = ? where platform = ? and token = ?",
                (now, self.platform.value, token),
            )
        return True

    def _seed(self, db: sqlite3.Connection) -> None:
        """The refresh token that a person got by consenting, before any refresh."""
        db.execute(
            "insert or ignore into oauth_tokens values (?, ?, 'refresh', ?, null)",
            (self.platform.value, self.refresh_token, clock.now(db) + self.refresh_seconds),
        )

    def _new(self, db: sqlite3.Connection, kind: str, seconds: float) -> str:
        token = f"{self.platform.value}-{kind}-{secrets.token_urlsafe(24)}"
        db.execute(
            "insert into oauth_tokens values (?, ?, ?, ?, null)",
            (self.platform.value, token, kind, clock.now(db) + seconds),
        )
        return token


def bearer(call: Call) -> str | None:
    """The bearer token that a call carries."""
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    return token if scheme == "Bearer" and token else None
