"""Request models of the custom-audience calls, written from the reference pages. Unknown fields are refused."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

MAX_SESSION_ID = 2**63 - 1

CustomerFileSource = Literal["USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED"]


class GraphRequest(BaseModel):
    """Strict: no coercion, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CreateAudience(GraphRequest):
    """``POST /act_<id>/customaudiences`` for a customer file."""

    name: str = Field(min_length=1)
    subtype: Literal["CUSTOM"]
    customer_file_source: CustomerFileSource
    description: str | None = None
    audience_labels: list[str] = []
    retention_days: int | None = Field(default=None, ge=1, le=180)
    is_value_based: bool = False
    opt_out_link: str | None = None
    enable_fetch_or_create: bool = False


class UpdateAudience(GraphRequest):
    """``POST /<audience_id>``."""

    name: str | None = Field(default=None, min_length=1)
    description: str | None = None
    opt_out_link: str | None = None


class ReadNode(GraphRequest):
    """``GET`` of one object."""

    fields: str | None = None


class ListEdge(GraphRequest):
    """``GET`` of an edge with cursor paging."""

    fields: str | None = None
    limit: int = Field(default=25, ge=1)
    after: str | None = None
    before: str | None = None
    summary: bool = False


class ListSessions(ListEdge):
    """``GET /<audience_id>/sessions``."""

    session_id: int | None = None


class Session(GraphRequest):
    """Bookkeeping of one upload in several requests."""

    session_id: int = Field(ge=1, le=MAX_SESSION_ID)
    batch_seq: int = Field(ge=1)
    last_batch_flag: bool = False
    estimated_num_total: int | None = Field(default=None, ge=0)


class Payload(GraphRequest):
    """Schema and rows. The rows are judged apart, as a whole and one by one."""

    schema_: str | list[str] = Field(alias="schema")
    data: list[Any]
    is_raw: bool = False
    page_ids: list[str] | None = None
    app_ids: list[str] | None = None

    @field_validator("schema_")
    @classmethod
    def _not_empty(cls, value: str | list[str]) -> str | list[str]:
        if not value:
            raise ValueError("must not be empty")
        return value


class EditUsers(GraphRequest):
    """``POST`` or ``DELETE /<audience_id>/users``."""

    payload: Payload
    session: Session | None = None


class ReplaceUsers(GraphRequest):
    """``POST /<audience_id>/usersreplace``: the session is what makes it one replacement."""

    payload: Payload
    session: Session


class RemoveEverywhere(GraphRequest):
    """``DELETE /act_<id>/usersofanyaudience``."""

    payload: Payload
