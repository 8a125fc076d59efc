"""What LinkedIn reads: segments, and people to add and to remove."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from connectors.sandbox.ads.holdings import Member, Op
from connectors.sandbox.ads.platform import StrictRequest

MAX_ELEMENTS = 5_000

ID_VALUES: Mapping[str, re.Pattern[str]] = {
    "SHA256_EMAIL": re.compile(r"[0-9a-f]{64}"),
    "SHA512_EMAIL": re.compile(r"[0-9a-f]{128}"),
    "GOOGLE_AID": re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
}
"""Kinds of identifiers, and what they look like."""


class Destination(StrictRequest):
    """Where a segment's people are shown advertisements."""

    destination: Literal["LINKEDIN"]


class NewSegment(StrictRequest):
    """``POST /dmpSegments``."""

    name: str = Field(min_length=1)
    sourcePlatform: str
    sourceSegmentId: str = Field(min_length=1)
    account: str
    type: Literal["USER", "COMPANY"]
    destinations: list[Destination] = Field(min_length=1, max_length=1)


class NewName(StrictRequest):
    """What a partial update may set."""

    name: str = Field(min_length=1)


class Patch(StrictRequest):
    """A difference, in Rest.li's way."""

    set_: NewName = Field(alias="$set")


class SegmentPatch(StrictRequest):
    """``POST /dmpSegments/{id}`` as PARTIAL_UPDATE."""

    patch: Patch


class UserId(StrictRequest):
    """One identifier."""

    idType: Literal["SHA256_EMAIL", "SHA512_EMAIL", "GOOGLE_AID"]
    idValue: str

    @model_validator(mode="after")
    def _looks_right(self) -> Self:
        if not ID_VALUES[self.idType].fullmatch(self.idValue):
            raise ValueError(f"not a {self.idType}")
        return self


class Element(StrictRequest):
    """One person to add or to remove."""

    action: Literal["ADD", "REMOVE"]
    userIds: list[UserId] = Field(default_factory=list)
    firstName: str = Field(default="", max_length=35)
    lastName: str = Field(default="", max_length=35)
    title: str = Field(default="", max_length=50)
    company: str = ""
    country: str | None = Field(default=None, pattern=r"^[A-Z]{2}$")

    @model_validator(mode="after")
    def _is_somebody(self) -> Self:
        if not self.userIds and not (self.firstName and self.lastName):
            raise ValueError("userIds, or firstName and lastName, are needed")
        return self

    @property
    def op(self) -> Op:
        """What becomes of the person."""
        return "add" if self.action == "ADD" else "remove"

    @property
    def member(self) -> Member:
        """The identifiers; the name only where there are none."""
        if self.userIds:
            return tuple((found.idType, found.idValue) for found in self.userIds)
        return (("NAME", f"{self.firstName} {self.lastName}"),)


class Batch(StrictRequest):
    """``POST /dmpSegments/{id}/users``: each element is judged on its own."""

    elements: list[Any] = Field(min_length=1, max_length=MAX_ELEMENTS)


def judged(content: object) -> Element | str:
    """An element, or what is wrong with it, never its value."""
    try:
        return Element.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return f"{place or 'element'}: {first['msg']}"
