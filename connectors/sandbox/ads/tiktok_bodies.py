"""The bodies that TikTok's streaming API takes."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from connectors.sandbox.ads.platform import StrictRequest

MAX_PEOPLE = 10_000
KINDS = frozenset(
    {"EMAIL_SHA256", "PHONE_SHA256", "IDFA_SHA256", "AAID_SHA256", "IDFA_MD5", "AAID_MD5"},
)
DIGEST_LENGTH = {"SHA256": 64, "MD5": 32}


class SegmentChange(StrictRequest):
    """``POST /segment/audience/``: a name to create, or an id to delete."""

    advertiser_id: str
    action: Literal["create", "delete"]
    custom_audience_name: str = ""
    delete_audience_id: str = ""

    @model_validator(mode="after")
    def _names_its_object(self) -> SegmentChange:
        named = {"create": self.custom_audience_name, "delete": self.delete_audience_id}
        if not named.pop(self.action):
            raise ValueError(f"{self.action} without its object")
        if any(named.values()):
            raise ValueError(f"{self.action} with the object of another action")
        return self


class MappedId(StrictRequest):
    """One id of a person and where it goes; empty where the person has none of this kind."""

    id: str = ""
    audience_ids: list[str] = Field(default=[])

    @model_validator(mode="after")
    def _whole_or_empty(self) -> MappedId:
        if bool(self.id) != bool(self.audience_ids):
            raise ValueError("id and audience_ids belong together")
        return self


class MappedPeople(StrictRequest):
    """``POST /segment/mapping/``."""

    advertiser_ids: list[str] = Field(min_length=1)
    action: Literal["add", "delete"] = "add"
    id_schema: list[str] = Field(min_length=1)
    batch_data: list[list[MappedId]] = Field(min_length=1, max_length=MAX_PEOPLE)

    @field_validator("id_schema")
    @classmethod
    def _kinds(cls, value: list[str]) -> list[str]:
        kinds = [kind.upper() for kind in value]
        if not set(kinds) <= KINDS:
            raise ValueError("an unknown type of id")
        if len(set(kinds)) < len(kinds):
            raise ValueError("a type of id stands there twice")
        return kinds

    @model_validator(mode="after")
    def _fits_the_schema(self) -> MappedPeople:
        for row in self.batch_data:
            if len(row) > len(self.id_schema):
                raise ValueError("a row holds more ids than id_schema")
            for kind, mapped in zip(self.id_schema, row, strict=False):
                if mapped.id and not _is_digest(kind, mapped.id):
                    raise ValueError("an id is no digest of its type")
        return self


def _is_digest(kind: str, value: str) -> bool:
    length = DIGEST_LENGTH[kind.partition("_")[2]]
    return re.fullmatch(f"[0-9a-f]{{{length}}}", value) is not None
