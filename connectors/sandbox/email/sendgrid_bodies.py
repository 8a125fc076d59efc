"""What SendGrid's calls take."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from connectors.sandbox.email.platform import StrictRequest

MAX_CONTACTS = 30_000
MAX_SOUGHT = 100
MAX_ERASED = 5_000

IdentifierType = Literal["email", "phone_number_id", "external_id", "anonymous_id"]
Short = Annotated[str, Field(max_length=50)]
Line = Annotated[str, Field(max_length=100)]
Identifier = Annotated[str, Field(max_length=254)]


class ListBody(StrictRequest):
    """``POST /v3/marketing/lists`` and ``PATCH /v3/marketing/lists/{id}``."""

    name: str = Field(min_length=1, max_length=100)


class WrittenContact(StrictRequest):
    """A contact to create or update. There is no field for consent among them."""

    email: Identifier | None = None
    phone_number_id: str | None = None
    external_id: Identifier | None = None
    anonymous_id: Identifier | None = None
    first_name: Short | None = None
    last_name: Short | None = None
    unique_name: Short | None = None
    alternate_emails: list[Identifier] | None = Field(default=None, max_length=5)
    address_line_1: Line | None = None
    address_line_2: Line | None = None
    city: str | None = Field(default=None, max_length=60)
    state_province_region: Short | None = None
    postal_code: str | None = None
    country: Short | None = None
    phone_number: str | None = None
    whatsapp: str | None = None
    line: str | None = None
    facebook: str | None = None
    custom_fields: dict[str, str | float] | None = None


class ContactsBody(StrictRequest):
    """``PUT /v3/marketing/contacts``."""

    contacts: list[WrittenContact] = Field(min_length=1, max_length=MAX_CONTACTS)
    list_ids: list[str] = Field(default_factory=list)


class SoughtEmails(StrictRequest):
    """``POST /v3/marketing/contacts/search/emails``."""

    emails: list[str] = Field(min_length=1, max_length=MAX_SOUGHT)


class SoughtIdentifiers(StrictRequest):
    """``POST /v3/marketing/contacts/search/identifiers/{type}``."""

    identifiers: list[str] = Field(min_length=1, max_length=MAX_SOUGHT)


class SoughtIds(StrictRequest):
    """``POST /v3/marketing/contacts/batch``."""

    ids: list[str] = Field(min_length=1, max_length=MAX_SOUGHT)


class Notifications(StrictRequest):
    """Whether somebody is told by e-mail."""

    email: bool = False


class ExportBody(StrictRequest):
    """``POST /v3/marketing/contacts/exports``."""

    list_ids: list[str] = Field(default_factory=list)
    segment_ids: list[str] = Field(default_factory=list)
    notifications: Notifications = Notifications()
    file_type: Literal["csv", "json"] = "csv"
    max_file_size: int = Field(default=5_000, ge=1)


class FieldBody(StrictRequest):
    """``POST /v3/marketing/field_definitions``."""

    name: str = Field(min_length=1, max_length=100)
    field_type: Literal["Text", "Number", "Date"]


class EraseBody(StrictRequest):
    """``POST /v3/recipients/erasejob``."""

    email_addresses: list[str] = Field(min_length=1, max_length=MAX_ERASED)


class RecipientsBody(StrictRequest):
    """Addresses to write to no more."""

    recipient_emails: list[str] = Field(min_length=1)


class LiftBody(StrictRequest):
    """Addresses to write to again: some, or all."""

    delete_all: bool = False
    emails: list[str] = Field(default_factory=list)
