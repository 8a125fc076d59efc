"""What Criteo's audience calls hold, and its own words for refusals and warnings."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Generic, Literal, TypeVar

from pydantic import Field
from pydantic.alias_generators import to_camel

from connectors.sandbox.ads.platform import StrictRequest
from connectors.sandbox.wire import Json, Reply, json_reply
from connectors.sandbox.words import Words

CALLS_PER_MINUTE = 250
"""Of an app by client credentials."""
TRACE = "7c9e6679742540de944be07fc1f90ae7"
TYPES = {401: "authorization", 403: "access-control", 410: "deprecation", 429: "quota"}
"""An error's type by its status; others are faults of the request, or of the platform from 500 on."""

Attributes = TypeVar("Attributes")
IdentifierType = Literal["email", "madid", "identityLink", "gum", "phoneNumber"]
SegmentType = Literal[
    "Unknown",
    "InMarket",
    "Prospecting",
    "ContactList",
    "Location",
    "Behavioral",
    "Retargeting",
    "Lookalike",
]


def problem(type_: str, code: str, detail: str, instance: str) -> dict[str, Json]:
    """One entry of ``errors`` or ``warnings``."""
    return {
        "traceId": TRACE,
        "type": type_,
        "code": code,
        "instance": instance,
        "title": code.replace("-", " ").capitalize(),
        "detail": detail,
    }


def rate_headers(limit: int, remaining: int, reset: float) -> dict[str, str]:
    """How many calls are left; ``reset`` in seconds since 1970 by the caller's clock."""
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": str(math.ceil(reset)),
    }


class CriteoWords(Words):
    """Problems in ``errors``, each with a type, a code and a trace."""

    def too_many(self, status: int = 429, code: int = 0) -> Reply:
        """The calls are spent, for a second where a fault says so."""
        reply = self.refused(status, "quota", "The rate limit was exceeded.")
        return replace(reply, headers=rate_headers(CALLS_PER_MINUTE, 0, time.time() + 1))

    def server_error(self, status: int = 500) -> Reply:
        """Their side."""
        return self.refused(status, "internal-error", "An internal error occurred.")

    def signed_out(self, *, expired: bool) -> Reply:
        """401."""
        code = "authorization-token-expired" if expired else "authorization-token-invalid"
        return self.refused(401, code, "The authorization header is not valid.")

    def gone(self, audience_id: str, method: str = "GET") -> Reply:
        """404."""
        return self.refused(404, "segment-not-found", "Segment is not found.")

    def refused(self, status: int, code: str, message: str) -> Reply:
        """An error by its status and code."""
        kind = TYPES.get(status, "availability" if status >= 500 else "validation")
        error = problem(kind, code.replace("_", "-"), message, "/marketing-solutions")
        return json_reply({"errors": [error], "warnings": []}, status=status, outcome=f"refused: {code}")


class CamelRequest(StrictRequest, alias_generator=to_camel):
    """Fields are spelled as the API spells them."""


class ContactList(CamelRequest):
    """Says of what type a new segment is; there is nothing to choose."""


class NewSegmentAttributes(CamelRequest):
    """One segment of people to create."""

    advertiser_id: str
    name: str
    description: str = ""
    contact_list: ContactList


class NewSegment(CamelRequest):
    """Its envelope."""

    type: Literal["AudienceSegment"] = "AudienceSegment"
    attributes: NewSegmentAttributes


class NewSegments(CamelRequest):
    """``POST /audience-segments/create``."""

    data: list[NewSegment] = Field(min_length=1)


class NewDescription(CamelRequest):
    """A description, or null for none."""

    value: str | None


class SegmentChangeAttributes(CamelRequest):
    """What is absent stays."""

    name: str | None = None
    description: NewDescription | None = None


class SegmentChange(CamelRequest):
    """One segment to change."""

    id: str
    type: Literal["AudienceSegment"] = "AudienceSegment"
    attributes: SegmentChangeAttributes


class SegmentChanges(CamelRequest):
    """``PATCH /audience-segments``."""

    data: list[SegmentChange] = Field(min_length=1)


class Named(CamelRequest):
    """A segment or an audience by its id."""

    id: str
    type: str = ""


class NamedOnes(CamelRequest):
    """Bodies that only name what they are about."""

    data: list[Named] = Field(min_length=1)


class Wanted(CamelRequest, Generic[Attributes]):
    """What a search is for."""

    type: str = ""
    attributes: Attributes


class Search(CamelRequest, Generic[Attributes]):
    """``POST …/search``."""

    data: Wanted[Attributes]


class SegmentSearch(CamelRequest):
    """All that is given has to hold."""

    audience_segment_ids: list[str] | None = None
    advertiser_ids: list[str] | None = None
    audience_segment_types: list[SegmentType] | None = None


class AmendmentAttributes(CamelRequest):
    """One operation with identifiers of one type."""

    operation: Literal["add", "remove"]
    identifier_type: IdentifierType
    identifiers: list[str] = Field(min_length=1)
    gum_caller_id: int | None = None


class AmendmentData(CamelRequest):
    """Its envelope."""

    type: Literal["ContactlistAmendment"]
    attributes: AmendmentAttributes


class Amendment(CamelRequest):
    """``PATCH /audience-segments/{id}/contact-list``."""

    data: AmendmentData


class Algebra(CamelRequest):
    """A segment, or an expression over some; one of the four."""

    audience_segment_id: str | None = None
    and_: list[Algebra] | None = Field(default=None, alias="and")
    or_: list[Algebra] | None = Field(default=None, alias="or")
    not_: Algebra | None = Field(default=None, alias="not")

    def segments(self) -> set[str]:
        """Every segment that is named. Raises ValueError for a node that is not exactly one of the four."""
        parts = (self.audience_segment_id, self.and_, self.or_, self.not_)
        if sum(part is not None for part in parts) != 1:
            raise ValueError("a node is a segment, an and, an or, or a not")
        if self.audience_segment_id is not None:
            return {self.audience_segment_id}
        nodes = [self.not_] if self.not_ else [*(self.and_ or ()), *(self.or_ or ())]
        return {segment for node in nodes for segment in node.segments()}


class NewAudienceAttributes(CamelRequest):
    """One audience to create."""

    advertiser_id: str
    name: str
    description: str = ""
    algebra: Algebra


class NewAudience(CamelRequest):
    """Its envelope."""

    type: Literal["Audience"] = "Audience"
    attributes: NewAudienceAttributes


class NewAudiences(CamelRequest):
    """``POST /audiences/create``."""

    data: list[NewAudience] = Field(min_length=1)


class AudienceChangeAttributes(CamelRequest):
    """The audience's new expression."""

    algebra: Algebra


class AudienceChange(CamelRequest):
    """One audience to change."""

    id: str
    type: Literal["Audience"] = "Audience"
    attributes: AudienceChangeAttributes


class AudienceChanges(CamelRequest):
    """``PATCH /audiences``."""

    data: list[AudienceChange] = Field(min_length=1)


class AudienceSearch(CamelRequest):
    """All that is given has to hold."""

    audience_ids: list[str] | None = None
    advertiser_ids: list[str] | None = None
    audience_segment_ids: list[str] | None = None
