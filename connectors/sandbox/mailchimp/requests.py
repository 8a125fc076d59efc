"""Request models of the Marketing API, written from its reference. Fields beyond the reference are refused.

The real service ignores some unknown fields in silence; here they are an error, because a misspelt field that
nobody notices is what a sandbox is for.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from connectors.sandbox.wire import Json

Status = Literal["subscribed", "unsubscribed", "cleaned", "pending", "transactional"]
MAX_MEMBERS = 500
"""Addresses in one array of a bulk call."""
MAX_PAGE = 1_000
MAX_OPERATIONS = 1_000
MAX_PENDING_BATCHES = 500


def _as_stored(text: str) -> str:
    """Raises ValueError for a time without its zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time needs its zone, such as 2015-10-21T15:41:36+00:00")
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


Moment = Annotated[str, AfterValidator(_as_stored)]
"""A time in a query, in ISO 8601; compared with stored ones."""


class ApiRequest(BaseModel):
    """Strict: no coercion, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Query(BaseModel):
    """Query parameters are text and therefore converted; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoQuery(Query):
    """A call without parameters."""


class Fields(Query):
    """Which fields to answer with, in dot notation."""

    fields: str | None = None
    exclude_fields: str | None = None


class Page(Fields):
    """Offset paging: 10 at a time unless asked otherwise, 1,000 at most."""

    count: int = Field(default=10, ge=0, le=MAX_PAGE)
    offset: int = Field(default=0, ge=0)


class ListsQuery(Page):
    """``GET /lists``."""

    email: str | None = None
    sort_field: Literal["date_created"] | None = None
    sort_dir: Literal["ASC", "DESC"] = "ASC"
    include_total_contacts: bool = False


class ListQuery(Fields):
    """``GET /lists/{list_id}``."""

    include_total_contacts: bool = False


class MembersQuery(Page):
    """``GET /lists/{list_id}/members``."""

    status: Literal[Status, "archived"] | None = None
    since_last_changed: Moment | None = None
    before_last_changed: Moment | None = None
    email_type: Literal["html", "text"] | None = None
    unique_email_id: str | None = None
    vip_only: bool = False
    sort_field: Literal["timestamp_opt", "timestamp_signup", "last_changed"] | None = None
    sort_dir: Literal["ASC", "DESC"] = "ASC"


class InclusionQuery(Query):
    """The flags without which people who are not subscribed stay unseen."""

    include_cleaned: bool = False
    include_transactional: bool = False
    include_unsubscribed: bool = False


class SegmentMembersQuery(Page, InclusionQuery):
    """``GET /lists/{list_id}/segments/{segment_id}/members``."""


class SegmentQuery(Fields, InclusionQuery):
    """``GET /lists/{list_id}/segments/{segment_id}``."""


class SegmentsQuery(Page, InclusionQuery):
    """``GET /lists/{list_id}/segments``."""

    type: Literal["saved", "static", "fuzzy"] | None = None
    since_created_at: str | None = None
    before_created_at: str | None = None
    since_updated_at: str | None = None
    before_updated_at: str | None = None


class TagSearchQuery(Query):
    """``GET /lists/{list_id}/tag-search``."""

    name: str = ""


class MergeFieldsQuery(Page):
    """``GET /lists/{list_id}/merge-fields``."""

    type: str | None = None
    required: bool | None = None


class WriteMemberQuery(Query):
    """Calls that write one contact."""

    skip_merge_validation: bool = False


class BatchSubscribeQuery(WriteMemberQuery):
    """``POST /lists/{list_id}``."""

    skip_duplicate_check: bool = False


class SearchMembersQuery(Fields):
    """``GET /search-members``."""

    query: str = Field(min_length=1)
    list_id: str | None = None


class Location(ApiRequest):
    """Where a contact is."""

    latitude: float = 0
    longitude: float = 0


class MarketingPermission(ApiRequest):
    """One consent field of the list."""

    marketing_permission_id: str
    enabled: bool


