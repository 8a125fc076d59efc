"""One request over the wire: bounded in time and size, and honest about whether it had left when it failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
import urllib3
from requests.adapters import HTTPAdapter

from connectors.base import ActionNeeded
from connectors.clock import Clock
from connectors.public_only import PrivateAddress, PublicOnlyAdapter
from connectors.quiet_logs import keep_people_out
from connectors.settings import is_loopback

MAX_BODY = 8 * 1024 * 1024
"""Bytes of an answer that are read; no platform's honest answer to a batch is larger."""
CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """A platform's complete answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's JSON value, None when it is empty or no JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None


class NotSent(Exception):
    """No connection came about: the platform knows nothing of the request."""


class NoAnswer(Exception):
    """The request left, and nothing that can be relied on came back."""


@dataclass(slots=True)
class Wire:
    """A pooled session to one address."""

    base_url: str
    authorise: Callable[[requests.PreparedRequest], requests.PreparedRequest]
    in_flight: int
    name: str
    connect_seconds: float
    silence_seconds: float
    answer_seconds: float
    session: requests.Session = field(init=False)

    def __post_init__(self) -> None:
        keep_people_out()
        self.session = requests.Session()
        # A credential in .netrc must not replace ours, and a proxy must not see what stays on this machine.
        self.session.auth = self.authorise
        local = is_loopback(self.base_url)
        self.session.trust_env = not local
        # Uncompressed, so that what is bounded is what arrives.
        self.session.headers.update(
            {"User-Agent": "turnout", "Accept": "application/json", "Accept-Encoding": "identity"}
        )
        kind = HTTPAdapter if local else PublicOnlyAdapter
        adapter = kind(pool_connections=1, pool_maxsize=self.in_flight, max_retries=0, pool_block=True)
        for scheme in ("https://", "http://"):
            self.session.mount(scheme, adapter)

    def exchange(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        content: bytes | None,
        clock: Clock,
        content_type: str = "application/json",
    ) -> Answer:
        """Send and read once. Raises NotSent, NoAnswer, or ActionNeeded for a certificate that is not valid."""
        headers = {} if content is None else {"Content-Type": content_type}
        started = clock.monotonic()
        try:
            with self.session.request(
                method,
                self.base_url + path,
                params=params,
                data=content,
                headers=headers,
                timeout=(self.connect_seconds, self.silence_seconds),
                allow_redirects=False,  # a credential must not travel to another host
                stream=True,
            ) as response:
                return Answer(response.status_code, response.headers, self._bounded(response, started, clock))
        except PrivateAddress:
            raise ActionNeeded(
                f"{self.name}: {urlsplit(self.base_url).hostname} leads to an address inside a private network; "
                "nothing was sent"
            ) from None
        except requests.exceptions.SSLError:
            raise ActionNeeded(
                f"{self.name}: the certificate of {urlsplit(self.base_url).hostname} is not valid; nothing was sent"
            ) from None
        except requests.exceptions.RequestException as error:
            raise self._fault(error) from None
        except urllib3.exceptions.HTTPError as error:
            raise NoAnswer(f"the answer broke off ({type(error).__name__})") from None

    def _fault(self, error: requests.exceptions.RequestException) -> NotSent | NoAnswer:
        """Whether the request had left when it failed. The library's own text is dropped: it may quote the URL."""
        reason = getattr(error.args[0] if error.args else None, "reason", None)
        unconnected = (
            urllib3.exceptions.NewConnectionError,
            urllib3.exceptions.ConnectTimeoutError,
            urllib3.exceptions.NameResolutionError,
            urllib3.exceptions.ProxyError,
        )
        if isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(reason, unconnected):
            return NotSent(f"no connection to {urlsplit(self.base_url).hostname}")
        if isinstance(error, requests.exceptions.Timeout):
            return NoAnswer("no answer in time")
        return NoAnswer(f"the connection broke ({type(error).__name__})")

    def _bounded(self, response: requests.Response, started: float, clock: Clock) -> bytes:
        """The whole body, unless it is too large or too slow."""
        body = bytearray()
        while chunk := response.raw.read1(CHUNK, decode_content=True):
            body += chunk
            if len(body) > MAX_BODY:
                raise NoAnswer(f"an answer of more than {MAX_BODY // 1024**2} MiB")
            if clock.monotonic() - started > self.answer_seconds:
                raise NoAnswer(f"an answer slower than {self.answer_seconds:g} seconds")
        return bytes(body)
