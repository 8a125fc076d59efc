"""Identifiers that are not hashed: mobile advertising ids and a company's own person ids."""

from __future__ import annotations

import re

from connectors.identity import FastPath, Rule
from connectors.rules.text import PLACEHOLDER_LIST, clean

MAX_EXTERNAL_ID = 255

_HEX_32 = re.compile(r"[0-9a-f]{32}")
_NOBODY = "00000000-0000-0000-0000-000000000000"
"""What a phone answers whose owner limits ad tracking."""


def normalise_madid(raw: str | None) -> str | None:
    """An advertising id as 36 lower-case characters with hyphens; None for the id of limited tracking."""
    text = clean(raw)
    digits = text.lower().replace("-", "") if text is not None else ""
    if not _HEX_32.fullmatch(digits):
        return None
    madid = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return None if madid == _NOBODY else madid


def normalise_external_id(raw: str | None) -> str | None:
    """The id as it is, outer white space aside; leading zeros, case and punctuation mean something."""
    if raw is None or len(raw) > MAX_EXTERNAL_ID:
        return None
    text = raw.strip()
    return text if clean(text) is not None else None


def normalise_madid_upper(raw: str | None) -> str | None:
    """The same in upper case."""
    madid = normalise_madid(raw)
    return madid.upper() if madid else None


def normalise_madid_as_written(raw: str | None) -> str | None:
    """In upper case when a letter of it is, as Apple's phones give it, else in lower case, as Google's do."""
    madid = normalise_madid(raw)
    return madid.upper() if madid and raw and raw != raw.lower() else madid


_MADID_WHEN = (
    "(mobile_ad_id is null or (regexp_full_match(mobile_ad_id,"
    " '[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}')"
    f" and mobile_ad_id <> '{_NOBODY}'))"
)

MADID = Rule(
    name="madid",
    version=1,
    inputs=("mobile_ad_id",),
    normalise=normalise_madid,
    fast=FastPath(when=_MADID_WHEN, value="lower(mobile_ad_id)"),
)
MADID_UPPER = Rule(
    name="madid_upper",
    version=1,
    inputs=("mobile_ad_id",),
    normalise=normalise_madid_upper,
    fast=FastPath(when=_MADID_WHEN, value="upper(mobile_ad_id)"),
)
"""Apple's advertising ids as Reddit hashes them."""
MADID_AS_WRITTEN = Rule(
    name="madid_as_written",
    version=1,
    inputs=("mobile_ad_id",),
    normalise=normalise_madid_as_written,
    fast=FastPath(
        when=_MADID_WHEN,
        value="case when mobile_ad_id <> lower(mobile_ad_id) then upper(mobile_ad_id) else mobile_ad_id end",
    ),
)
"""Ids of both, told apart by their letters."""

EXTERNAL_ID = Rule(
    name="external_id",
    version=1,
    inputs=("external_id",),
    normalise=normalise_external_id,
    fast=FastPath(
        when=(
            f"(external_id is null or (regexp_full_match(external_id, '[!-~]{{1,{MAX_EXTERNAL_ID}}}')"
            f" and lower(external_id) not in {PLACEHOLDER_LIST}))"
        ),
        value="external_id",
    ),
)
