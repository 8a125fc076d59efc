"""A gateway between the connectors and the sandbox that swaps credentials and, when told to, answers with secrets.

Real platforms and proxies do repeat what they were sent: in error texts, in headers, on HTML pages.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from typing import Any

import requests

from connectors.sandbox import SANDBOX_MAILCHIMP_KEY, SANDBOX_META_TOKEN
from tests.quiet.canaries import API_KEY, TOKEN

SWAPPED = {TOKEN: SANDBOX_META_TOKEN, API_KEY: SANDBOX_MAILCHIMP_KEY}


@dataclass(frozen=True, slots=True)
class Sent:
    """A request, as text: everything in it that an answer can repeat."""

    meta: bool
    authorization: str
    body: str

    @property
    def everything(self) -> str:
        """All of it in one line, the credential also as it was before it was packed into the header."""
        return f"{self.authorization} {TOKEN if self.meta else API_KEY} {self.body}"


Echo = tuple[int, Mapping[str, str], str]
"""Status, headers and body of an answer."""


def _json(status: int, document: Any, **headers: str) -> Echo:
    return status, {"Content-Type": "application/json", **headers}, json.dumps(document)


def _meta_error(sent: Sent, code: int, status: int = 400) -> Echo:
    error = {
        "message": f"(#{code}) {sent.everything}", "type": sent.body[:2000], "code": code,
        "error_user_title": sent.authorization, "error_user_msg": sent.body, "fbtrace_id": sent.authorization,
    }  # fmt: skip
    return _json(status, {"error": error})


def _problem(sent: Sent, status: int, title: str) -> Echo:
    fields = [{"field": "members_to_add.0", "message": sent.everything}, {"field": sent.body, "message": "x"}]
    document = {"type": sent.body, "title": title, "status": status, "detail": sent.everything,
                "instance": sent.authorization, "errors": fields}  # fmt: skip
    return _json(status, document)


def refusal(sent: Sent) -> Echo:
    """The platform's own refusal, which quotes the request."""
    return _meta_error(sent, 100) if sent.meta else _problem(sent, 400, "Invalid Resource")


def unknown_error(sent: Sent) -> Echo:
    """An error that no document lists."""
    return _meta_error(sent, 987_654) if sent.meta else _problem(sent, 418, sent.everything)


def unauthorised(sent: Sent) -> Echo:
    """The credential is refused, and quoted."""
    return _meta_error(sent, 190, 401) if sent.meta else _problem(sent, 401, "API Key Invalid")


def page(sent: Sent) -> Echo:
    """A success that is a web page with everything on it."""
    return 200, {"Content-Type": "text/html"}, f"<html><body>{sent.everything}</body></html>"


def server_error(sent: Sent) -> Echo:
    """A crash on the other side, with its variables."""
    return 500, {"Content-Type": "text/plain"}, f"Traceback: ValueError({sent.everything!r})"


def wrong_types(sent: Sent) -> Echo:
    """The right fields with the request in place of numbers."""
    return _json(200, {
        "id": sent.body, "num_received": sent.body, "num_invalid_entries": [sent.authorization],
        "invalid_entry_samples": {sent.body: sent.authorization}, "members_added": sent.body,
        "total_added": sent.authorization, "error_count": sent.body,
        "errors": [{"email_addresses": [sent.body], "email_address": sent.everything, "error": sent.everything}],
    })  # fmt: skip


def headers(sent: Sent) -> Echo:
    """Headers that quote the request, on a throttled answer."""
    quoted = sent.everything.encode("ascii", "replace").decode().replace("\n", " ")[:3000]
    usage = {"X-Business-Use-Case-Usage": quoted, "X-Request-Id": quoted, "Retry-After": quoted}
    return _json(429, {"error": {"message": quoted, "code": 17}}, **usage)


def redirect(sent: Sent) -> Echo:
    """To another address, which names the credential."""
    return 302, {"Location": f"http://127.0.0.1:1/?{sent.authorization}&{sent.body[:500]}"}, ""


def cut_short(sent: Sent) -> Echo:
    """More was promised than comes."""
    return 200, {"Content-Type": "application/json", "Content-Length": "999999"}, f'{{"x": "{sent.everything}'


ECHOES = (
    refusal, unknown_error, unauthorised, page, server_error, wrong_types, headers, redirect, cut_short,
)  # fmt: skip


@dataclass
class Gateway:
    """The running gateway. ``echo`` answers writes in the sandbox's place while it is set."""

    sandbox: str
    url: str = ""
    echo: Iterator[Any] | None = None
    left: int = 0
    """Requests that still meet the echo."""
    reads: bool = False
    """Whether requests that only read meet it as well."""
    echoed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def next_echo(self, method: str) -> Any:
        """What answers this request, None for the sandbox."""
        with self.lock:
            if self.echo is None or self.left == 0 or (method == "GET" and not self.reads):
                return None
            self.left -= 1
            self.echoed += 1
            return next(self.echo)

    def answer_with(self, *echoes: Any, times: int = 1_000_000, reads: bool = False) -> None:
        """From now on this many writes (``reads``: and reads) are answered by these, in turn; then all pass again."""
        with self.lock:
            self.echo, self.left, self.reads = cycle(echoes), times, reads

    def calm(self) -> None:
        """Everything passes."""
        self.answer_with(*ECHOES, times=0)


def _swapped(credential: str) -> str:
    """The same header with the sandbox's own credential."""
    kind, _, value = credential.partition(" ")
    if kind == "Basic":
        plain = _with_real(base64.b64decode(value).decode())
        return f"Basic {base64.b64encode(plain.encode()).decode()}"
    return _with_real(credential)


def _with_real(text: str) -> str:
    for canary, real in SWAPPED.items():
        text = text.replace(canary, real)
    return text


@contextmanager
def running(sandbox: str) -> Iterator[Gateway]:
    """A gateway before the sandbox at this address."""
    gateway = Gateway(sandbox)

    class Handler(_Handler):
        served = gateway

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        gateway.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield gateway
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    served: Gateway
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        echo = self.served.next_echo(self.command)
        if echo is None:
            self._forward(body)
        else:
            sent = Sent(
                self.path.startswith("/meta"),
                self.headers.get("Authorization", ""),
                body.decode("utf-8", "replace"),
            )
            self._reply(*echo(sent))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

    def _forward(self, body: bytes) -> None:
        passed = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        credential = _swapped(passed.get("Authorization", ""))
        answer = requests.request(
            self.command, self.served.sandbox + self.path, data=body, allow_redirects=False, timeout=60,
            headers={**passed, "Authorization": credential},
        )  # fmt: skip
        kept = {n: v for n, v in answer.headers.items() if n.lower() in ("content-type", "retry-after")}
        self._reply(answer.status_code, kept, answer.text)

    def _reply(self, status: int, headers: Mapping[str, str], body: str) -> None:
        payload = body.encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(payload)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(payload)
        if headers.get("Content-Length") not in (None, str(len(payload))):
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
