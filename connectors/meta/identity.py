"""The columns Meta matches people on, and their way into a payload."""

from __future__ import annotations

from connectors.identity import Column, Encoding, Identity, Rule
from connectors.meta.settings import IDENTIFYING, Identifier, MetaSettings
from connectors.rules import (
    BIRTH_DAY,
    BIRTH_MONTH,
    BIRTH_YEAR,
    CITY,
    COUNTRY,
    EMAIL,
    EXTERNAL_ID,
    FIRST_NAME,
    GENDER,
    LAST_NAME,
    MADID,
    STATE,
    ZIP,
    phone_digits,
)

UNHASHED: tuple[Identifier, ...] = ("EXTERN_ID", "MADID")
"""Meta's guide: advertising ids must not be hashed, external ids need not be."""


def meta_identity(settings: MetaSettings) -> Identity:
    """The account's columns in the order of its ``identifiers``.

    All of them belong to the handle: Meta keeps external ids for 90 days only and asks for the same keys on removal
    as on adding.
    """
    rules: dict[Identifier, Rule] = {
        "EXTERN_ID": EXTERNAL_ID,
        "EMAIL": EMAIL,
        "PHONE": phone_digits(settings.default_country),
        "FN": FIRST_NAME,
        "LN": LAST_NAME,
        "GEN": GENDER,
        "DOBY": BIRTH_YEAR,
        "DOBM": BIRTH_MONTH,
        "DOBD": BIRTH_DAY,
        "CT": CITY,
        "ST": STATE,
        "ZIP": ZIP,
        "COUNTRY": COUNTRY,
        "MADID": MADID,
    }
    columns = tuple(
        Column(name, rules[name], _encoding(name), identifies=name in IDENTIFYING)
        for name in settings.identifiers
    )
    return Identity("meta", 1, columns)


def _encoding(name: Identifier) -> Encoding:
    return "plain" if name in UNHASHED else "sha256_hex"
