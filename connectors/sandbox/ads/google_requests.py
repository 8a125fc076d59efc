"""Requests of Google's Data Manager API: every field that it knows, none besides.

Nothing is required here: what is missing is told in the API's own words, not in those of its JSON parser.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import ValidationError

from connectors.sandbox.ads.google_words import unreadable
from connectors.sandbox.ads.platform import StrictRequest
from connectors.sandbox.wire import Json, Reply

Product = Literal[
    "PRODUCT_UNSPECIFIED", "GOOGLE_ADS", "DISPLAY_VIDEO_PARTNER", "DISPLAY_VIDEO_ADVERTISER", "DATA_PARTNER"
]
AccountType = Literal[
    "ACCOUNT_TYPE_UNSPECIFIED",
    "GOOGLE_ADS",
    "DISPLAY_VIDEO_PARTNER",
    "DISPLAY_VIDEO_ADVERTISER",
    "DATA_PARTNER",
    "GOOGLE_ANALYTICS_PROPERTY",
    "GOOGLE_AD_MANAGER_AUDIENCE_LINK",
    "FLOODLIGHT_CONFIG",
    "GOOGLE_AD_MANAGER",
]
ConsentStatus = Literal["CONSENT_STATUS_UNSPECIFIED", "CONSENT_GRANTED", "CONSENT_DENIED"]
Encoding = Literal["ENCODING_UNSPECIFIED", "HEX", "BASE64"]
UploadKeyType = Literal[
    "UPLOAD_KEY_TYPE_UNSPECIFIED", "CONTACT_ID", "MOBILE_ID", "USER_ID", "PAIR_ID", "PSEUDONYMOUS_ID"
]
DataSource = Literal[
    "DATA_SOURCE_TYPE_UNSPECIFIED",
    "DATA_SOURCE_TYPE_FIRST_PARTY",
    "DATA_SOURCE_TYPE_THIRD_PARTY_CREDIT_BUREAU",
    "DATA_SOURCE_TYPE_THIRD_PARTY_VOTER_FILE",
    "DATA_SOURCE_TYPE_THIRD_PARTY_PARTNER_DATA",
]


class ProductAccount(StrictRequest):
    """An account; ``product`` is the older name of its type."""

    accountType: AccountType | None = None
    product: Product | None = None
    accountId: str = ""


class Destination(StrictRequest):
    """A user list and the accounts by which it is reached."""

    reference: str = ""
    loginAccount: ProductAccount | None = None
    linkedAccount: ProductAccount | None = None
    operatingAccount: ProductAccount | None = None
    productDestinationId: str = ""


class Consent(StrictRequest):
    """What a person has consented to."""

    adUserData: ConsentStatus = "CONSENT_STATUS_UNSPECIFIED"
    adPersonalization: ConsentStatus = "CONSENT_STATUS_UNSPECIFIED"


class TermsOfService(StrictRequest):
    """Sent with every upload of user or mobile data."""

    customerMatchTermsOfServiceStatus: Literal[
        "TERMS_OF_SERVICE_STATUS_UNSPECIFIED", "ACCEPTED", "REJECTED"
    ] = "TERMS_OF_SERVICE_STATUS_UNSPECIFIED"


class Address(StrictRequest):
    """Four fields count here; the other three are Analytics' own."""

    givenName: str = ""
    familyName: str = ""
    regionCode: str = ""
    postalCode: str = ""
    addressLine: str = ""
    city: str = ""
    administrativeArea: str = ""


class UserIdentifier(StrictRequest):
    """One of the three."""

    emailAddress: str | None = None
    phoneNumber: str | None = None
    address: Address | None = None


class UserData(StrictRequest):
    """Identifiers of one person."""

    userIdentifiers: tuple[UserIdentifier, ...] = ()


class IpData(StrictRequest):
    """An address in use for a while."""

    ipAddress: str = ""
    observeStartTime: str | None = None
    observeEndTime: str | None = None


class CompositeData(StrictRequest):
    """Identifiers and addresses of one person."""

    userData: UserData | None = None
    ipData: tuple[IpData, ...] = ()


class MobileData(StrictRequest):
    """Devices of one person."""

    mobileIds: tuple[str, ...] = ()


class UserIdData(StrictRequest):
    """The advertiser's own id of a person."""

    userId: str = ""


