"""What Pinterest reads: customer lists, the audiences that wrap them, and records in one string."""

from __future__ import annotations

import hashlib
import re
from typing import Literal

from pydantic import Field

from connectors.sandbox.ads.platform import StrictRequest

_DIGEST = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

ListType = Literal["EMAIL", "IDFA", "MAID", "LR_ID", "DLX_ID", "HASHED_PINNER_ID"]


class NewList(StrictRequest):
    """``POST …/customer_lists``."""

    name: str = Field(min_length=1)
    list_type: ListType = "EMAIL"
    records: str


class ListUpdate(StrictRequest):
    """``PATCH …/customer_lists/{id}``."""

    operation_type: Literal["ADD", "REMOVE"]
    records: str


class Rule(StrictRequest):
    """Who is in an audience."""

    customer_list_id: str = Field(pattern=r"^\d+$")


class NewAudience(StrictRequest):
    """``POST …/audiences``."""

    ad_account_id: str | None = None
    name: str = Field(min_length=1)
    audience_type: Literal["CUSTOMER_LIST"]
    description: str = ""
    rule: Rule


class AudienceUpdate(StrictRequest):
    """``PATCH …/audiences/{id}``; what is not given stays."""

    ad_account_id: str | None = None
    name: str | None = Field(default=None, min_length=1)
    description: str | None = None
    rule: Rule | None = None
    operation_type: Literal["UPDATE", "REMOVE"] = "UPDATE"


def split_records(text: str) -> list[str]:
    """The records of a string; a comma at the end is as good as none."""
    return [record for record in (part.strip() for part in text.split(",")) if record]


def recognised(record: str) -> str | None:
    """The digest by which Pinterest knows a record, None for what can never match: it says nothing of those."""
    if _DIGEST.fullmatch(record):
        return record
    if _ADDRESS.fullmatch(record) and record == record.lower():
        return hashlib.sha256(record.encode()).hexdigest()
    return None
