"""What the answers of Google's Data Manager API mean: errors at once, and verdicts that come later."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from connectors.account import count_of, items_of, object_of
from connectors.base import JobFailed, Receipt, Reported
from connectors.meanings import Meaning, Then, Told
from connectors.wire import Answer

ERRORS: Mapping[str | int, Meaning] = {
    **dict.fromkeys(
        (
            "INVALID_HEX_ENCODING", "INVALID_BASE64_ENCODING", "INVALID_SHA256_FORMAT", "INVALID_POSTAL_CODE",
            "INVALID_REGION_CODE", "INVALID_MOBILE_ID_FORMAT", "INVALID_AUDIENCE_MEMBER", "REQUIRED_FIELD_MISSING",
        ),
        Meaning(Then.ROWS, "some rows are not valid; nobody was taken"),
    ),
    **dict.fromkeys(
        ("TOO_MANY_AUDIENCE_MEMBERS", "TOO_MANY_USER_IDENTIFIERS", "TOO_MANY_DESTINATIONS"),
        Meaning(Then.REFUSE, "the request is too large; set {prefix}MAX_ROWS lower"),
    ),
    **dict.fromkeys(
        ("MULTIPLE_DATA_TYPES_NOT_ALLOWED", "INVALID_REMOVE_AS_OF_TIME", "MEMBERSHIP_DURATION_TOO_LONG"),
        Meaning(Then.REFUSE, "the request is not valid"),
    ),
    **dict.fromkeys(
        ("NOT_FOUND", "INVALID_USER_LIST_ID"), Meaning(Then.GONE, "the user list does not exist in this account")
    ),
    **dict.fromkeys(
        ("INVALID_DESTINATION", "DESTINATION_ACCOUNT_TYPE_MISMATCH"),
        Meaning(Then.ACT, "no such destination; check {prefix}ACCOUNT_TYPE and {prefix}OPERATING_ACCOUNT"),
    ),
    "INVALID_USER_LIST_TYPE": Meaning(
        Then.ACT, "the list is not one of contact data; remove it or its mark, and a new one is made"
    ),
    "DISPLAY_NAME_ALREADY_USED": Meaning(
        Then.ACT, "the account has a list of this name that is not ours; rename it, or the segment"
    ),
    **dict.fromkeys(
        ("TERMS_AND_CONDITIONS_NOT_SIGNED", "ADVERTISER_TOS_NOT_ACCEPTED"),
        Meaning(Then.ACT, "the Customer Match terms are not accepted; accept them in the account's Audience Manager"),
    ),
    "EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED": Meaning(
        Then.ACT, "the account has not declared whether it runs political ads in the EU; declare it in its settings"
    ),
    "NOT_ALLOWLISTED": Meaning(Then.ACT, "the account may not use Customer Match; ask Google, or use another account"),
    "SERVICE_DISABLED": Meaning(Then.ACT, "the Data Manager API is not enabled in the Cloud project; enable it there"),
    "PERMISSION_DENIED": Meaning(
        Then.SIGN_IN, "no access to the account (or it does not exist); check {prefix}OPERATING_ACCOUNT and "
        "{prefix}LOGIN_ACCOUNT"
    ),
    "UNAUTHENTICATED": Meaning(Then.RENEW, "the access token is not valid"),
    "RESOURCE_EXHAUSTED": Meaning(Then.WAIT, "too many requests"),
    **dict.fromkeys(
        ("INTERNAL", "INTERNAL_ERROR", "UNAVAILABLE", "DEADLINE_EXCEEDED"), Meaning(Then.REPEAT, "a fault that passes")
    ),
    **dict.fromkeys(
        ("REQUEST_TOO_OLD", "INVALID_REQUEST_ID"), Meaning(Then.REFUSE, "Google knows nothing of this request")
    ),
}  # fmt: skip
"""Reasons of an error's details, and its status."""

_INDEX = re.compile(r"\[(\d{1,6})\]")
_REASON = re.compile(r"[A-Z][A-Z0-9_]{0,79}")
PASSING = "internal_error"
"""The one reason that lies in no row."""
_PROCESSING = ("PROCESSING_ERROR_REASON_", "PROCESSING_ERROR_")