class AudienceMember(StrictRequest):
    """One person, by one kind of data; the last four kinds are for data partners."""

    destinationReferences: tuple[str, ...] = ()
    consent: Consent | None = None
    compositeData: CompositeData | None = None
    userData: UserData | None = None
    mobileData: MobileData | None = None
    userIdData: UserIdData | None = None
    pairData: dict[str, Json] | None = None
    ppidData: dict[str, Json] | None = None
    googleUserIdData: dict[str, Json] | None = None
    partnerProvidedIdData: dict[str, Json] | None = None


class Upload(StrictRequest):
    """What both directions have in common; ``POST /v1/audienceMembers:remove`` has no more."""

    destinations: tuple[Destination, ...] = ()
    audienceMembers: tuple[AudienceMember, ...] = ()
    encoding: Encoding = "ENCODING_UNSPECIFIED"
    encryptionInfo: dict[str, Json] | None = None
    validateOnly: bool = False


class Ingest(Upload):
    """``POST /v1/audienceMembers:ingest``."""

    consent: Consent | None = None
    termsOfService: TermsOfService = TermsOfService()


class RemoveAll(StrictRequest):
    """``POST /v1/audienceMembers:removeAll``."""

    destinations: tuple[Destination, ...] = ()
    removeAsOfTime: str | None = None
    validateOnly: bool = False


class ContactIdInfo(StrictRequest):
    """About a list of contacts; the match rate is output only."""

    dataSourceType: DataSource = "DATA_SOURCE_TYPE_FIRST_PARTY"
    matchRatePercentage: int | None = None


class MobileIdInfo(StrictRequest):
    """About a list of devices."""

    dataSourceType: DataSource = "DATA_SOURCE_TYPE_FIRST_PARTY"
    keySpace: Literal["KEY_SPACE_UNSPECIFIED", "IOS", "ANDROID"] = "KEY_SPACE_UNSPECIFIED"
    appId: str = ""


class UserIdInfo(StrictRequest):
    """About a list of the advertiser's own ids."""

    dataSourceType: DataSource = "DATA_SOURCE_TYPE_FIRST_PARTY"


class IngestedUserListInfo(StrictRequest):
    """What a list is fed with; the last three kinds are for partners."""

    uploadKeyTypes: tuple[UploadKeyType, ...] = ()
    contactIdInfo: ContactIdInfo | None = None
    mobileIdInfo: MobileIdInfo | None = None
    userIdInfo: UserIdInfo | None = None
    pairIdInfo: dict[str, Json] | None = None
    pseudonymousIdInfo: dict[str, Json] | None = None
    partnerAudienceInfo: dict[str, Json] | None = None


class UserListWish(StrictRequest):
    """A list to create or to change. What is output only may be there, as after a read, and counts for nothing."""

    displayName: str = ""
    description: str = ""
    integrationCode: str = ""
    membershipStatus: Literal["MEMBERSHIP_STATUS_UNSPECIFIED", "OPEN", "CLOSED"] = (
        "MEMBERSHIP_STATUS_UNSPECIFIED"
    )
    membershipDuration: str | None = None
    ingestedUserListInfo: IngestedUserListInfo | None = None
    name: str | None = None
    id: str | None = None
    readOnly: bool | None = None
    accessReason: str | None = None
    accountAccessStatus: str | None = None
    closingReason: str | None = None
    sizeInfo: dict[str, Json] | None = None
    targetNetworkInfo: dict[str, Json] | None = None


def path_of(parts: Sequence[str | int]) -> str:
    """A field's path as Google writes it: ``audience_members[3].user_data``."""
    path = ""
    for part in parts:
        path += f"[{part}]" if isinstance(part, int) else f".{snake_case(part)}"
    return path.removeprefix(".")


def snake_case(name: str) -> str:
    """``userData`` as ``user_data``."""
    return re.sub("([A-Z])", lambda letter: f"_{letter[1].lower()}", name)


def unreadable_body(error: ValidationError) -> Reply:
    """What Google's JSON parser says of a body; never a value of it."""
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] == "extra_forbidden":
        place = path_of(first["loc"][:-1])
        where = f" at '{place}'" if place else ""
        return unreadable(place, f'Unknown name "{first["loc"][-1]}"{where}: Cannot find field.')
    place = path_of(first["loc"])
    return unreadable(place, f"Invalid value at '{place}' ({first['type']}).")
