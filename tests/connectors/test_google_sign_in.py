"""Settings of a Google account, and signing in: by a refresh token or as a service account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr, ValidationError

from connectors.base import AudienceRequest, AuthFailed
from connectors.google import GoogleConnector
from connectors.google.service_account import key_of
from connectors.google.settings import GoogleOptions, GoogleSettings
from connectors.sandbox import SandboxServer
from connectors.sandbox.ads.google_assertions import key_file
from connectors.sandbox.ads.google_destinations import ADVERTISER, GOOGLE_ADS_ACCOUNT
from tests.connectors.google_account import MARY
from tests.connectors.oauth_account import batch, table

ACCOUNT = {"operating_account": GOOGLE_ADS_ACCOUNT, "accept_customer_match_terms": True}
USER = {"client_id": "id-1", "client_secret": "secret-1", "refresh_token": "refresh-1"}


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxServer]:
    """One of the test's own."""
    with SandboxServer(tmp_path / "sandbox") as running:
        yield running


def settings(**given: Any) -> GoogleSettings:
    """Settings of these values alone."""
    return GoogleSettings(_env_file=None, **given)  # type: ignore[call-arg]


def service_account(sandbox: SandboxServer, folder: Path, **given: Any) -> GoogleConnector:
    """A connector that signs as the sandbox's service account, by the real clock, as the sandbox judges."""
    urls = {"base_url": sandbox.url_of("google"), "token_url": f"{sandbox.url}/google/token"}
    return GoogleConnector("google", settings(**{**ACCOUNT, **urls, "token_folder": folder, **given}))


def request(known_id: str | None = None) -> AudienceRequest:
    """A segment's list."""
    return AudienceRequest("Lapsed", "turnout:lapsed", known_id)


def test_a_service_account_signs_in(sandbox: SandboxServer, tmp_path: Path) -> None:
    """From the key's file or its text; the token it is given opens, fills and asks."""
    told = json.dumps(key_file("https://oauth2.googleapis.com/token"))
    (tmp_path / "key.json").write_text(told)
    ways: tuple[dict[str, Any], ...] = (
        {"service_account_file": tmp_path / "key.json"},
        {"service_account": told},
    )
    for number, way in enumerate(ways):
        opened = service_account(sandbox, tmp_path / str(number), **way)
        assert all(finding.ok for finding in opened.examine())
        opened.close()


def test_an_advertiser_of_display_and_video_is_another_account(
    sandbox: SandboxServer, tmp_path: Path
) -> None:
    """The same API by another setting: a list is made, filled and asked about."""
    told = json.dumps(key_file("https://oauth2.googleapis.com/token"))
    product = {"account_type": "DISPLAY_VIDEO_ADVERTISER", "operating_account": ADVERTISER}
    opened = service_account(sandbox, tmp_path, service_account=told, **product)
    audience = opened.open_audience(request(), GoogleOptions())
    receipt = opened.add(audience, table(emailAddress=[MARY]), batch("add", 1))
    assert receipt.reference is not None
    assert opened.poll(audience, receipt.reference).status in ("accepted", "applied")
    assert opened.open_audience(request(audience.id), GoogleOptions()).id == audience.id
    opened.close()


def test_a_refused_key_names_its_setting(sandbox: SandboxServer, tmp_path: Path) -> None:
    """The variable to look at is the one that holds the key; nothing of the key is shown."""
    told = {**key_file(""), "client_email": "somebody@sandbox-project.iam.gserviceaccount.com"}
    opened = service_account(sandbox, tmp_path, service_account=json.dumps(told))
    with pytest.raises(AuthFailed, match=r"invalid_grant.*check TURNOUT_GOOGLE_SERVICE_ACCOUNT$") as failed:
        opened.open_audience(request(), GoogleOptions())
    assert "PRIVATE" not in str(failed.value)
    opened.close()


def test_the_key_never_leaves(sandbox: SandboxServer, tmp_path: Path) -> None:
    """It signs, and goes neither as a client's secret nor into the token folder."""
    key = key_of(SecretStr(json.dumps(key_file(""))))
    opened = service_account(sandbox, tmp_path, service_account=json.dumps(key_file("")))
    credential = opened.credential()
    assert credential.client_in == "form"
    assert opened.tokens is not None
    assert set(opened.tokens._form(None)) == {"grant_type", "assertion"}
    opened.tokens.token()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert key.private_key.splitlines()[1].encode() not in kept
    opened.close()


def other_key() -> str:
    """A key of another kind, where an RSA one belongs."""
    made = ec.generate_private_key(ec.SECP256R1())
    pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return json.dumps({**key_file(""), "private_key": pem})


@pytest.mark.parametrize(
    "text",
    ["", "no JSON: hunter2", "[]", "{}", '{"client_email": 7}', json.dumps({**key_file(""), "private_key": "hunter2"}),
     other_key()],
)  # fmt: skip
def test_what_is_no_key_is_not_taken_for_one(text: str, tmp_path: Path) -> None:
    """Said at once, and without a word of what stands there."""
    (tmp_path / "key.json").write_text(text)
    for way in ({"service_account_file": tmp_path / "key.json"}, {"service_account": text}):
        with pytest.raises(ValidationError, match="holds no key of a service account") as refused:
            settings(**ACCOUNT, **way)
        assert "hunter2" not in json.dumps(refused.value.errors(include_input=False, include_context=False))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "set one of them"),
        ({**USER, "service_account": json.dumps(key_file(""))}, "set one of them"),
        ({"refresh_token": "refresh-1"}, "needs its CLIENT_ID and CLIENT_SECRET"),
        ({"service_account_file": Path("/nowhere/key.json")}, "cannot be read"),
        ({**USER, "operating_account": "12ab"}, "must be digits"),
        ({**USER, "login_account": "١٢"}, "must be digits"),
        ({**USER, "max_rows": 10_001}, "less than or equal to 10000"),
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, Any], says: str) -> None:
    """One way to sign in, whole accounts, and nothing beyond Google's limits."""
    with pytest.raises(ValidationError, match=says):
        settings(**{**ACCOUNT, **given})


def test_account_numbers_may_have_hyphens() -> None:
    """As Google shows them."""
    given = {**USER, "operating_account": "123-456-7890", "login_account": "999-000-1111"}
    taken = settings(**given)
    assert (taken.operating_account, taken.login_account) == ("1234567890", "9990001111")
