"""The address that Google matches: four parts or none."""

from __future__ import annotations

import hashlib

import pytest

from connectors.rules.address import (
    Address,
    address_parts,
    lowered_name,
    normalise_address,
    trimmed_postal_code,
)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("  Anne-Marie ", "anne-marie"),
        ("O'Neil", "o'neil"),
        ("José  María", "josé  maría"),
        ("ＡＮＮ", "ann"),
        ("null", None),
        (" ", None),
        (None, None),
    ],
)
def test_names_are_trimmed_and_lowered(raw: str | None, kept: str | None) -> None:
    """Inner spaces, punctuation and accents stay; placeholders are nobody's name."""
    assert lowered_name(raw) == kept


@pytest.mark.parametrize(
    ("raw", "country", "kept"),
    [
        (" 94105 ", "US", "94105"),
        ("94105-1234", "us", "94105-1234"),
        ("941051234", "US", "94105"),
        ("2134", "United States", "02134"),
        ("2134.0", "US", "02134"),
        ("00000", "US", None),
        ("SW1A 1AA", "GB", "SW1A 1AA"),
        ("1234-567", "PT", "1234-567"),
        ("sw1a 1aa", "GB", "sw1a 1aa"),
        ("12", "DE", None),
        ("12345 Berlin-Mitte", "DE", None),
        ("n/a", "DE", None),
        ("?12345", "DE", None),
        (None, "DE", None),
    ],
)
def test_postal_codes_stay_as_written(raw: str | None, country: str, kept: str | None) -> None:
    """One code that its country cannot have would fail a whole request, so it is left out."""
    assert trimmed_postal_code(raw, country) == kept


def test_an_address_is_complete_or_nothing() -> None:
    """Names are digests before they are anywhere; a space within the postal code stays there."""
    parts = ("Ann", "Lee", "United Kingdom", "SW1A 1AA")
    made = normalise_address(*parts)
    assert made is not None
    digests = [hashlib.sha256(name).hexdigest() for name in (b"ann", b"lee")]
    assert address_parts(made) == Address(*digests, "GB", "SW1A 1AA")
    for lost in range(4):
        assert normalise_address(*(None if at == lost else part for at, part in enumerate(parts))) is None
