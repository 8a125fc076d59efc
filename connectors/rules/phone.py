"""Phone numbers. The phonenumbers library decides; SQL does the plain forms of four countries.

A number counts when its length is possible and its digits match the library's general description of the
country's numbers. Whether its block is assigned today is not asked: the library's tables age, platforms' worked
examples and the ranges reserved for fiction lie in unassigned blocks, and a number that nobody has matches nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, partial

import phonenumbers
from phonenumbers import NumberParseException, PhoneMetadata, ValidationResult

from connectors.identity import FastPath, Rule
from connectors.rules.country import normalise_country, spellings
from connectors.rules.text import clean, listed, quoted

MIN_DIGITS = 8
MAX_DIGITS = 15
"""Digits with country code. Fewer is a short code; more cannot be E.164."""

FAST_REGIONS = ("US", "GB", "DE", "FR")

# A spreadsheet's number: digits lost, or a fraction that would be read as one more digit.
_FLOAT = re.compile(r"[+-]?\d+\.\d{1,2}|[+-]?\d+(?:\.\d+)?e[+-]?\d+", re.IGNORECASE)
_EXTENSION = re.compile(r"(?:;ext=|\s*(?:extension|ext\.?|x|#))\s*[:.]?\s*\d{1,7}\s*$", re.IGNORECASE)
_SEPARATOR = re.compile(r"[;,/|&]|\s{3,}")
_ONE_DIGIT = re.compile(r"(\d)\1+")


def normalise_phone(raw: str | None, country: str | None, default_country: str | None = None) -> str | None:
    """The number in E.164 digits without the plus; None when it is not one complete number.

    A national number is read in ``country``, else in ``default_country`` (alpha-2); with neither only
    international forms ("+…", "00…") are accepted. Extensions are cut off; letters are not guessed at.
    """
    text = clean(raw)
    if text is None or _FLOAT.fullmatch(text):
        return None
    text = _EXTENSION.sub("", text)
    if text[:4].lower() == "tel:":
        text = text[4:]
    if any(c.isalpha() for c in text) or _holds_two(text):
        return None
    region = (normalise_country(country) or default_country or "").upper() or None
    for candidate, read_in in _readings(text, region):
        digits = _accepted(candidate, read_in)
        if digits is not None:
            return digits
    return None


def _holds_two(text: str) -> bool:
    parts = [part for part in _SEPARATOR.split(text) if sum(c.isdigit() for c in part) >= 7]
    return len(parts) > 1 or text.count("+") > 1


def _readings(text: str, region: str | None) -> list[tuple[str, str | None]]:
    """Ways to read the text, most telling first."""
    digits = "".join(str(int(c)) for c in text if c.isdecimal())
    readings: list[tuple[str, str | None]] = []
    if region is not None and _is_bare_international(text, digits, region):
        readings.append((f"+{digits}", None))
    readings.append((text, region))
    if digits.startswith("00") and "+" not in text:
        readings.append((f"+{digits[2:]}", None))
    return readings


def _is_bare_international(text: str, digits: str, region: str) -> bool:
    """Whether this is a country code without its plus.

    Where national numbers are written with a leading 0, one that starts with the own country code instead is
    international, though the library would find an area of that number (Germany has 0491).
    """
    metadata = PhoneMetadata.metadata_for_region(region, None)
    return (
        metadata is not None
        and metadata.national_prefix == "0"
        and "+" not in text
        and digits.startswith(str(metadata.country_code))
    )


def _accepted(candidate: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(candidate, region)
    except NumberParseException:
        return None
    national = phonenumbers.national_significant_number(number)
    digits = f"{number.country_code}{national}"
    if not MIN_DIGITS <= len(digits) <= MAX_DIGITS or _ONE_DIGIT.fullmatch(national):
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    return digits if _is_described(number.country_code or 0, national) else None


def _is_described(country_code: int, national: str) -> bool:
    return any(
        (pattern := _general_pattern(country_code, region)) is not None and pattern.fullmatch(national)
        for region in phonenumbers.region_codes_for_country_code(country_code)
    )


@cache
def _general_pattern(country_code: int, region: str) -> re.Pattern[str] | None:
    metadata = PhoneMetadata.metadata_for_region_or_calling_code(country_code, region)
    described = metadata.general_desc if metadata else None
    pattern = described.national_number_pattern if described else None
    return re.compile(pattern) if pattern else None


def phone_digits(default_country: str | None = None) -> Rule:
    """Digits with country code, without plus (Meta, Snapchat, Amazon). ``default_country`` is alpha-2."""
    return _rule("phone_digits", "", default_country)


def phone_e164(default_country: str | None = None) -> Rule:
    """E.164 with plus (Google, TikTok, X, The Trade Desk). ``default_country`` is alpha-2."""
    return _rule("phone_e164", "+", default_country)


def _rule(name: str, prefix: str, default_country: str | None) -> Rule:
    default = default_country.lower() if default_country else None
    return Rule(
        name=f"{name}[{default}]" if default else name,
        version=1,
        inputs=("phone", "country"),
        normalise=partial(_prefixed, prefix=prefix, default_country=default),
        fast=_fast_path(prefix, default),
    )


def _prefixed(
    raw: str | None, country: str | None, *, prefix: str, default_country: str | None
) -> str | None:
    digits = normalise_phone(raw, country, default_country)
    return None if digits is None else prefix + digits


# Plain digits and punctuation; a dot only before three digits or more, so that no spreadsheet fraction passes.
_PLAIN = r"[+]?[0-9 ()-]+(?:[.][0-9 ()-]{3,})*"
_COMPACT = "replace(replace(replace(replace(replace(phone, ' ', ''), '(', ''), ')', ''), '-', ''), '.', '')"
"""Nested ``replace`` is several times faster in DuckDB than ``translate`` or a regular expression."""
_DIGITS = "compact"
"""Name that the compact text is bound to, so that it is computed once a row and not once a case."""


def _fast_path(prefix: str, default_country: str | None) -> FastPath:
    cases = "\n".join(
        line for region in FAST_REGIONS for line in _region_cases(region, prefix, default_country)
    )
    value = f"list_transform([{_COMPACT}], lambda {_DIGITS}: case\n{cases}\nend)[1]"
    when = f"(phone is null or (regexp_full_match(phone, {quoted(_PLAIN)}) and ({value}) is not null))"
    return FastPath(when=when, value=value)


@dataclass(frozen=True, slots=True)
class _NumberPlan:
    """What the library knows of a region's numbers, as far as SQL needs it."""

    region: str
    code: str
    trunk: str
    pattern: str
    lengths: tuple[int, ...]


