"""Names, gender and date of birth."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Literal

from connectors.identity import FastPath, Rule
from connectors.rules.text import PLACEHOLDER_LIST, clean, listed

EARLIEST_BIRTH = date(1900, 1, 1)
_FAST_BIRTH_LIMIT = date(2010, 1, 1)

_GENDERS = {"m": "m", "male": "m", "man": "m", "f": "f", "female": "f", "woman": "f"}
_BIRTH_DATE = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ]\d{2}:\d{2}.*)?", re.ASCII)


def letters(raw: str | None) -> str | None:
    """Letters and their marks in lower case: no white space, punctuation or digits. Accents stay."""
    text = clean(raw)
    if text is None:
        return None
    kept = "".join(c for c in text.lower() if unicodedata.category(c)[0] in "LM")
    return unicodedata.normalize("NFC", kept) or None


def normalise_gender(raw: str | None) -> str | None:
    """``m`` or ``f`` where the word says so; None otherwise."""
    text = clean(raw)
    return _GENDERS.get(text.lower()) if text is not None else None


def birth_date(raw: str | None) -> date | None:
    """The day from ISO 8601 text (``2000-02-29``, ``20000229``, with or without a time).

    Other orders of day and month cannot be told apart and count as unusable, as do days before 1900 or to come.
    """
    text = clean(raw)
    match = _BIRTH_DATE.fullmatch(text) if text is not None else None
    if match is None:
        return None
    try:
        day = date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return None
    return day if EARLIEST_BIRTH <= day <= date.today() else None


def _birth_year(raw: str | None) -> str | None:
    day = birth_date(raw)
    return f"{day:%Y}" if day else None


def _birth_month(raw: str | None) -> str | None:
    day = birth_date(raw)
    return f"{day:%m}" if day else None


def _birth_day(raw: str | None) -> str | None:
    day = birth_date(raw)
    return f"{day:%d}" if day else None


def letters_fast_path(column: str) -> FastPath:
    """Plain ASCII names: SQL drops the same punctuation that ``letters`` does."""
    value = f"lower(replace(replace(replace(replace({column}, ' ', ''), '.', ''), '-', ''), '''', ''))"
    return FastPath(
        when=(
            f"({column} is null or (length({column}) <= 100 and regexp_full_match({column}, '[A-Za-z .''-]*')"
            f" and {value} not in {PLACEHOLDER_LIST}))"
        ),
        value=value,
    )


def _birth_fast_path(start: int, length: Literal[2, 4]) -> FastPath:
    return FastPath(
        when=(
            "(birth_date is null or (regexp_full_match(birth_date, '[0-9]{4}-[0-9]{2}-[0-9]{2}')"
            f" and try_cast(birth_date as date) >= date '{EARLIEST_BIRTH}'"
            f" and try_cast(birth_date as date) < date '{_FAST_BIRTH_LIMIT}'))"
        ),
        value=f"substr(birth_date, {start}, {length})",
    )


FIRST_NAME = Rule("first_name", 1, ("first_name",), letters, letters_fast_path("first_name"))
LAST_NAME = Rule("last_name", 1, ("last_name",), letters, letters_fast_path("last_name"))
GENDER = Rule(
    name="gender",
    version=1,
    inputs=("gender",),
    normalise=normalise_gender,
    fast=FastPath(
        when=f"(gender is null or lower(gender) in {listed(_GENDERS)})",
        value="case when lower(gender) in ('m', 'male', 'man') then 'm' when gender is not null then 'f' end",
    ),
)
BIRTH_YEAR = Rule("birth_year", 1, ("birth_date",), _birth_year, _birth_fast_path(1, 4))
BIRTH_MONTH = Rule("birth_month", 1, ("birth_date",), _birth_month, _birth_fast_path(6, 2))
BIRTH_DAY = Rule("birth_day", 1, ("birth_date",), _birth_day, _birth_fast_path(9, 2))


def _as_written(raw: str | None) -> str | None:
    """A name for showing to people: outer white space and invisible characters gone, inner runs single."""
    text = clean(raw)
    return " ".join(text.split()) if text is not None else None


FIRST_NAME_AS_WRITTEN = Rule("first_name_as_written", 1, ("first_name",), _as_written)
LAST_NAME_AS_WRITTEN = Rule("last_name_as_written", 1, ("last_name",), _as_written)
