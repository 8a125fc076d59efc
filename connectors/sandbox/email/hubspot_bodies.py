"""The bodies that HubSpot's CRM takes."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, RootModel, model_validator

from connectors.sandbox.email.platform import StrictRequest
from connectors.sandbox.wire import Json

MOST_INPUTS = 100
MOST_RECORD_IDS = 100_000
"""Of one call about members, as far as anybody remembers; the specification has no limit."""
CONTACTS = "0-1"
"""The object type of contacts."""

RecordId = Annotated[str, Field(pattern=r"^[0-9]{1,19}$")]
ProcessingType = Literal["MANUAL", "SNAPSHOT", "DYNAMIC"]


class NewList(StrictRequest):
    """``POST /crm/lists/{version}``."""

    name: str = Field(min_length=1)
    objectTypeId: Literal["0-1"]
    processingType: ProcessingType
    listFolderId: int | None = None
    customProperties: dict[str, str] | None = None
    filterBranch: dict[str, Json] | None = None


class ListSearch(StrictRequest):
    """``POST /crm/lists/{version}/search``."""

    query: str = ""
    processingTypes: list[ProcessingType] | None = None
    listIds: list[RecordId] | None = None
    offset: int = Field(default=0, ge=0)
    count: int = Field(default=20, ge=1, le=500)
    additionalProperties: list[str] = Field(default=[])


class RecordIds(RootModel[Annotated[list[RecordId], Field(min_length=1, max_length=MOST_RECORD_IDS)]]):
    """``PUT …/memberships/add`` and ``remove``: a bare array."""

    model_config = ConfigDict(strict=True, frozen=True)


class MembershipChange(StrictRequest):
    """``PUT …/memberships/add-and-remove``; both keys are required."""

    recordIdsToAdd: list[RecordId] = Field(max_length=MOST_RECORD_IDS)
    recordIdsToRemove: list[RecordId] = Field(max_length=MOST_RECORD_IDS)


class ContactInput(StrictRequest):
    """One contact to write, found by a property, or by its record id without one."""

    id: str = Field(min_length=1)
    idProperty: str | None = None
    objectWriteTraceId: str | None = None
    properties: dict[str, str]


class ContactBatch(StrictRequest):
    """``POST …/contacts/batch/upsert`` and ``update``."""

    inputs: list[ContactInput] = Field(min_length=1, max_length=MOST_INPUTS)


class Named(StrictRequest):
    """One contact that is meant."""

    id: str = Field(min_length=1)


class ReadBatch(StrictRequest):
    """``POST …/contacts/batch/read``."""

    inputs: list[Named] = Field(min_length=1, max_length=MOST_INPUTS)
    idProperty: str | None = None
    properties: list[str] = Field(default=[])
    propertiesWithHistory: list[str] = Field(default=[])


class Condition(StrictRequest):
    """One filter of a search. Numbers and moments (milliseconds) come as texts."""

    propertyName: str = Field(min_length=1)
    operator: Literal["EQ", "GT", "GTE", "HAS_PROPERTY"]
    value: str = ""

    @model_validator(mode="after")
    def _compares_numbers(self) -> Self:
        numbers = self.propertyName in ("hs_object_id", "lastmodifieddate") and self.value.isdecimal()
        if self.operator in ("GT", "GTE") and not numbers:
            raise ValueError("only record ids and moments are compared here")
        return self


class FilterGroup(StrictRequest):
    """Filters that all must hold."""

    filters: list[Condition] = Field(min_length=1, max_length=6)


class ContactSearch(StrictRequest):
    """``POST …/contacts/search``."""

    filterGroups: list[FilterGroup] = Field(default=[], max_length=5)
    sorts: list[str] = Field(default=[])
    properties: list[str] = Field(default=[])
    limit: int = Field(default=10, ge=1, le=200)
    after: str = "0"


class ArchiveBatch(StrictRequest):
    """``POST …/contacts/batch/archive``: record ids."""

    inputs: list[Named] = Field(min_length=1, max_length=MOST_INPUTS)


class ContactProperties(StrictRequest):
    """``POST …/contacts`` and ``PATCH …/contacts/{id}``."""

    properties: dict[str, str]


class Erasure(StrictRequest):
    """``POST …/contacts/gdpr-delete``."""

    objectId: str = Field(min_length=1)
    idProperty: str | None = None


class NewProperty(StrictRequest):
    """``POST /crm/properties/{version}/contacts``."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,99}$")
    label: str = Field(min_length=1)
    type: Literal["string", "number", "date", "datetime", "enumeration", "bool"]
    fieldType: str = Field(min_length=1)
    groupName: str = Field(min_length=1)
    description: str = ""
    options: list[dict[str, Json]] = Field(default=[])
    hasUniqueValue: bool = False


class Subscription(StrictRequest):
    """``POST /communication-preferences/…/subscribe`` and ``unsubscribe``."""

    emailAddress: str = Field(min_length=3)
    subscriptionId: str
    legalBasis: str | None = None
    legalBasisExplanation: str | None = None
