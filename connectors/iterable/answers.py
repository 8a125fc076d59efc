"""What Iterable's answers mean: errors by code or status, and users who were not taken by the list that names them."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.account import count_of, object_of, texts_of
from connectors.base import Uncertain
from connectors.email import CONSENT_BLOCKED, UNKNOWN_PERSON
from connectors.meanings import Meaning, Then, Told
from connectors.people import FieldType
from connectors.wire import Answer

_KEY = Meaning(Then.SIGN_IN, "the API key is not valid in this data centre and project")
_KIND_OF_KEY = Meaning(
    Then.SIGN_IN, "the API key may not do this; it has to be a server-side key without JWT"
)
_PERSON = Meaning(Then.ROWS, "somebody in the request cannot be taken")
_TOO_LARGE = Meaning(Then.REFUSE, "the request is too large; set {prefix}MAX_ROWS lower")

ERRORS: Mapping[str | int, Meaning] = {
    "BadApiKey": _KEY,
    "BadAuthorizationHeader": _KEY,
    "Unauthorized": _KEY,
    401: _KEY,
    "InvalidJwtPayload": _KIND_OF_KEY,
    "JwtUserIdentifiersMismatched": _KIND_OF_KEY,
    "Forbidden": _KIND_OF_KEY,
    "ForbiddenParamsError": _KIND_OF_KEY,
    403: _KIND_OF_KEY,
    "RateLimitExceeded": Meaning(Then.WAIT, "too many requests"),
    "DatabaseError": Meaning(Then.REPEAT, "a fault that passes"),
    "BatchTooLarge": _TOO_LARGE,
    413: _TOO_LARGE,
    "ForgottenUserError": _PERSON,
    "InvalidEmailAddressError": _PERSON,
    "InvalidUserIdError": _PERSON,
    "UnknownEmailError": _PERSON,
    "UnknownUserIdError": _PERSON,
    "EmailAlreadyExists": _PERSON,
    "UserIdAlreadyExists": _PERSON,
    "ExternalKeyConflict": _PERSON,
    "RequestFieldsTypesMismatched": Meaning(
        Then.ACT, "an attribute is of another type than its field, which Iterable never changes"
    ),
    "UniqueFieldsLimitExceeded": Meaning(Then.ACT, "the project has as many user fields as Iterable allows"),
}
"""``code`` of an answer, or its status where that says more than the sheet of statuses."""

MISSING_OR_WRONG = "BadParams"
"""The code for a list that is not there, and for anything else that Iterable cannot read."""

REASONS: Mapping[str, str] = {
    "invalidEmails": "invalid_address",
    "invalidUserIds": "invalid_id",
    "notFoundEmails": UNKNOWN_PERSON,
    "notFoundUserIds": UNKNOWN_PERSON,
    "forgottenEmails": CONSENT_BLOCKED,
    "forgottenUserIds": CONSENT_BLOCKED,
    "conflictEmails": "conflict",
    "conflictUserIds": "conflict",
    "invalidDataEmails": "invalid_data",
    "invalidDataUserIds": "invalid_data",
}
"""Why users were not taken, by the list of ``failedUpdates`` that names them."""

TYPES: Mapping[str, FieldType] = {
    "string": FieldType.TEXT,
    "long": FieldType.NUMBER,
    "integer": FieldType.NUMBER,
    "double": FieldType.NUMBER,
    "float": FieldType.NUMBER,
    "boolean": FieldType.BOOLEAN,
    "date": FieldType.DATE,
}
"""What a user field's type holds; anything else takes what it takes."""


def told(answer: Answer) -> Told | None:
    """The error in an answer: a status that is none of success, whatever its code, or a code that is none of it."""
    body = object_of(answer)
    code = str(body.get("code") or "")
    if answer.status < 400 and code in ("", "Success"):
        return None
    wait = object_of(body.get("params")).get("rateLimitReset")
    return Told(
        (answer.status,) if code in ("", "Success") else (code, answer.status),
        str(body.get("msg") or ""),
        wait=float(wait) if isinstance(wait, int | float) and wait >= 0 else None,
    )


def not_taken(answer: Mapping[str, object], values: Mapping[str, int]) -> tuple[dict[int, str], int]:
    """Reasons by position, and how many more were not taken than are named. Raises Uncertain for no such answer.

    ``values``: positions by what Iterable may name, in lower case for addresses.
    """
    failed = count_of(answer.get("failCount"))
    if failed is None or count_of(answer.get("successCount")) is None:
        raise Uncertain("Iterable: the answer does not say how many users were taken")
    named = object_of(answer.get("failedUpdates"))
    refused: dict[int, str] = {}
    for kind, reason in REASONS.items():
        for text in texts_of(named.get(kind)):
            position = values.get(text.strip().lower() if kind.endswith("Emails") else text)
            if position is not None:
                refused[position] = reason
    return refused, max(0, failed - len(refused))
