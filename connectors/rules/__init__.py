"""Normalisation rules: from raw columns of ``people`` to the one text a platform expects.

Each rule's Python function decides everything; its SQL fast path claims only what it does exactly alike. A change
of what a rule answers needs a higher ``version``: members then differ, and the engine treats it as a migration.
"""

from connectors.rules.address import ADDRESS
from connectors.rules.country import COUNTRY, REGION
from connectors.rules.email import EMAIL, EMAIL_DIGEST, EMAIL_GMAIL, EMAIL_LETTERS, EMAIL_SPACELESS
from connectors.rules.ids import EXTERNAL_ID, MADID, MADID_AS_WRITTEN, MADID_UPPER
from connectors.rules.person import (
    BIRTH_DAY,
    BIRTH_MONTH,
    BIRTH_YEAR,
    FIRST_NAME,
    FIRST_NAME_AS_WRITTEN,
    GENDER,
    LAST_NAME,
    LAST_NAME_AS_WRITTEN,
)
from connectors.rules.phone import phone_digits, phone_e164
from connectors.rules.place import CITY, STATE, ZIP

__all__ = [
    "ADDRESS",
    "BIRTH_DAY",
    "BIRTH_MONTH",
    "BIRTH_YEAR",
    "CITY",
    "COUNTRY",
    "EMAIL",
    "EMAIL_DIGEST",
    "EMAIL_GMAIL",
    "EMAIL_LETTERS",
    "EMAIL_SPACELESS",
    "EXTERNAL_ID",
    "FIRST_NAME",
    "FIRST_NAME_AS_WRITTEN",
    "GENDER",
    "LAST_NAME",
    "LAST_NAME_AS_WRITTEN",
    "MADID",
    "MADID_AS_WRITTEN",
    "MADID_UPPER",
    "REGION",
    "STATE",
    "ZIP",
    "phone_digits",
    "phone_e164",
]
