"""A Google service account: its key file, and what it signs to be given an access token (RFC 7523)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jwt
import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import SecretStr

from connectors.oauth import Credential

SCOPE = "https://www.googleapis.com/auth/datamanager"
AUDIENCE = "https://oauth2.googleapis.com/token"
"""Whom the assertion is for: Google's token endpoint, also where a proxy stands in front of it."""
ASSERTION_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class ServiceAccountKey:
    """A key of a service account."""

    email: str
    key_id: str
    private_key: str
    """PEM."""

    def assertion(self, now: float) -> str:
        """Who asks for which scope, signed; good for an hour from ``now`` (seconds since 1970)."""
        claims = {
            "iss": self.email,
            "scope": SCOPE,
            "aud": AUDIENCE,
            "iat": int(now),
            "exp": int(now) + ASSERTION_SECONDS,
        }
        return jwt.encode(claims, self.private_key, algorithm="RS256", headers={"kid": self.key_id})


def credential_of(key: ServiceAccountKey, token_url: str, variables: str) -> Credential:
    """What the key signs, instead of a client's refresh token."""
    return Credential(
        token_url, key.email, key.private_key, None, variables, client_in="form", assertion=key.assertion
    )


def key_of(given: Path | SecretStr) -> ServiceAccountKey:
    """The key in a file, or in its text. Raises ValueError, which says nothing of the content."""
    if isinstance(given, Path):
        try:
            text = given.read_bytes()
        except OSError as error:
            raise ValueError(f"names a file that cannot be read ({type(error).__name__})") from None
    else:
        text = given.get_secret_value().encode()
    try:
        told = orjson.loads(text)
        key = ServiceAccountKey(told["client_email"], told["private_key_id"], told["private_key"])
        usable = isinstance(load_pem_private_key(key.private_key.encode(), None), RSAPrivateKey)
    except (KeyError, TypeError, ValueError, AttributeError, UnsupportedAlgorithm):
        usable = False
    if not usable:
        raise ValueError("holds no key of a service account: download a JSON key from Google Cloud, IAM")
    return key
