"""Google's user lists as documents: what a wish comes to, how they are shown, found and paged."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence

from connectors.sandbox.ads.google_requests import IngestedUserListInfo, UserListWish, snake_case
from connectors.sandbox.ads.google_words import Violation, invalid, missing, unreadable, wrong
from connectors.sandbox.ads.holdings import AdAudience
from connectors.sandbox.ads.platform import Refusal
from connectors.sandbox.wire import Json

DAY = 86_400
LONGEST = 540 * DAY
PAGE = 50
LARGEST_PAGE = 1_000

_INFO_OF = {"CONTACT_ID": "contactIdInfo", "MOBILE_ID": "mobileIdInfo", "USER_ID": "userIdInfo"}
_OF_PARTNERS = ("pairIdInfo", "pseudonymousIdInfo", "partnerAudienceInfo")
_CHANGEABLE = ("displayName", "description", "integrationCode", "membershipStatus", "membershipDuration")
_FILTERED = (
    "id",
    "displayName",
    "description",
    "membershipStatus",
    "integrationCode",
    "accessReason",
    "ingestedUserListInfo.uploadKeyTypes",
)
_CONDITION = re.compile(
    r"""\s*([A-Za-z_.]+)\s*(!=|=|:)\s*(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))\s*(?:$|\bAND\b(?=\s*\S))"""
)
"""A condition with what joins it to the next one, as a quoted value may hold an AND of its own."""


def kept(wish: UserListWish, account_type: str) -> dict[str, Json]:
    """What a new list keeps besides its name. Raises Refusal."""
    info = wish.ingestedUserListInfo
    faults = [] if wish.displayName else [missing("user_list.display_name")]
    faults += _faults_of(info, account_type)
    if faults or info is None:
        raise Refusal(invalid(faults))
    return {**_changeable(wish), "ingestedUserListInfo": _shown_info(info)}


def changes(wish: UserListWish, mask: str | None) -> dict[str, Json]:
    """What a patch changes, the name included. Without a mask: the fields that are there. Raises Refusal."""
    paths = sorted(wish.model_fields_set) if mask is None else [_camel_case(path) for path in mask.split(",")]
    for path in paths:
        if path.partition(".")[0] == "ingestedUserListInfo":
            text = "Attempted to set an immutable field for an update request."
            raise wrong(f"user_list.{snake_case(path)}", text, "IMMUTABLE_FIELD_FOR_UPDATE")
        if mask is not None and path not in _CHANGEABLE:
            raise wrong("update_mask", "The update mask is invalid.", "INVALID_UPDATE_MASK")
    if "displayName" in paths and not wish.displayName:
        raise Refusal(invalid([missing("user_list.display_name")]))
    wished = {"displayName": wish.displayName, **_changeable(wish)}
    return {path: wished[path] for path in paths if path in wished}


def document(audience: AdAudience) -> dict[str, Json]:
    """A list as answers show it. Everybody who is in it matches here, in every network."""
    account_type = audience.account.partition("/")[0]
    info = dict(_object(audience.document["ingestedUserListInfo"]))
    if "contactIdInfo" in info and audience.size:
        info["contactIdInfo"] = {**_object(info["contactIdInfo"]), "matchRatePercentage": 100}
    size = str(_rounded(audience.size))
    networks = ("display", "search") if account_type == "GOOGLE_ADS" else ("display",)
    counts: dict[str, Json] = {f"{network}NetworkMembersCount": size for network in networks}
    return {
        "name": name_of(audience),
        "id": audience.id,
        "readOnly": False,
        "displayName": audience.name,
        **audience.document,
        "accessReason": "OWNED",
        "accountAccessStatus": "ENABLED",
        "ingestedUserListInfo": info,
        "sizeInfo": {**counts, "youtubeMembersCount": size, "gmailMembersCount": size},
        "targetNetworkInfo": {"eligibleForDisplay": True, "eligibleForSearch": "search" in networks},
    }


def name_of(audience: AdAudience) -> str:
    """The resource name."""
    account_type, _, account = audience.account.partition("/")
    return f"accountTypes/{account_type}/accounts/{account}/userLists/{audience.id}"


def lifetime(audience: AdAudience) -> float:
    """Seconds that a member stays after being added last."""
    return float(str(audience.document["membershipDuration"]).removesuffix("s"))


def upload_key_type(audience: AdAudience) -> str:
    """What the list is fed with."""
    return str(_key_types(audience.document)[0])


def found(documents: Sequence[dict[str, Json]], wanted: str) -> list[dict[str, Json]]:
    """The lists that a filter lets through: conditions with ``=``, ``!=`` or ``:``, joined by AND. Raises Refusal."""
    place = 0
    while place < len(wanted):
        parts = _CONDITION.match(wanted, place)
        if parts is None or _camel_case(parts[1]) not in _FILTERED:
            raise wrong("filter", "The query filter is invalid.", "INVALID_FILTER")
        place = parts.end()
        field, operator = _camel_case(parts[1]), parts[2]
        value = parts[4] if parts[3] is None else re.sub(r"\\(.)", r"\1", parts[3])
        documents = [shown for shown in documents if _meets(shown, field, operator, value)]
    return list(documents)


def page(
    documents: Sequence[dict[str, Json]], query: Mapping[str, str]
) -> tuple[Sequence[dict[str, Json]], str | None]:
    """One page of lists, and the token of the next one. Raises Refusal."""
    size = query.get("pageSize", "0")
    if not size.isdecimal():
        raise Refusal(unreadable("page_size", "Invalid value at 'page_size' (TYPE_INT32)."))
    start = _start(query.get("pageToken", ""))
    end = start + min(int(size) or PAGE, LARGEST_PAGE)
    following = urlsafe_b64encode(f"after {end}".encode()).decode() if end < len(documents) else None
    return documents[start:end], following


def _faults_of(info: IngestedUserListInfo | None, account_type: str) -> list[Violation]:
    place = "user_list.ingested_user_list_info"
    if info is None or not info.uploadKeyTypes:
        return [missing(f"{place}.upload_key_types")]
    key_type = info.uploadKeyTypes[0]
    if len(info.uploadKeyTypes) > 1 or key_type not in _INFO_OF:
        return [
            Violation(
                f"{place}.upload_key_types",
                "The user list upload key types are not supported.",
                "UNSUPPORTED_USER_LIST_UPLOAD_KEY_TYPES",
            )
        ]
    if key_type == "USER_ID" and account_type != "GOOGLE_ADS":
        return [
            Violation(
                f"{place}.upload_key_types",
                "The account types are not supported for the user list type.",
                "UNSUPPORTED_ACCOUNT_TYPES_FOR_USER_LIST_TYPE",
            )
        ]
    others = [name for name in (*_INFO_OF.values(), *_OF_PARTNERS) if name != _INFO_OF[key_type]]
    faults = [
        Violation(
            f"{place}.{snake_case(name)}",
            "The ingested user list info config is not supported.",
            "UNSUPPORTED_INGESTED_USER_LIST_INFO_CONFIG",
        )
        for name in others
        if getattr(info, name) is not None
    ]
    own = getattr(info, _INFO_OF[key_type])
    place = f"{place}.{snake_case(_INFO_OF[key_type])}"
    if own is not None and own.dataSourceType != "DATA_SOURCE_TYPE_FIRST_PARTY":
        faults.append(
            Violation(
                f"{place}.data_source_type",
                "The advertiser is not allowlisted for third-party data.",
                "ADVERTISER_NOT_ALLOWLISTED_FOR_THIRD_PARTY_PARTNER_DATA",
            )
        )
    if key_type == "MOBILE_ID":
        devices = info.mobileIdInfo
        if devices is None or devices.keySpace == "KEY_SPACE_UNSPECIFIED":
            faults.append(missing(f"{place}.key_space"))
        if devices is None or not devices.appId:
            faults.append(missing(f"{place}.app_id"))
    return faults


def _shown_info(info: IngestedUserListInfo) -> dict[str, Json]:
    """The wish with its defaults; a match rate in it counts for nothing."""
    key_type = info.uploadKeyTypes[0]
    own = info.model_dump(exclude_none=True).get(_INFO_OF[key_type], {})
    own.pop("matchRatePercentage", None)
    source = "DATA_SOURCE_TYPE_FIRST_PARTY"
    return {"uploadKeyTypes": [key_type], _INFO_OF[key_type]: {"dataSourceType": source, **own}}


def _changeable(wish: UserListWish) -> dict[str, Json]:
    """What can be changed later, without the name; what is not wished for is as by default."""
    is_closed = wish.membershipStatus == "CLOSED"
    return {
        "description": wish.description,
        "integrationCode": wish.integrationCode,
        "membershipStatus": "CLOSED" if is_closed else "OPEN",
        "membershipDuration": f"{_duration(wish.membershipDuration)}s",
    }


def _duration(wished: str | None) -> int:
    if wished is None:
        return LONGEST
    place = "user_list.membership_duration"
    if not re.fullmatch(r"\d{1,12}s", wished):
        raise Refusal(
            unreadable(place, f"Invalid value at '{place}' (type.googleapis.com/google.protobuf.Duration).")
        )
    seconds = int(wished.removesuffix("s"))
    if seconds > LONGEST:
        text = "The user list membership duration is too long."
        raise wrong(place, text, "MEMBERSHIP_DURATION_TOO_LONG")
    if seconds == 0 or seconds % DAY:
        raise wrong(place, "The duration has to be a multiple of 24 hours.")
    return seconds


def _meets(shown: dict[str, Json], field: str, operator: str, value: str) -> bool:
    if field == "ingestedUserListInfo.uploadKeyTypes":
        return (value in _key_types(shown)) is (operator != "!=")
    present = str(shown[field])
    if operator == ":":
        return value.lower() in present.lower()
    return (present == value) is (operator == "=")


def _key_types(shown: Mapping[str, Json]) -> list[Json]:
    types = _object(shown["ingestedUserListInfo"])["uploadKeyTypes"]
    assert isinstance(types, list)
    return types


def _object(value: Json) -> dict[str, Json]:
    assert isinstance(value, dict)
    return value


def _start(token: str) -> int:
    try:
        told = urlsafe_b64decode(token).decode("ascii")
    except (NotBase64, ValueError):
        told = "-"
    if token and not re.fullmatch(r"after \d{1,9}", told):
        raise wrong("page_token", "The page token is invalid.", "INVALID_PAGE_TOKEN")
    return int(told.removeprefix("after ") or 0)


def _rounded(size: int) -> int:
    """Two digits that count from a thousand on."""
    step = 10 ** max(len(str(size)) - 2, 0) if size >= 1_000 else 1
    return size // step * step


def _camel_case(name: str) -> str:
    return re.sub("_([a-z])", lambda letter: letter[1].upper(), name.strip())
