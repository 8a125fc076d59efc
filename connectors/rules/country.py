"""Countries, from codes and the names people write."""

from __future__ import annotations

import unicodedata
from functools import cache

import pycountry

from connectors.identity import FastPath, Rule
from connectors.rules.text import clean, listed

# Everyday names that ISO 3166-1 does not list, in the folded form of ``_fold``.
_EVERYDAY = {
    "uk": "gb",
    "greatbritain": "gb",
    "britain": "gb",
    "england": "gb",
    "scotland": "gb",
    "wales": "gb",
    "northernireland": "gb",
    "america": "us",
    "unitedstatesofamerica": "us",
    "deutschland": "de",
    "osterreich": "at",
    "schweiz": "ch",
    "suisse": "ch",
    "italia": "it",
    "espana": "es",
    "holland": "nl",
    "thenetherlands": "nl",
    "brasil": "br",
    "russia": "ru",
    "southkorea": "kr",
    "northkorea": "kp",
    "turkey": "tr",
    "czechrepublic": "cz",
    "ivorycoast": "ci",
    "brunei": "bn",
    "capeverde": "cv",
    "macedonia": "mk",
    "swaziland": "sz",
    "easttimor": "tl",
    "burma": "mm",
    "palestine": "ps",
    "vatican": "va",
    "xk": "xk",
    "xkx": "xk",
    "kosovo": "xk",
}


def _fold(text: str) -> str:
    """Letters and digits only, without accents or case, so that "U.S.A." and "usa" meet."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in decomposed if c.isalnum())


@cache
def _codes() -> dict[str, str]:
    found: dict[str, str] = {}
    for country in pycountry.countries:
        code = country.alpha_2.lower()
        for attribute in ("name", "common_name", "official_name", "alpha_3", "alpha_2"):
            written = getattr(country, attribute, None)
            if written:
                found[_fold(written)] = code
    return found | _EVERYDAY


def normalise_country(raw: str | None) -> str | None:
    """ISO 3166-1 alpha-2 in lower case from a code (two or three letters) or a name; None when unknown."""
    text = clean(raw)
    return _codes().get(_fold(text)) if text is not None else None


def spellings(code: str) -> tuple[str, ...]:
    """Lower-case ASCII spellings that certainly mean the country with this alpha-2 code."""
    names = {code.lower()}
    names |= {c.alpha_3.lower() for c in pycountry.countries if c.alpha_2 == code.upper()}
    if code.lower() == "us":
        names.add("united states")
    if code.lower() == "gb":
        names |= {"uk", "united kingdom"}
    return tuple(sorted(names))


def alpha_2_codes() -> tuple[str, ...]:
    """Every ISO 3166-1 alpha-2 code, lower case, sorted."""
    return tuple(sorted(country.alpha_2.lower() for country in pycountry.countries))


COUNTRY = Rule(
    name="country",
    version=1,
    inputs=("country",),
    normalise=normalise_country,
    fast=FastPath(
        when=f"(country is null or lower(country) in {listed(alpha_2_codes())})",
        value="lower(country)",
    ),
)


def normalise_region(raw: str | None) -> str | None:
    """ISO 3166-1 alpha-2 in upper case."""
    code = normalise_country(raw)
    return code.upper() if code else None


REGION = Rule(
    name="region",
    version=1,
    inputs=("country",),
    normalise=normalise_region,
    fast=FastPath(
        when=f"(country is null or lower(country) in {listed(alpha_2_codes())})",
        value="upper(lower(country))",
    ),
)
"""The country's code as Google and LinkedIn write it."""
