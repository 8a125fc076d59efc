"""Types that every connector's settings share: credentials and addresses, checked before anything is sent.

Messages name the setting's fault, never its value.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsError

from connectors.rules.country import alpha_2_codes


def env_prefix(destination: str) -> str:
    """What the environment variables of a destination account start with."""
    return f"TURNOUT_{destination.upper().replace('-', '_')}_"


def not_json(error: SettingsError, prefix: str) -> str:
    """A sentence on the variable that should be JSON and is none; pydantic names its field within a sentence."""
    field = re.search(r'field "(\w+)"', str(error))
    return f"{prefix}{field[1].upper() if field else '*'} is not valid JSON"


def _checked_credential(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not value:
        raise ValueError("is empty")
    if value != value.strip() or any(c.isspace() or not c.isprintable() for c in value):
        raise ValueError("contains white space or a line break: copy it again")
    if value[0] in "\"'" or value[-1] in "\"'":
        raise ValueError("has quotes around it: leave them out")
    if not value.isascii():
        raise ValueError("contains characters that no credential has: copy it again")
    return secret


def checked_base_url(url: str) -> str:
    """The address without a trailing slash.

    Raises ValueError unless it is https to a public host name, or http(s) to this machine (the sandbox).
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an https:// address")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold a user name or password")
    if parts.query or parts.fragment:
        raise ValueError("must not hold a query or fragment")
    if not is_loopback(url):
        if parts.scheme != "https":
            raise ValueError("must start with https:// (plain http only to this machine)")
        _require_public_host(parts.hostname)
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether the address is this machine's own."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _require_public_host(host: str) -> None:
    """Raises ValueError for addresses inside a network, however they are written."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2]
        if not last or last[0].isdigit():  # 2130706433, 127.1, 0x7f.0.0.1: addresses in disguise
            raise ValueError("must name a host") from None
        return
    mapped = getattr(address, "ipv4_mapped", None)
    if not (mapped or address).is_global:
        raise ValueError("must not be an address inside a private network")


Credential = Annotated[SecretStr, AfterValidator(_checked_credential)]
"""A token or key as its platform shows it: no white space, no quotes."""

BaseUrl = Annotated[str, AfterValidator(checked_base_url)]
"""Where requests go: https, or http to this machine."""

ApiUrl = Annotated[BaseUrl, Field(description="Where requests go.")]
TokenUrl = Annotated[BaseUrl, Field(description="Where tokens are given out.")]

Digits = Annotated[str, Field(pattern=r"^[0-9]{1,20}$")]
"""The id of an account that is a number."""


def _known_country(value: str) -> str:
    if value.lower() not in alpha_2_codes():
        raise ValueError("must be a country's two-letter code, such as US")
    return value.lower()


CountryCode = Annotated[str, AfterValidator(_known_country)]
"""ISO 3166-1 alpha-2, lower case."""

DefaultCountry = Annotated[
    CountryCode | None,
    Field(description="Country (two letters) of national phone numbers of people without a country."),
]

SettlingMinutes = Annotated[
    float,
    Field(
        ge=0,
        description="How long a request, or a copy of it, may still be applied; opposite requests within it are "
        "followed by the last one once more.",
    ),
]
