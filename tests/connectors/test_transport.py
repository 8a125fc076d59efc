"""What a connector's connection refuses: certificates that are not right, and names that lead inside."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from connectors.base import ActionNeeded, Refused
from connectors.testing import FastTime
from tests.conftest import require
from tests.connectors.test_http import SECRET, opened, post


def time_passes() -> None:
    """Until the clock shows another second."""
    started = datetime.now(UTC).replace(microsecond=0)
    while datetime.now(UTC) < started + timedelta(seconds=2):
        threading.Event().wait(0.1)


class Authority:
    """A certificate authority of our own, and certificates by it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
                      "-days", "30", "-subj", "/CN=Test authority")  # fmt: skip

    @property
    def bundle(self) -> str:
        """The file that makes its certificates trusted."""
        return str(self.folder / "ca.pem")

    def certificate(self, name: str, *, days: int = 30, own: bool = False) -> str:
        """A file with key and certificate for a name; ``own``: signed by itself."""
        file = f"{name}-{days}-{own}"
        (self.folder / f"{file}.ext").write_text(f"subjectAltName=DNS:{name}\n")
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{file}.key", "-out", f"{file}.csr",
                      "-subj", f"/CN={name}")  # fmt: skip
        signer = (
            ["-signkey", f"{file}.key"] if own else ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
        )
        self._openssl("x509", "-req", "-in", f"{file}.csr", *signer, "-days", str(days), "-out", f"{file}.crt",
                      "-extfile", f"{file}.ext")  # fmt: skip
        if days == 0:
            time_passes()  # it is valid for the second in which it was made
        whole = self.folder / f"{file}.pem"
        whole.write_text("".join((self.folder / f"{file}.{end}").read_text() for end in ("key", "crt")))
        return str(whole)

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)


pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Made once; certificates of 2048 bits take a moment."""
    require(shutil.which("openssl"), "there is no openssl command to make certificates with")
    return Authority(tmp_path_factory.mktemp("authority"))


class Secure:
    """An HTTPS server on loopback that remembers the headers it was sent."""

    def __init__(self, certificate: str, highest: ssl.TLSVersion) -> None:
        seen = self.seen = []  # type: list[str]

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                seen.append(str(self.headers))
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = highest
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(certificate)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """Its address by name."""
        return f"https://localhost:{self.server.server_port}"


@pytest.fixture
def secure() -> Iterator[Callable[..., Secure]]:
    """Starts servers; they end with the test."""
    started: list[Secure] = []

    def start(certificate: str, highest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Secure:
        started.append(Secure(certificate, highest))
        return started[-1]

    yield start
    for one in started:
        one.server.shutdown()
        one.server.server_close()


def test_a_right_certificate_passes(
    authority: Authority, secure: Callable[..., Secure], time: FastTime
) -> None:
    """By a trusted authority, for this name, in its time: the request goes through. The cases below differ in one."""
    server = secure(authority.certificate("localhost"))
    http = opened(server.url, time)
    http.wire.session.verify = authority.bundle
    assert post(http).json == {}
    assert SECRET in server.seen[0]


@pytest.mark.fault(
    "F17",
    injected="a server on loopback whose certificate is expired, for another name, or signed by itself; TLS 1.1",
    outcome="stops with a sentence before anything is sent; there is no switch to go on",
)
@pytest.mark.privacy("P35")
@pytest.mark.parametrize(
    ("name", "days", "own", "highest"),
    [
        ("localhost", 0, False, ssl.TLSVersion.TLSv1_3),
        ("elsewhere.example", 30, False, ssl.TLSVersion.TLSv1_3),
        ("localhost", 30, True, ssl.TLSVersion.TLSv1_3),
        ("localhost", 30, False, ssl.TLSVersion.TLSv1_1),
    ],
    ids=["expired", "another name", "self-signed", "TLS 1.1"],
)
def test_a_wrong_certificate_stops_everything(
    authority: Authority, secure: Callable[..., Secure], time: FastTime,
    name: str, days: int, own: bool, highest: ssl.TLSVersion,
) -> None:  # fmt: skip
    """Nothing is sent over a connection that may not lead to the platform, and nobody is told to switch that off."""
    server = secure(authority.certificate(name, days=days, own=own), highest)
    http = opened(server.url, time)
    http.wire.session.verify = authority.bundle
    with pytest.raises(ActionNeeded, match="the certificate of localhost is not valid; nothing was sent"):
        post(http)
    assert server.seen == []


@pytest.mark.fault(
    "F17",
    injected="a certificate by an authority that this machine does not know",
    outcome="stops with a sentence before anything is sent",
)
@pytest.mark.privacy("P35")
def test_an_unknown_authority_is_not_trusted(
    authority: Authority, secure: Callable[..., Secure], time: FastTime
) -> None:
    """Trust is the machine's: a right certificate by a stranger is none."""
    server = secure(authority.certificate("localhost"))
    with pytest.raises(ActionNeeded, match="is not valid"):
        post(opened(server.url, time))
    assert server.seen == []


@pytest.mark.bad_input("B101")
def test_proxy_and_authority_of_the_machine_are_honoured(
    monkeypatch: pytest.MonkeyPatch, time: FastTime
) -> None:
    """HTTPS_PROXY and REQUESTS_CA_BUNDLE count for platforms, and never for what stays on this machine."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ssl/own.pem")
    outside = opened("https://graph.example.com", time).wire.session
    found = outside.merge_environment_settings("https://graph.example.com", {}, None, None, None)
    assert (found["proxies"]["https"], found["verify"]) == ("http://proxy.example:3128", "/etc/ssl/own.pem")
    inside = opened("http://127.0.0.1:8765", time).wire.session
    found = inside.merge_environment_settings("http://127.0.0.1:8765", {}, None, None, None)
    assert (dict(found["proxies"]), found["verify"]) == ({}, True)


@pytest.fixture
def leads_to(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets every name resolve to one address, as a name server of somebody else may."""

    def resolve(address: str) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET

        def found(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
            return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

        monkeypatch.setattr(socket, "getaddrinfo", found)

    return resolve


@pytest.mark.bad_input("B100")
@pytest.mark.privacy("P36")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_public_name_that_leads_inside_is_refused(
    authority: Authority, secure: Callable[..., Secure], time: FastTime,
    leads_to: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, address: str,
) -> None:  # fmt: skip
    """The address of the connection itself is looked at, so a name that resolves otherwise later gets no byte."""
    monkeypatch.delenv("HTTPS_PROXY", raising=False)
    server = secure(authority.certificate("platform.example"))
    port = server.server.server_port
    leads_to(address)
    http = opened(f"https://platform.example:{port}", time)
    http.wire.session.verify = authority.bundle
    expected = ActionNeeded if address == "127.0.0.1" else (ActionNeeded, Refused)
    with pytest.raises(expected) as failed:
        post(http)
    if address == "127.0.0.1":
        assert "platform.example leads to an address inside a private network; nothing was sent" in str(
            failed.value
        )
    assert server.seen == []