class MemberFields(ApiRequest):
    """What every call that writes a contact may carry besides address and status."""

    email_type: Literal["html", "text"] | None = None
    merge_fields: dict[str, Json] | None = None
    interests: dict[str, bool] | None = None
    language: str | None = None
    vip: bool | None = None
    location: Location | None = None
    marketing_permissions: list[MarketingPermission] | None = None
    ip_signup: str | None = None
    timestamp_signup: str | None = None
    ip_opt: str | None = None
    timestamp_opt: str | None = None


class PutMember(MemberFields):
    """``PUT /lists/{list_id}/members/{subscriber_hash}``: the schema requires address and status_if_new."""

    email_address: str
    status_if_new: Status
    status: Status | None = None


class PostMember(MemberFields):
    """``POST /lists/{list_id}/members``."""

    email_address: str
    status: Status
    tags: list[str] = []


class PatchMember(MemberFields):
    """``PATCH /lists/{list_id}/members/{subscriber_hash}``."""

    email_address: str | None = None
    status: Status | None = None


class SubscribedMember(MemberFields):
    """One row of a batch subscription."""

    email_address: str
    status: Status
    tags: list[str] = []


class BatchSubscribe(ApiRequest):
    """``POST /lists/{list_id}``."""

    members: list[SubscribedMember] = Field(max_length=MAX_MEMBERS)
    sync_tags: bool = False
    update_existing: bool = False


class TagChange(ApiRequest):
    """One tag, on or off."""

    name: str = Field(min_length=1, max_length=100)
    status: Literal["active", "inactive"]


class UpdateTags(ApiRequest):
    """``POST /lists/{list_id}/members/{subscriber_hash}/tags``."""

    tags: list[TagChange] = Field(min_length=1)
    is_syncing: bool = False


class SegmentOptions(ApiRequest):
    """Conditions of a saved segment; kept as they are, never evaluated."""

    match: Literal["any", "all"]
    conditions: list[dict[str, Json]]


class CreateSegment(ApiRequest):
    """``POST /lists/{list_id}/segments``: static (addresses, maybe none) or saved (conditions)."""

    name: str = Field(min_length=1, max_length=100)
    static_segment: list[str] | None = Field(default=None, max_length=MAX_MEMBERS)
    options: SegmentOptions | None = None


class UpdateSegment(ApiRequest):
    """``PATCH /lists/{list_id}/segments/{segment_id}``."""

    name: str | None = Field(default=None, min_length=1, max_length=100)
    static_segment: list[str] | None = Field(default=None, max_length=MAX_MEMBERS)
    options: SegmentOptions | None = None


class EditSegment(ApiRequest):
    """``POST /lists/{list_id}/segments/{segment_id}``."""

    members_to_add: list[str] = Field(default=[], max_length=MAX_MEMBERS)
    members_to_remove: list[str] = Field(default=[], max_length=MAX_MEMBERS)


class AddSegmentMember(ApiRequest):
    """``POST /lists/{list_id}/segments/{segment_id}/members``."""

    email_address: str


class CreateMergeField(ApiRequest):
    """``POST /lists/{list_id}/merge-fields``."""

    name: str = Field(min_length=1)
    type: Literal[
        "text",
        "number",
        "address",
        "phone",
        "date",
        "url",
        "imageurl",
        "radio",
        "dropdown",
        "birthday",
        "zip",
    ]
    tag: str | None = Field(default=None, max_length=10, pattern=r"^[A-Z0-9_]+$")
    required: bool = False
    default_value: str = ""
    public: bool = True
    display_order: int | None = None
    options: dict[str, Json] = {}
    help_text: str = ""


class UpdateMergeField(ApiRequest):
    """``PATCH /lists/{list_id}/merge-fields/{merge_id}``."""

    name: str | None = Field(default=None, min_length=1)
    tag: str | None = Field(default=None, max_length=10, pattern=r"^[A-Z0-9_]+$")
    required: bool | None = None


class Operation(ApiRequest):
    """One call within a batch. ``body`` is JSON in a string, ``params`` the query."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str = Field(min_length=1)
    operation_id: str | None = None
    params: dict[str, Json] = {}
    body: str | None = None


class CreateBatch(ApiRequest):
    """``POST /batches``."""

    operations: list[Operation] = Field(min_length=1, max_length=MAX_OPERATIONS)
