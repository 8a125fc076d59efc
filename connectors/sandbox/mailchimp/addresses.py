"""E-mail addresses and the three ways the API names a contact: hash, address, contact id."""

from __future__ import annotations

import hashlib
import re

from connectors.sandbox.mailchimp.errors import LOOKS_FAKE, NOT_AN_ADDRESS, FieldFault

_ADDRESS = re.compile(
    r"[^\s@<>()\[\],;:\\\"]{1,64}@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}", re.IGNORECASE
)
_RESERVED = re.compile(r"(?:^|\.)(?:example\.(?:com|net|org)|example|test|invalid|localhost)$", re.IGNORECASE)


def subscriber_hash(email: str) -> str:
    """MD5 of the lower-cased address: the contact's name in every path."""
    return hashlib.md5(email.lower().encode(), usedforsecurity=False).hexdigest()


def contact_id(list_id: str, member_hash: str) -> str:
    """The list's own id of a contact: another 32 hexadecimal digits."""
    return hashlib.md5(f"contact:{list_id}:{member_hash}".encode(), usedforsecurity=False).hexdigest()


def unique_email_id(member_hash: str) -> str:
    """The account-wide id of an address."""
    return hashlib.md5(f"unique:{member_hash}".encode(), usedforsecurity=False).hexdigest()[:10]


def fault_of(email: str, *, refuse_reserved: bool) -> FieldFault | None:
    """Why an address is not taken, or None."""
    if not _ADDRESS.fullmatch(email) or ".." in email or email[0] == ".":
        return NOT_AN_ADDRESS
    if refuse_reserved and _RESERVED.search(email.rpartition("@")[2]):
        return LOOKS_FAKE
    return None
