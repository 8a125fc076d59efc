"""Where an upload to Google goes: which user list of which account, and by whose leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.sandbox.ads import google_user_lists as user_lists
from connectors.sandbox.ads import holdings
from connectors.sandbox.ads.google_requests import Destination, ProductAccount
from connectors.sandbox.ads.google_words import GoogleWords, invalid, missing, wrong
from connectors.sandbox.ads.holdings import AdAudience
from connectors.sandbox.ads.platform import Context, Refusal
from connectors.sandbox.wire import Platform, Reply

GOOGLE_ADS_ACCOUNT = "1234567890"
ADVERTISER = "7654321"
"""The account in Display & Video 360."""
MANAGER_ACCOUNT = "9990001111"
OPERATING_ACCOUNTS = (f"GOOGLE_ADS/{GOOGLE_ADS_ACCOUNT}", f"DISPLAY_VIDEO_ADVERTISER/{ADVERTISER}")
MAX_DESTINATIONS = 10
_MANAGER = f"GOOGLE_ADS/{MANAGER_ACCOUNT}"


@dataclass(frozen=True, slots=True)
class Target:
    """One destination that exists, by its place in the request."""

    position: int
    reference: str
    audience: AdAudience

    def require(self, key_type: str, *, ingests: bool) -> None:
        """Raises Refusal where the list does not take this kind of data, or nobody any more."""
        place = f"destinations[{self.position}]"
        if user_lists.upload_key_type(self.audience) != key_type:
            text = "Type of the user list is not applicable for this request."
            raise wrong(f"{place}.product_destination_id", text, "INVALID_USER_LIST_TYPE")
        if ingests and self.audience.document["membershipStatus"] == "CLOSED":
            raise wrong(place, "The user list is closed.", "INVALID_DESTINATION")


def no_permission() -> Reply:
    """What is said of an account that is somebody else's, or nobody's."""
    message = "The user does not have permission or the resource is not found."
    return GoogleWords().refused(403, "PERMISSION_DENIED", message)


def resolve(context: Context, destinations: Sequence[Destination]) -> list[Target]:
    """The user lists that a request is for. Raises Refusal."""
    if not destinations:
        raise Refusal(invalid([missing("destinations")]))
    if len(destinations) > MAX_DESTINATIONS:
        text = f"Maximum number of destinations allowed per request is {MAX_DESTINATIONS}."
        raise wrong("destinations", text, "TOO_MANY_DESTINATIONS")
    references = [wish.reference for wish in destinations if wish.reference]
    if len(set(references)) < len(references):
        text = "Two or more destinations have the same reference."
        raise wrong("destinations", text, "DUPLICATE_DESTINATION_REFERENCE")
    return [_target(context, position, wish) for position, wish in enumerate(destinations)]


def _target(context: Context, position: int, wish: Destination) -> Target:
    place = f"destinations[{position}]"
    if wish.operatingAccount is None:
        raise Refusal(invalid([missing(f"{place}.operating_account")]))
    if not wish.productDestinationId:
        raise Refusal(invalid([missing(f"{place}.product_destination_id")]))
    if wish.linkedAccount is not None:
        text = "Linked account is only supported when the login account is a DATA_PARTNER account."
        reason = "LINKED_ACCOUNT_ONLY_ALLOWED_WITH_DATA_PARTNER_LOGIN_ACCOUNT"
        raise wrong(f"{place}.linked_account", text, reason)
    operating = _account(f"{place}.operating_account", wish.operatingAccount)
    login = operating
    if wish.loginAccount is not None:
        login = _account(f"{place}.login_account", wish.loginAccount)
    if operating not in OPERATING_ACCOUNTS or login not in (operating, _MANAGER):
        raise Refusal(no_permission())
    audience = holdings.find(context.db, Platform.GOOGLE, wish.productDestinationId)
    if audience is None or audience.account != operating:
        raise wrong(f"{place}.product_destination_id", "User list is not valid.", "INVALID_USER_LIST_ID")
    return Target(position, wish.reference, audience)


def _account(place: str, wish: ProductAccount) -> str:
    """Type and id; the type may have its older name."""
    account_type = wish.accountType or wish.product
    if account_type is None:
        raise Refusal(invalid([missing(f"{place}.account_type")]))
    if not wish.accountId:
        raise Refusal(invalid([missing(f"{place}.account_id")]))
    if not (wish.accountId.isascii() and wish.accountId.isdecimal()):
        raise wrong(f"{place}.account_id", "Invalid number format.", "INVALID_NUMBER_FORMAT")
    account = f"{account_type}/{wish.accountId}"
    known = (*OPERATING_ACCOUNTS, _MANAGER)
    if account not in known and any(other.endswith(f"/{wish.accountId}") for other in known):
        text = "The destination account type does not match the specified account id."
        raise wrong(f"{place}.account_type", text, "DESTINATION_ACCOUNT_TYPE_MISMATCH")
    return account