def error_in(answer: Answer) -> Told | None:
    """The error of an answer in Google's error model, None for a success."""
    error = object_of(answer).get("error")
    if answer.status < 400 and error is None:
        return None
    error = object_of(error)
    details = list(items_of(error.get("details")))
    violations = [violation for detail in details for violation in items_of(detail.get("fieldViolations"))]
    rows = {
        row: _reason(v.get("reason")) for v in violations if (row := _row(str(v.get("field")))) is not None
    }
    # A field that is missing outside of the members is no fault of a row.
    reasons = [
        str(v.get("reason")) for v in violations if rows or v.get("reason") != "REQUIRED_FIELD_MISSING"
    ]
    reasons += [str(detail.get("reason")) for detail in details if detail.get("reason")]
    trace = next((str(detail["requestId"]) for detail in details if detail.get("requestId")), "")
    return Told((*reasons, str(error.get("status", ""))), str(error.get("message") or ""), trace, rows=rows)


def _row(field: str) -> int | None:
    """The member that a field's path names; how Google spells the path is not documented."""
    path = field.lower().replace("_", "")
    if "destination" in path:
        return None
    found = _INDEX.search(path.partition("audiencemembers")[2] or path)
    return int(found[1]) if found else None


def _reason(told: object) -> str:
    """A reason of Google's in the form of ours; what is none is not repeated."""
    text = str(told)
    if not _REASON.fullmatch(text):
        return "refused"
    for prefix in _PROCESSING:
        text = text.removeprefix(prefix)
    return re.sub(r"[^a-z_]", "", text.lower()) or "refused"


def verdict(answer: Answer, still_open: Receipt) -> Receipt:
    """What became of a request. Raises JobFailed when nothing of it was applied."""
    parts = list(items_of(object_of(answer).get("requestStatusPerDestination")))
    part = parts[0] if len(parts) == 1 else {}
    counts = list(items_of(object_of(part.get("errorInfo")).get("errorCounts")))
    named = _named(counts)
    match part.get("requestStatus"):
        case "SUCCESS":
            return Receipt("applied", still_open.reference)
        case "PARTIAL_SUCCESS":
            return Receipt("applied", still_open.reference, named, sum(map(_unnamed, counts)))
        case "FAILED":
            reasons = {_reason(count.get("reason")) for count in counts}
            # When every row has a fault of its own, sending them again would change nothing.
            if named and len(named) == _records(part) and PASSING not in reasons:
                return Receipt("applied", still_open.reference, named)
            told = ", ".join(sorted(reasons)) or "no reason given"
            raise JobFailed(f"Google: the request failed ({told}); nothing was changed")
    # Google may add states; whatever they are, they are no verdict.
    return still_open


def _named(counts: list[dict[str, Any]]) -> dict[int, str]:
    """Rows by position, each with its first reason."""
    named: dict[int, str] = {}
    for count in counts:
        for index in _indices(count):
            named.setdefault(index, _reason(count.get("reason")))
    return named


def _unnamed(count: dict[str, Any]) -> int:
    """Rows that are counted without their positions, as older answers do."""
    return max(0, (count_of(count.get("recordCount")) or 0) - len(_indices(count)))


def _indices(count: dict[str, Any]) -> list[int]:
    told = count.get("recordIndices")
    positions = map(count_of, told) if isinstance(told, list) else ()
    return [position for position in positions if position is not None]


def _records(part: dict[str, Any]) -> int | None:
    """How many members the request held, as Google counts them."""
    for name in ("audienceMembersIngestionStatus", "audienceMembersRemovalStatus"):
        for status in object_of(part.get(name)).values():
            return count_of(object_of(status).get("recordCount"))
    return None


def reported(found: Mapping[str, Any]) -> Reported:
    """A list's size: that of its largest network, since members overlap; the rest in words."""
    sizes = {
        name: size
        for name, told in object_of(found.get("sizeInfo")).items()
        if (size := count_of(told)) is not None
    }
    largest = max(sizes.values(), default=None)
    info = object_of(object_of(found.get("ingestedUserListInfo")).get("contactIdInfo"))
    rate = count_of(info.get("matchRatePercentage"))
    words = [str(found.get("membershipStatus") or ""), str(found.get("closingReason") or "")]
    words += [] if rate is None else [f"match rate {rate} %"]
    words += [f"{name.removesuffix('MembersCount')} {size:,}" for name, size in sizes.items()]
    return Reported(largest, largest, "; ".join(filter(None, words)))
