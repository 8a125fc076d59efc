"""What Braze's calls carry."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from connectors.sandbox.played import StrictRequest
from connectors.sandbox.wire import Json

PEOPLE = 50
"""In one call that exports, deletes or sets a group."""

Row = dict[str, Json]
EmailState = Literal["subscribed", "unsubscribed", "opted_in"]
GroupState = Literal["subscribed", "unsubscribed"]


class Track(StrictRequest):
    """``POST /users/track`` and ``/users/track/bulk``."""

    attributes: list[Row] = Field(default=[])
    events: list[Row] = Field(default=[])
    purchases: list[Row] = Field(default=[])


class Alias(StrictRequest):
    """A name of our own for a profile."""

    alias_name: str = Field(min_length=1)
    alias_label: str = Field(min_length=1)


class People(StrictRequest):
    """Profiles by ids or aliases of our own."""

    external_ids: list[str] | None = Field(default=None, max_length=PEOPLE)
    user_aliases: list[Alias] | None = Field(default=None, max_length=PEOPLE)

    def aliases(self) -> list[Json] | None:
        """The aliases as objects."""
        return None if self.user_aliases is None else [alias.model_dump() for alias in self.user_aliases]


class PeopleToExport(People):
    """``POST /users/export/ids``."""

    braze_id: str | None = None
    email_address: str | None = None
    phone: str | None = None
    fields_to_export: list[str] = Field(min_length=1)


class SegmentToExport(StrictRequest):
    """``POST /users/export/segment``."""

    segment_id: str
    fields_to_export: list[str] = Field(min_length=1)
    callback_endpoint: str | None = None
    output_format: Literal["zip"] = "zip"


class PeopleToDelete(People):
    """``POST /users/delete``."""

    braze_ids: list[str] | None = Field(default=None, max_length=PEOPLE)


class EmailStatus(StrictRequest):
    """``POST /email/status``: consent, which no sync may touch."""

    email: str | list[str]
    subscription_state: EmailState


class Group(StrictRequest):
    """One group with its people."""

    subscription_group_id: str
    subscription_state: GroupState
    external_ids: list[str] = Field(default=[], max_length=PEOPLE)
    emails: list[str] = Field(default=[], max_length=PEOPLE)
    phones: list[str] = Field(default=[], max_length=PEOPLE)


class Groups(StrictRequest):
    """``POST /v2/subscription/status/set``."""

    subscription_groups: list[Group] = Field(min_length=1)


class OneGroup(StrictRequest):
    """``POST /subscription/status/set``."""

    subscription_group_id: str
    subscription_state: GroupState
    external_id: str | list[str] | None = None
    email: str | list[str] | None = None
    phone: str | list[str] | None = None
