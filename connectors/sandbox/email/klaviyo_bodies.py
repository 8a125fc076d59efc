"""What Klaviyo's calls take: JSON:API documents without unknown members."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from connectors.sandbox.email.platform import StrictRequest
from connectors.sandbox.wire import Json

MAX_IDS = 1_000
MAX_IMPORTED = 10_000
MAX_SUBSCRIBED = 1_000
MAX_UNSUBSCRIBED = 100
MAX_SUPPRESSED = 100


class ListReference(StrictRequest):
    """A list by its id."""

    type: Literal["list"]
    id: str


class OneList(StrictRequest):
    """A relationship to one list."""

    data: ListReference


class Lists(StrictRequest):
    """A relationship to lists."""

    data: list[ListReference]


class ToList(StrictRequest):
    """Relationships of a job that concerns one list."""

    list: OneList | None = None


class ToLists(StrictRequest):
    """Relationships of an import."""

    lists: Lists | None = None


class ListAttributes(StrictRequest):
    """A list's own."""

    name: str = Field(min_length=1)
    opt_in_process: Literal["double_opt_in", "single_opt_in"] | None = None


class NewList(StrictRequest):
    """A list to create."""

    type: Literal["list"]
    attributes: ListAttributes


class NewListBody(StrictRequest):
    """``POST /api/lists``."""

    data: NewList


class ChangedList(NewList):
    """A list under its new name."""

    id: str


class ChangedListBody(StrictRequest):
    """``PATCH /api/lists/{id}``."""

    data: ChangedList


class ProfileReference(StrictRequest):
    """A profile by its id: nothing else is taken here."""

    type: Literal["profile"]
    id: str


class ProfileReferences(StrictRequest):
    """``POST`` and ``DELETE /api/lists/{id}/relationships/profiles``."""

    data: list[ProfileReference] = Field(min_length=1, max_length=MAX_IDS)


class Location(StrictRequest):
    """Where somebody lives."""

    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    country: str | None = None
    latitude: str | float | None = None
    longitude: str | float | None = None
    region: str | None = None
    zip: str | None = None
    timezone: str | None = None
    ip: str | None = None


class ProfileAttributes(StrictRequest):
    """What may be written of a profile. There is no field for consent among them."""

    email: str | None = None
    phone_number: str | None = None
    external_id: str | None = None
    kx: str | None = Field(default=None, alias="_kx")
    first_name: str | None = None
    last_name: str | None = None
    organization: str | None = None
    locale: str | None = None
    title: str | None = None
    image: str | None = None
    location: Location | None = None
    properties: dict[str, Json] | None = None


class PatchProperties(StrictRequest):
    """Changes within custom properties."""

    append: dict[str, Json] | None = None
    unappend: dict[str, Json] | None = None
    unset: str | list[str] | None = None


class ProfileMeta(StrictRequest):
    """What is to be done besides setting."""

    patch_properties: PatchProperties | None = None


class WrittenProfile(StrictRequest):
    """A profile to create or update."""

    type: Literal["profile"]
    id: str | None = None
    attributes: ProfileAttributes
    meta: ProfileMeta | None = None


class WrittenProfileBody(StrictRequest):
    """``POST /api/profiles``, ``PATCH /api/profiles/{id}`` and ``POST /api/profile-import``."""

    data: WrittenProfile


class ImportedProfiles(StrictRequest):
    """The profiles of an import."""

    data: list[WrittenProfile] = Field(min_length=1, max_length=MAX_IMPORTED)


class ImportAttributes(StrictRequest):
    """An import's own."""

    profiles: ImportedProfiles


class Import(StrictRequest):
    """An import."""

    type: Literal["profile-bulk-import-job"]
    attributes: ImportAttributes
    relationships: ToLists | None = None


class ImportBody(StrictRequest):
    """``POST /api/profile-bulk-import-jobs``."""

    data: Import


class Granted(StrictRequest):
    """Consent to give."""

    consent: Literal["SUBSCRIBED"]
    consented_at: str | None = None


class Revoked(StrictRequest):
    """Consent to take away."""

    consent: Literal["UNSUBSCRIBED"]


