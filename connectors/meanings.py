"""What a platform's errors mean: one readable table a platform, sorted by what must happen next.

A connector finds the error in an answer (`Told`), its table says what it means (`Meaning`), and `raise_meaning` turns
that into the exception which the engine acts on. Answers without a known code are judged by their HTTP status.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NoReturn

from connectors.base import (
    ActionNeeded,
    AudienceGone,
    AuthFailed,
    QuotaExhausted,
    Refused,
    RowsRefused,
    Uncertain,
)
from connectors.http import Throttled
from connectors.oauth import TokenExpired
from connectors.redact import redact
from connectors.wire import NoAnswer


class Then(StrEnum):
    """Consequence of an error."""

    WAIT = "wait and repeat"
    REPEAT = "repeat after a pause"
    RENEW = "repeat once with a new access token"
    SIGN_IN = "somebody must look at the credential"
    ACT = "somebody must act on the platform"
    GONE = "forget the audience"
    BLOCKED = "leave the account alone"
    DOUBT = "an earlier attempt may have been applied"
    ROWS = "drop the rows that are named and send the others"
    REFUSE = "not applied"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error says, and what follows. ``{prefix}`` stands for what the account's variables start with."""

    then: Then
    says: str


@dataclass(frozen=True, slots=True)
class Told:
    """An error as an answer tells it."""

    codes: tuple[str | int, ...] = ()
    """The platform's own codes, the most telling first."""
    message: str = ""
    trace: str = ""
    """The request's id in the platform's records."""
    wait: float | None = None
    """Seconds to wait, where the platform says so."""
    rows: Mapping[int, str] = field(default_factory=dict)
    """0-based positions that it names, with reasons."""


BY_STATUS: Mapping[int, Meaning] = {
    400: Meaning(Then.REFUSE, "the request is not valid"),
    401: Meaning(Then.RENEW, "the access token is not valid"),
    403: Meaning(Then.SIGN_IN, "the credential lacks a permission for this account"),
    404: Meaning(Then.GONE, "the audience does not exist"),
    409: Meaning(Then.REPEAT, "another change is under way"),
    410: Meaning(Then.ACT, "this API version is retired; upgrade Turnout"),
    413: Meaning(Then.REFUSE, "the request is too large; set {prefix}MAX_ROWS lower"),
    426: Meaning(Then.ACT, "this API version is retired; set {prefix}API_VERSION to a current one"),
    429: Meaning(Then.WAIT, "too many requests"),
}  # fmt: skip
"""What a status means where the platform's own table does not know the code."""

FAULT = Meaning(Then.REPEAT, "a fault that passes")
NO_SUCH_CALL = Meaning(Then.ACT, "no such call; check {prefix}BASE_URL")
"""A 404 of platforms whose answers name a missing audience in another way."""
_UNKNOWN = Meaning(Then.REFUSE, "an error that the documentation does not list")


def meaning_of(
    told: Told, status: int, table: Mapping[str | int, Meaning], otherwise: Meaning | None = None
) -> Meaning:
    """The most telling entry: of the platform's table, else ``otherwise``, else of the status."""
    for code in told.codes:
        if code in table:
            return table[code]
    if otherwise is not None:
        return otherwise
    if status >= 500:
        return FAULT
    return BY_STATUS.get(status, _UNKNOWN)


def raise_meaning(
    meaning: Meaning,
    told: Told,
    *,
    title: str,
    prefix: str,
    credentials: str,
    secrets: Iterable[str] = (),
    sent: Iterable[str] = (),
) -> NoReturn:
    """Raise what follows from an error.

    ``credentials`` names the variables that sign requests, ``sent`` the identifiers that were in the request.
    """
    code = next((str(code) for code in told.codes if str(code)), "")
    trace = redact(told.trace, secrets)
    where = ", ".join(
        filter(None, (f"code {redact(code, secrets)}" if code else "", f"trace {trace}" if trace else ""))
    )
    says = meaning.says.format(prefix=prefix) + (f" ({where})" if where else "")
    sentence = f"{title}: {says}"
    detail = redact(told.message, secrets, sent)
    match meaning.then:
        case Then.WAIT:
            raise Throttled(says, told.wait)
        case Then.REPEAT:
            raise NoAnswer(says)
        case Then.RENEW:
            raise TokenExpired(f"{sentence}; check {credentials}")
        case Then.SIGN_IN:
            raise AuthFailed(f"{sentence}; check {credentials}")
        case Then.ACT:
            raise ActionNeeded(sentence)
        case Then.GONE:
            raise AudienceGone(sentence)
        case Then.BLOCKED:
            raise QuotaExhausted(sentence)
        case Then.DOUBT:
            raise Uncertain(sentence)
        case Then.ROWS:
            raise RowsRefused(sentence, told.rows)
        case Then.REFUSE:
            raise Refused(f"{sentence}: {detail}" if detail else sentence)
