"""The bodies that ActiveCampaign's API takes, each in an envelope of its own name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from connectors.sandbox.email.platform import StrictRequest
from connectors.sandbox.wire import Json

MOST_IMPORTED = 250
Number = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,18}$")] | Annotated[int, Field(ge=0)]
"""An id as a text or as a number."""


class FieldValue(StrictRequest):
    """A custom field's value."""

    field: Number
    value: str | int | float | None


class ContactFields(StrictRequest):
    """What a contact is, besides its lists and tags."""

    email: str | None = None
    firstName: str | None = None
    lastName: str | None = None
    phone: str | None = None
    fieldValues: list[FieldValue] = Field(default=[])


class ContactBody(StrictRequest):
    """``POST /contact/sync``, ``POST /contacts`` and ``PUT /contacts/{id}``."""

    contact: ContactFields


class TagFields(StrictRequest):
    """One tag."""

    tag: str = Field(min_length=1, max_length=100)
    tagType: Literal["contact", "template"]
    description: str = ""


class TagBody(StrictRequest):
    """``POST /tags``."""

    tag: TagFields


class ListFields(StrictRequest):
    """One list; what recipients are told of its sender is required."""

    name: str = Field(min_length=1)
    stringid: str = Field(min_length=1)
    sender_url: str = Field(min_length=1)
    sender_reminder: str = Field(min_length=1)


class ListBody(StrictRequest):
    """``POST /lists``."""

    list: ListFields


class TaggedContact(StrictRequest):
    """A contact and a tag."""

    contact: Number
    tag: Number


class ContactTagBody(StrictRequest):
    """``POST /contactTags``."""

    contactTag: TaggedContact


class ListedContact(StrictRequest):
    """A contact's standing in a list: 1 is active, 2 unsubscribed."""

    contact: Number
    list: Number
    status: Literal[1, 2]
    sourceid: int | None = None


class ContactListBody(StrictRequest):
    """``POST /contactLists``."""

    contactList: ListedContact


class NewField(StrictRequest):
    """One custom field."""

    title: str = Field(min_length=1)
    type: Literal[
        "text", "textarea", "date", "datetime", "dropdown", "radio", "checkbox", "listbox", "hidden"
    ]
    descript: str = ""
    perstag: str = ""
    visible: int = 1


class FieldBody(StrictRequest):
    """``POST /fields``."""

    field: NewField


class ImportedField(StrictRequest):
    """A custom field's value in a bulk import, by its number."""

    id: int
    value: str


class ImportedList(StrictRequest):
    """A list in a bulk import."""

    listid: Number


class ImportedContact(StrictRequest):
    """One contact of a bulk import."""

    email: str
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    customer_acct_name: str | None = None
    tags: list[str] = Field(default=[])
    fields: list[ImportedField] = Field(default=[])
    subscribe: list[ImportedList] = Field(default=[])
    unsubscribe: list[ImportedList] = Field(default=[])


class Callback(StrictRequest):
    """Where the real one tells that an import is done; the sandbox calls nobody."""

    url: str
    requestType: Literal["POST", "GET"]
    detailed_results: Literal["true", "false"] = "false"
    params: list[dict[str, Json]] = Field(default=[])
    headers: list[dict[str, Json]] = Field(default=[])


class ImportBody(StrictRequest):
    """``POST /import/bulk_import``; the contacts are looked at one by one."""

    contacts: list[dict[str, Json]] = Field(min_length=1, max_length=MOST_IMPORTED)
    callback: Callback | None = None