class GrantedChannel(StrictRequest):
    """For marketing on one channel."""

    marketing: Granted


class RevokedChannel(StrictRequest):
    """For marketing on one channel."""

    marketing: Revoked


class GrantedChannels(StrictRequest):
    """By channel."""

    email: GrantedChannel | None = None
    sms: GrantedChannel | None = None


class RevokedChannels(StrictRequest):
    """By channel."""

    email: RevokedChannel | None = None
    sms: RevokedChannel | None = None


class SubscribedAttributes(StrictRequest):
    """Who, and to what."""

    email: str | None = None
    phone_number: str | None = None
    subscriptions: GrantedChannels


class UnsubscribedAttributes(StrictRequest):
    """Who, and from what."""

    email: str | None = None
    phone_number: str | None = None
    subscriptions: RevokedChannels


class SubscribedProfile(StrictRequest):
    """One to subscribe."""

    type: Literal["profile"]
    id: str | None = None
    attributes: SubscribedAttributes


class UnsubscribedProfile(StrictRequest):
    """One to unsubscribe."""

    type: Literal["profile"]
    attributes: UnsubscribedAttributes


class SubscribedProfiles(StrictRequest):
    """All to subscribe."""

    data: list[SubscribedProfile] = Field(min_length=1, max_length=MAX_SUBSCRIBED)


class UnsubscribedProfiles(StrictRequest):
    """All to unsubscribe."""

    data: list[UnsubscribedProfile] = Field(min_length=1, max_length=MAX_UNSUBSCRIBED)


class SubscribeAttributes(StrictRequest):
    """A subscription's own."""

    profiles: SubscribedProfiles
    custom_source: str | None = None
    historical_import: bool = False


class UnsubscribeAttributes(StrictRequest):
    """Its opposite's."""

    profiles: UnsubscribedProfiles


class Subscribe(StrictRequest):
    """A subscription."""

    type: Literal["profile-subscription-bulk-create-job"]
    attributes: SubscribeAttributes
    relationships: ToList | None = None


class Unsubscribe(StrictRequest):
    """Its opposite."""

    type: Literal["profile-subscription-bulk-delete-job"]
    attributes: UnsubscribeAttributes
    relationships: ToList | None = None


class SubscribeBody(StrictRequest):
    """``POST /api/profile-subscription-bulk-create-jobs``."""

    data: Subscribe


class UnsubscribeBody(StrictRequest):
    """``POST /api/profile-subscription-bulk-delete-jobs``."""

    data: Unsubscribe


class Address(StrictRequest):
    """One address."""

    email: str


class AddressedProfile(StrictRequest):
    """A profile by its address."""

    type: Literal["profile"]
    attributes: Address


class AddressedProfiles(StrictRequest):
    """Profiles by their addresses."""

    data: list[AddressedProfile] = Field(max_length=MAX_SUPPRESSED)


class SuppressionAttributes(StrictRequest):
    """A suppression's own."""

    profiles: AddressedProfiles | None = None


class Suppression(StrictRequest):
    """Addresses, or the members of a list, to write to no more or again."""

    type: Literal["profile-suppression-bulk-create-job", "profile-suppression-bulk-delete-job"]
    attributes: SuppressionAttributes
    relationships: ToList | None = None


class SuppressionBody(StrictRequest):
    """``POST /api/profile-suppression-bulk-create-jobs`` and its opposite."""

    data: Suppression


class ErasedAttributes(StrictRequest):
    """By what the profile is known."""

    email: str | None = None
    phone_number: str | None = None


class ErasedProfile(StrictRequest):
    """The profile to erase."""

    type: Literal["profile"]
    id: str | None = None
    attributes: ErasedAttributes = ErasedAttributes()


class ErasedProfileData(StrictRequest):
    """The profile, as a document."""

    data: ErasedProfile


class EraseAttributes(StrictRequest):
    """An erasure's own."""

    profile: ErasedProfileData


class Erase(StrictRequest):
    """An erasure."""

    type: Literal["data-privacy-deletion-job"]
    attributes: EraseAttributes


class EraseBody(StrictRequest):
    """``POST /api/data-privacy-deletion-jobs``."""

    data: Erase
