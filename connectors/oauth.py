"""Access tokens that are fetched and renewed: OAuth 2.0 client credentials, and refresh tokens that may rotate.

A credential has one refresher at a time, over threads and processes: whoever needs a new token takes the lock file,
looks whether somebody else has already got one, and only then asks. A rotated refresh token is on disk, synced,
before the access token that came with it is used: otherwise a crash would lose the only key to the account.

What was given is kept sealed in a `TokenStore`, under a digest of the credential. When an operator sets a new refresh
token, that is another credential with a place of its own.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlencode, urlsplit

import orjson
import requests

from connectors.base import AuthFailed, DeliveryError, Refused
from connectors.clock import Clock
from connectors.settings import checked_base_url
from connectors.token_store import Seal, TokenFolder, TokenStore
from connectors.wire import Answer, NoAnswer, NotSent, Wire

FORM = "application/x-www-form-urlencoded"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ATTEMPTS = 3
PAUSE_SECONDS = 1.0
EARLY_SECONDS = 30.0
"""A token that ends this soon is renewed before it is used."""
UNTOLD_SECONDS = 600.0
"""Life of a token whose answer does not tell."""
LONGEST_LOCK_SECONDS = 120.0
"""The longest wait for another refresher: more than its own attempts may take."""
LOCK_POLL_SECONDS = 0.05

T = TypeVar("T")


class TokenExpired(AuthFailed):
    """The platform does not take the access token any more. Raised by a connector's judge."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What an operator got from the platform: a refresh token, else a key that signs assertions, else a client."""

    token_url: str
    client_id: str
    client_secret: str
    refresh_token: str | None
    variables: str
    """Names of the settings to look at when the platform refuses it."""
    client_in: Literal["basic", "form"] = "basic"
    """Where the platform wants the client's id and secret."""
    more: tuple[tuple[str, str], ...] = ()
    """Further fields of the form, a scope for example."""
    assertion: Callable[[float], str] | None = None
    """Signs what proves who asks, at a moment in seconds since 1970 (RFC 7523)."""
    user_agent: str = ""

    @property
    def digest(self) -> str:
        """Names the credential without giving anything of it away."""
        # Not the port: a sandbox on another one is the same account, and its rotated tokens must be found again.
        address = urlsplit(self.token_url)
        told = "\n".join((f"{address.hostname}{address.path}", self.client_id, self.refresh_token or ""))
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Texts that no message may hold."""
        return tuple(filter(None, (self.client_secret, self.refresh_token)))

    @property
    def seal(self) -> Seal:
        """What is kept of it is closed with the part that changes last: the digest names that part's place."""
        return Seal(self.refresh_token or self.client_secret)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the platform gave last."""

    access: str
    ends_at: float
    """Seconds since 1970."""
    refresh: str | None
    refresh_ends_at: float | None = None
    """When the refresh token ends, where the platform tells."""


@dataclass(slots=True)
class TokenProvider:
    """The tokens of one credential. Safe to use from any number of threads and processes."""

    credential: Credential
    folder: Path
    name: str
    """What messages call the platform."""
    timeout_seconds: float = 30.0
    clock: Clock = field(default_factory=Clock)
    store: TokenStore | None = None
    """Where tokens are kept; unset: in the folder."""
    _wire: Wire = field(init=False)
    _used: threading.local = field(init=False, default_factory=threading.local)

    def __post_init__(self) -> None:
        self._wire = Wire(
            checked_base_url(self.credential.token_url),
            self._as_client,
            in_flight=1,
            name=self.name,
            connect_seconds=10.0,
            silence_seconds=self.timeout_seconds,
            answer_seconds=self.timeout_seconds,
        )

    def sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Put a living access token into the request's header."""
        self._used.token = self.token()
        request.headers["Authorization"] = f"Bearer {self._used.token}"
        return request

    def token(self) -> str:
        """An access token that is not known to have ended. Raises AuthFailed, or Refused when none can be had now."""
        with self._disk_trouble():
            known = self._read()
        if known is not None and self._lives(known):
            return known.access
        return self._renewed(stale=known.access if known else None)

    def with_renewal(self, send: Callable[[], T]) -> T:
        """What ``send`` returns; when it raises TokenExpired, once more with a new token."""
        try:
            return send()
        except TokenExpired as expired:
            self._renewed(stale=getattr(self._used, "token", None))
            try:
                return send()
            except DeliveryError as error:
                # What happened before the token was refused stays in doubt.
                error.maybe_applied = error.maybe_applied or expired.maybe_applied
                raise

    def refresh_ends_at(self) -> float | None:
        """When the refresh token in use ends, in seconds since 1970, as far as the platform has told."""
        with self._disk_trouble():
            known = self._read()
        return known.refresh_ends_at if known else None

    def close(self) -> None:
        """Close connections."""
        self._wire.session.close()

    def _lives(self, known: Tokens) -> bool:
        return known.ends_at - EARLY_SECONDS > self.clock.now().timestamp()

    # --- renewing ------------------------------------------------------------------------------------------

    def _renewed(self, stale: str | None) -> str:
        """A token other than ``stale``: somebody else's, if they were faster, else a new one."""
        with self._disk_trouble(), self._only_refresher():
            known = self._read()
            if known is not None and known.access != stale and self._lives(known):
                return known.access
            with self._kept.writing(self.credential.digest) as keep:
                fresh = self._fetch(known)
                keep(self.credential.seal.close(_packed(fresh)))
            return fresh.access

    def _fetch(self, known: Tokens | None) -> Tokens:
        refresh = (known.refresh if known else None) or self.credential.refresh_token
        form = self._form(refresh)
        # A refresh may be repeated: if the lost answer held a new token, the old one is refused, and nothing is lost
        # that was not lost already.
        answer = self._asked(urlencode(form).encode())
        given = answer.json if isinstance(answer.json, dict) else {}
        access, seconds = given.get("access_token"), given.get("expires_in")
        if not isinstance(access, str) or not access:
            raise Refused(f"{self.name}: the token endpoint gave no token; nothing was sent")
        lives = float(seconds) if isinstance(seconds, int | float) and seconds > 0 else UNTOLD_SECONDS
        rotated = given.get("refresh_token")
        return Tokens(
            access,
            self.clock.now().timestamp() + max(lives, EARLY_SECONDS + 1),
            rotated if isinstance(rotated, str) and rotated else refresh,
            self._refresh_ends(given.get("refresh_token_expires_in"), known),
        )

    def _form(self, refresh: str | None) -> dict[str, str]:
        credential = self.credential
        form = {"grant_type": "client_credentials"}
        if refresh is not None:
            form = {"grant_type": "refresh_token", "refresh_token": refresh}
        elif credential.assertion is not None:
            form = {
                "grant_type": JWT_BEARER,
                "assertion": credential.assertion(self.clock.now().timestamp()),
            }
        if credential.client_in == "form" and credential.assertion is None:
            form |= {"client_id": credential.client_id, "client_secret": credential.client_secret}
        return form | dict(credential.more)

    def _refresh_ends(self, seconds: object, known: Tokens | None) -> float | None:
        if isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds > 0:
            return self.clock.now().timestamp() + seconds
        return known.refresh_ends_at if known else None

    def _asked(self, form: bytes) -> Answer:
        """The token endpoint's answer. Raises AuthFailed when it refuses, Refused when it does not answer."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._wire.exchange("POST", "", None, form, self.clock, content_type=FORM)
            except (NotSent, NoAnswer) as error:
                why = str(error)
            else:
                if answer.status in (400, 401, 403):
                    raise AuthFailed(
                        f"{self.name}: the credential is refused ({_error_code(answer)});"
                        f" check {self.credential.variables}"
                    )
                if answer.status == 200 and isinstance(answer.json, dict):
                    return answer
                why = f"HTTP {answer.status}"
            if attempt < ATTEMPTS:
                self.clock.sleep(PAUSE_SECONDS * attempt)
        raise Refused(f"{self.name}: no access token ({why}); nothing was sent")

    def _as_client(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self.credential.user_agent:
            request.headers["User-Agent"] = self.credential.user_agent
        if self.credential.client_in == "basic":
            pair = f"{self.credential.client_id}:{self.credential.client_secret}"
            request.headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
        return request

    # --- what is kept --------------------------------------------------------------------------------------

    @property
    def _kept(self) -> TokenStore:
        return self.store or TokenFolder(self.folder)

    @contextmanager
    def _only_refresher(self) -> Iterator[None]:
        """Hold the credential's lock; the operating system frees it when a process dies."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.folder / f"{self.credential.digest}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._take(lock)
            yield
        finally:
            os.close(lock)

    def _take(self, lock: int) -> None:
        # A lock by file description also holds between threads, which each open the file for themselves.
        deadline = time.monotonic() + LONGEST_LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Refused(
                        f"{self.name}: another process has been renewing the access token for too long;"
                        " nothing was sent"
                    ) from None
                time.sleep(LOCK_POLL_SECONDS)
            else:
                return

    def _read(self) -> Tokens | None:
        """What was given last; None when nothing was, or it cannot be read: then the credential decides."""
        sealed = self._kept.read(self.credential.digest)
        opened = self.credential.seal.open(sealed) if sealed else None
        try:
            return _unpacked(opened) if opened else None
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            return None

    @contextmanager
    def _disk_trouble(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise Refused(
                f"{self.name}: access tokens cannot be kept ({type(error).__name__}): is the disk full, or the"
                " token folder not ours to write? Nothing was sent"
            ) from None


def _packed(tokens: Tokens) -> bytes:
    kept = {"access": tokens.access, "ends_at": tokens.ends_at, "refresh": tokens.refresh}
    return orjson.dumps({**kept, "refresh_ends_at": tokens.refresh_ends_at})


def _unpacked(content: bytes) -> Tokens:
    kept = orjson.loads(content)
    return Tokens(str(kept["access"]), float(kept["ends_at"]), kept["refresh"], kept.get("refresh_ends_at"))


def _error_code(answer: Answer) -> str:
    """The code of RFC 6749 section 5.2, if it is one."""
    code = answer.json.get("error") if isinstance(answer.json, dict) else None
    known = (
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
    )
    return code if code in known else f"HTTP {answer.status}"
