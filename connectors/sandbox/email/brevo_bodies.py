"""What Brevo's calls carry."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, StrictBool

from connectors.sandbox.played import StrictRequest
from connectors.sandbox.wire import Json

IDS = 150
BATCH = 100


class NewFolder(StrictRequest):
    """``POST /v3/contacts/folders``."""

    name: str = Field(min_length=1)


class NewList(StrictRequest):
    """``POST /v3/contacts/lists``: the folder is a must."""

    name: str = Field(min_length=1)
    folderId: int


class ChangedList(StrictRequest):
    """``PUT /v3/contacts/lists/{id}``."""

    name: str = Field(min_length=1)


class Added(StrictRequest):
    """``POST /v3/contacts/lists/{id}/contacts/add``: one kind of identifier."""

    emails: list[str] | None = Field(default=None, min_length=1, max_length=IDS)
    ids: list[int] | None = Field(default=None, min_length=1, max_length=IDS)
    extIds: list[str] | None = Field(default=None, min_length=1, max_length=IDS)


class Removed(Added):
    """``POST /v3/contacts/lists/{id}/contacts/remove``: one kind of identifier, or everybody."""

    all: Literal[True] | None = None


class ContactFields(StrictRequest):
    """What a contact can be given."""

    attributes: dict[str, Json] = Field(default={})
    ext_id: str | None = None
    listIds: list[int] = Field(default=[])
    emailBlacklisted: StrictBool | None = None
    smsBlacklisted: StrictBool | None = None
    consentGroupIds: list[str] = Field(default=[])


class NewContact(ContactFields):
    """``POST /v3/contacts``."""

    email: str | None = None
    updateEnabled: bool = False


class ChangedContact(ContactFields):
    """``PUT /v3/contacts/{identifier}``; ``forceMerge`` deletes whoever is in the way."""

    unlinkListIds: list[int] = Field(default=[])
    forceMerge: bool = False


class ContactInBatch(ChangedContact):
    """One of a batch, by one identifier."""

    email: str | None = None
    id: int | None = None
    sms: str | None = None


class Batch(StrictRequest):
    """``POST /v3/contacts/batch``."""

    contacts: list[ContactInBatch] = Field(min_length=1, max_length=BATCH)


class NewListInImport(StrictRequest):
    """A list to make with an import."""

    listName: str = Field(min_length=1)
    folderId: int


class ImportedContact(StrictRequest):
    """One row of an import."""

    email: str | None = None
    ext_id: str | None = None
    attributes: dict[str, Json] = Field(default={})


class Import(StrictRequest):
    """``POST /v3/contacts/import``."""

    listIds: list[int] = Field(default=[])
    newList: NewListInImport | None = None
    jsonBody: list[ImportedContact] | None = Field(default=None, min_length=1)
    fileBody: str | None = Field(default=None, min_length=1)
    fileUrl: str | None = None
    updateExistingContacts: bool = True
    emptyContactsAttributes: bool = False
    emailBlacklist: bool = False
    smsBlacklist: bool = False
    disableNotification: bool = False
    notifyUrl: str | None = None
    consentGroupIds: list[str] = Field(default=[])


class DoubleOptIn(StrictRequest):
    """``POST /v3/contacts/doubleOptinConfirmation``."""

    email: str
    includeListIds: list[int] = Field(min_length=1)
    templateId: int
    redirectionUrl: str
    attributes: dict[str, Json] = Field(default={})


class NewAttribute(StrictRequest):
    """``POST /v3/contacts/attributes/{category}/{name}``."""

    type: Literal["text", "date", "float", "boolean", "multiple-choice"]