def _number_plan(region: str) -> _NumberPlan:
    metadata = PhoneMetadata.metadata_for_region(region, None)
    described = metadata.general_desc if metadata else None
    if metadata is None or described is None or not described.national_number_pattern:
        raise LookupError(f"phonenumbers has no number plan of {region}: reinstall it")
    code = str(metadata.country_code)
    fits = tuple(n for n in described.possible_length if MIN_DIGITS <= n + len(code) <= MAX_DIGITS)
    return _NumberPlan(region, code, metadata.national_prefix or "", described.national_number_pattern, fits)


def _region_cases(region: str, prefix: str, default_country: str | None) -> tuple[str, str]:
    """SQL ``when`` lines for a region's international and national forms."""
    plan = _number_plan(region)
    international = f"substr({_DIGITS}, {len(plan.code) + 2})"
    if plan.trunk == plan.code:  # North America: the 1 is country code and trunk prefix at once
        skipped = f"case when starts_with({_DIGITS}, '{plan.code}') then {len(plan.code) + 1} else 1 end"
        national, is_national = f"substr({_DIGITS}, {skipped})", "true"
    else:
        national = f"substr({_DIGITS}, {len(plan.trunk) + 1})"
        is_national = f"starts_with({_DIGITS}, {quoted(plan.trunk)})"
    here = f"coalesce(lower(country), '') in {listed(_countries(region, default_country))}"
    value = quoted(prefix + plan.code)
    return (
        f"when starts_with({_DIGITS}, '+{plan.code}') and {_is_number(international, plan)}"
        f" then {value} || {international}",
        f"when {here} and {is_national} and {_is_number(national, plan)} then {value} || {national}",
    )


def _countries(region: str, default_country: str | None) -> tuple[str, ...]:
    names = spellings(region)
    return (*names, "") if default_country == region.lower() else names


def _is_number(national: str, plan: _NumberPlan) -> str:
    """SQL for ``_accepted`` on a national significant number of this region."""
    one_digit = "|".join(f"{digit}+" for digit in range(10))
    return (
        f"regexp_full_match({national}, {quoted(plan.pattern)})"
        f" and length({national}) in ({', '.join(map(str, plan.lengths))})"
        f" and not regexp_full_match({national}, {quoted(one_digit)})"
    )
