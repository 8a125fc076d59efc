"""City, state and postal code, in the form of Meta's customer lists."""

from __future__ import annotations

import re

import pycountry

from connectors.identity import FastPath, Rule
from connectors.rules.country import alpha_2_codes, normalise_country
from connectors.rules.person import letters, letters_fast_path
from connectors.rules.text import PLACEHOLDER_LIST, clean, listed

US_STATES = {
    letters(subdivision.name): subdivision.code.removeprefix("US-").lower()
    for subdivision in pycountry.subdivisions
    if subdivision.code.startswith("US-")
}
"""Name without spaces, lower case, to postal code, territories and the capital's district included."""

_US_CODES = frozenset(US_STATES.values())
_IN_US = "lower(country) in ('us', 'usa')"


def normalise_state(raw: str | None, country: str | None) -> str | None:
    """Two letters in the United States (from the code or the name), elsewhere the name's letters.

    Without a usable country a name or code of a US state counts as one. Unknown US states are unusable.
    """
    text = letters(raw)
    if text is None:
        return None
    nation = normalise_country(country)
    if nation in ("us", None):
        code = text if text in _US_CODES else US_STATES.get(text)
        if code is not None or nation == "us":
            return code
    return text


def normalise_zip(raw: str | None, country: str | None) -> str | None:
    """Lower case without white space, cut at the first hyphen as Meta's own helper does.

    In the United States exactly five digits: ZIP+4 is cut, and zeros that a spreadsheet took are put back.
    """
    text = clean(raw)
    if text is None:
        return None
    code = re.sub(r"\.0+$", "", "".join(text.lower().split())).split("-")[0]
    if normalise_country(country) == "us":
        return _us_zip(code)
    return code if re.fullmatch(r"[^\W_]{3,10}", code) else None


def _us_zip(code: str) -> str | None:
    if not re.fullmatch(r"[0-9]{3,5}|[0-9]{9}", code):
        return None
    five = code[:5].zfill(5)
    return None if five == "00000" else five


_OTHER_COUNTRIES = listed(code for code in alpha_2_codes() if code != "us")

CITY = Rule("city", 1, ("city",), letters, letters_fast_path("city"))
STATE = Rule(
    name="state",
    version=1,
    inputs=("state", "country"),
    normalise=normalise_state,
    fast=FastPath(
        when=f"(state is null or (lower(state) in {listed(_US_CODES)} and {_IN_US}))",
        value="lower(state)",
    ),
)
ZIP = Rule(
    name="zip",
    version=1,
    inputs=("postal_code", "country"),
    normalise=normalise_zip,
    fast=FastPath(
        when=(
            f"(postal_code is null or ({_IN_US} and regexp_full_match(postal_code, '[0-9]{{5}}(?:-[0-9]{{4}})?')"
            " and left(postal_code, 5) <> '00000')"
            f" or (lower(country) in {_OTHER_COUNTRIES} and length(postal_code) <= 10"
            " and regexp_full_match(postal_code, '[A-Za-z0-9]{2,}(?: ?[A-Za-z0-9]+)*')"
            " and length(replace(postal_code, ' ', '')) >= 3"
            f" and lower(postal_code) not in {PLACEHOLDER_LIST}))"
        ),
        value=(f"case when {_IN_US} then left(postal_code, 5) else lower(replace(postal_code, ' ', '')) end"),
    ),
)
