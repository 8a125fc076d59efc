"""People of an upload to Google: read into identifiers, or named as what the whole request is refused for."""

from __future__ import annotations

import binascii
import ipaddress
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pycountry

from connectors.sandbox.ads.google_requests import (
    Address,
    AudienceMember,
    Consent,
    Encoding,
    IpData,
    UserData,
    UserIdentifier,
    snake_case,
)
from connectors.sandbox.ads.google_words import Violation, missing
from connectors.sandbox.ads.holdings import Member

Kind = Literal["compositeData", "userData", "mobileData", "userIdData"]

KEY_TYPES: dict[Kind, str] = {
    "compositeData": "CONTACT_ID",
    "userData": "CONTACT_ID",
    "mobileData": "MOBILE_ID",
    "userIdData": "USER_ID",
}
"""What a list has to be fed with to take this kind of data."""
FOR_PARTNERS = ("pairData", "ppidData", "googleUserIdData", "partnerProvidedIdData")
MAX_IDENTIFIERS = 10
MAX_MOBILE_IDS = 10
REGIONS = frozenset(country.alpha_2 for country in pycountry.countries)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_POSTAL_CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 -]{0,10}[A-Za-z0-9])?")

Identifier = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Row:
    """One person."""

    member: Member
    consent: Consent | None
    references: frozenset[str]


