"""A postal address as Google matches it: given name, family name, country and postal code, or nothing at all.

Two of the parts are hashed and two are not, and none of them means anything without the others. So they are one value:
it is shared by two people only when all of it is, and of an incomplete address nothing is kept or sent.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from connectors.identity import FastPath, Rule, encode, encode_sql
from connectors.rules.country import REGION, alpha_2_codes, normalise_country, normalise_region
from connectors.rules.place import normalise_zip
from connectors.rules.text import PLACEHOLDER_LIST, clean, listed

LONGEST_CODE = 10
"""Letters and digits of a postal code, anywhere in the world."""

_CODE = re.compile(r"[^\W_]+(?:[ -]+[^\W_]+)*")
_US_CODE = re.compile(r"[0-9]{5}(?:-[0-9]{4})?")


class Address(NamedTuple):
    """The parts as they go into a payload."""

    given_name: str
    """Digest, as the family name's."""
    family_name: str
    region: str
    postal_code: str


def lowered_name(raw: str | None) -> str | None:
    """Trimmed and in lower case; inner spaces, punctuation and accents stay, as in Google's own library."""
    text = clean(raw)
    return text.lower() if text is not None else None


def trimmed_postal_code(raw: str | None, country: str | None) -> str | None:
    """The code as it is written, outer white space aside; None for what no country would take.

    In the United States five digits, with the four behind the hyphen where they are known; zeros that a spreadsheet
    took are put back.
    """
    text = clean(raw)
    if text is None:
        return None
    if normalise_country(country) == "us" and not _US_CODE.fullmatch(text):
        text = normalise_zip(text, country)
    if text is None or not _CODE.fullmatch(text):
        return None
    return text if 3 <= len(re.sub(r"[ -]", "", text)) <= LONGEST_CODE and text[:5] != "00000" else None


def normalise_address(
    first_name: str | None, last_name: str | None, country: str | None, postal_code: str | None
) -> str | None:
    """The four parts in one text, names hashed, with a space between; None unless all of them are usable."""
    given, family = lowered_name(first_name), lowered_name(last_name)
    region, code = normalise_region(country), trimmed_postal_code(postal_code, country)
    if given is None or family is None or region is None or code is None:
        return None
    return f"{encode(given, 'sha256_hex')} {encode(family, 'sha256_hex')} {region} {code}"


def address_parts(value: str) -> Address:
    """The parts of what ``normalise_address`` made; a postal code may hold a space of its own."""
    return Address(*value.split(" ", 3))


def _fast_path() -> FastPath:
    """Plain ASCII names and codes; whoever lacks a part lacks the address."""
    columns = ("first_name", "last_name", "country", "postal_code")
    lacking = " or ".join(f"{column} is null" for column in columns)
    us = "lower(country) = 'us'"
    others = listed(code for code in alpha_2_codes() if code != "us")
    code = (
        f"(({us} and regexp_full_match(postal_code, '[0-9]{{5}}(?:-[0-9]{{4}})?'))"
        f" or (lower(country) in {others} and length(postal_code) <= {LONGEST_CODE}"
        " and regexp_full_match(postal_code, '[A-Za-z0-9]{3,}(?:[ -][A-Za-z0-9]+)*')"
        f" and lower(postal_code) not in {PLACEHOLDER_LIST}))"
        " and left(postal_code, 5) <> '00000'"
    )
    assert REGION.fast is not None
    digests = [encode_sql(f"lower({name})", "sha256_hex") for name in ("first_name", "last_name")]
    return FastPath(
        when=f"({lacking} or ({_plain_name('first_name')} and {_plain_name('last_name')} and {code}))",
        value=" || ' ' || ".join((*digests, REGION.fast.value, "postal_code")),
    )


def _plain_name(column: str) -> str:
    return (
        f"length({column}) <= 100 and regexp_full_match({column}, '[A-Za-z](?:[A-Za-z .''-]*[A-Za-z.])?')"
        f" and lower({column}) not in {PLACEHOLDER_LIST}"
    )


ADDRESS = Rule(
    name="address",
    version=1,
    inputs=("first_name", "last_name", "country", "postal_code"),
    normalise=normalise_address,
    fast=_fast_path(),
)