class RowReader:
    """Reads the people of one request, and keeps what is wrong with them."""

    def __init__(self, encoding: Encoding) -> None:
        self.violations: list[Violation] = []
        self._encoding = encoding
        self._kinds: set[Kind] = set()

    def read(self, members: Sequence[AudienceMember]) -> list[Row]:
        """The people, in the request's order; good for nothing where there are violations."""
        rows = [self._row(f"audience_members[{i}]", member) for i, member in enumerate(members)]
        if len(self._kinds) > 1:
            self._blame(
                "audience_members", "Multiple data types are not allowed.", "MULTIPLE_DATA_TYPES_NOT_ALLOWED"
            )
        if self._encoding == "ENCODING_UNSPECIFIED" and self._kinds & {"compositeData", "userData"}:
            self._miss("encoding")
        return rows

    @property
    def kind(self) -> Kind:
        """The one kind of data of a request without violations."""
        (kind,) = self._kinds
        return kind

    def _row(self, place: str, member: AudienceMember) -> Row:
        present = [kind for kind in (*KEY_TYPES, *FOR_PARTNERS) if getattr(member, kind) is not None]
        identifiers: list[Identifier] = []
        if len(present) != 1:
            self._blame(place, "This audience member is not valid.", "INVALID_AUDIENCE_MEMBER")
        elif present[0] in FOR_PARTNERS:
            self._blame(place, "The account is not allowlisted for the given feature.", "NOT_ALLOWLISTED")
        else:
            (kind,) = (known for known in KEY_TYPES if known == present[0])
            self._kinds.add(kind)
            identifiers = self._identifiers(f"{place}.{snake_case(kind)}", member)
        return Row(tuple(identifiers), member.consent, frozenset(member.destinationReferences))

    def _identifiers(self, place: str, member: AudienceMember) -> list[Identifier]:
        if member.userData is not None:
            return self._people(place, member.userData)
        if member.compositeData is not None:
            composite = member.compositeData
            found: list[Identifier] = []
            if composite.userData is not None or not composite.ipData:
                found += self._people(f"{place}.user_data", composite.userData or UserData())
            addresses = [self._ip(f"{place}.ip_data[{i}]", ip) for i, ip in enumerate(composite.ipData)]
            return found + addresses
        if member.mobileData is not None:
            return self._devices(f"{place}.mobile_ids", member.mobileData.mobileIds)
        user_id = member.userIdData.userId if member.userIdData is not None else ""
        if not user_id:
            self._miss(f"{place}.user_id")
        return [("userId", user_id)]

    def _people(self, place: str, data: UserData) -> list[Identifier]:
        place = f"{place}.user_identifiers"
        if not data.userIdentifiers:
            self._miss(place)
        if len(data.userIdentifiers) > MAX_IDENTIFIERS:
            self._blame(
                place,
                f"Maximum number of user identifiers allowed is {MAX_IDENTIFIERS}.",
                "TOO_MANY_USER_IDENTIFIERS",
            )
        found = [self._person(f"{place}[{i}]", one) for i, one in enumerate(data.userIdentifiers)]
        return [identifier for identifier in found if identifier is not None]

    def _person(self, place: str, one: UserIdentifier) -> Identifier | None:
        match one:
            case UserIdentifier(emailAddress=str(email), phoneNumber=None, address=None):
                return "emailAddress", self._digest(f"{place}.email_address", email)
            case UserIdentifier(emailAddress=None, phoneNumber=str(phone), address=None):
                return "phoneNumber", self._digest(f"{place}.phone_number", phone)
            case UserIdentifier(emailAddress=None, phoneNumber=None, address=Address() as address):
                return "address", self._address(f"{place}.address", address)
        self._blame(place, "Exactly one identifier has to be set.", "INVALID_AUDIENCE_MEMBER")
        return None

    def _address(self, place: str, address: Address) -> str:
        """All four parts; three of them make no address."""
        for name in ("givenName", "familyName", "regionCode", "postalCode"):
            if not getattr(address, name):
                self._miss(f"{place}.{snake_case(name)}")
        if address.regionCode and address.regionCode not in REGIONS:
            self._blame(f"{place}.region_code", "The region code is not valid.", "INVALID_REGION_CODE")
        if address.postalCode and not _POSTAL_CODE.fullmatch(address.postalCode):
            self._blame(f"{place}.postal_code", "Postal code is not valid.", "INVALID_POSTAL_CODE")
        names = [
            self._digest(f"{place}.{field}", name)
            for field, name in (("given_name", address.givenName), ("family_name", address.familyName))
            if name
        ]
        return " ".join((*names, address.regionCode, address.postalCode))

    def _ip(self, place: str, data: IpData) -> Identifier:
        try:
            ipaddress.ip_address(data.ipAddress)
        except ValueError:
            self._blame(f"{place}.ip_address", "Format is invalid.", "INVALID_FORMAT")
        return "ipAddress", data.ipAddress

    def _devices(self, place: str, ids: Sequence[str]) -> list[Identifier]:
        if not ids:
            self._miss(place)
        if len(ids) > MAX_MOBILE_IDS:
            self._blame(place, f"At most {MAX_MOBILE_IDS} mobile ids.", "TOO_MANY_ELEMENTS")
        for i, mobile_id in enumerate(ids):
            if not _UUID.fullmatch(mobile_id):
                self._blame(f"{place}[{i}]", "Mobile ID format is not valid.", "INVALID_MOBILE_ID_FORMAT")
        return [("mobileId", mobile_id) for mobile_id in ids]

    def _digest(self, place: str, value: str) -> str:
        """The digest in hex however it was encoded: the same person stays the same member."""
        if self._encoding == "BASE64":
            try:
                digest = b64decode(value, validate=True)
            except (binascii.Error, ValueError):
                self._blame(place, "The base64 encoded value is malformed.", "INVALID_BASE64_ENCODING")
                return value
            value = digest.hex()
        elif not re.fullmatch("(?:[0-9a-f]{2})+", value):
            self._blame(place, "The HEX encoded value is malformed.", "INVALID_HEX_ENCODING")
            return value
        if len(value) != 64:
            self._blame(place, "The SHA256 encoded value is malformed.", "INVALID_SHA256_FORMAT")
        return value

    def _miss(self, place: str) -> None:
        self.violations.append(missing(place))

    def _blame(self, place: str, description: str, reason: str) -> None:
        self.violations.append(Violation(place, description, reason))
