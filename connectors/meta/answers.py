"""What Meta's answers mean: one table of error codes, sorted by what must happen next.

Meta answers most errors with HTTP 400, so the status is not asked. Sources: Marketing API error reference, custom
audience guides and rate-limiting page, v26.0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn

from connectors.base import AuthFailed
from connectors.meanings import Meaning, Then, Told, raise_meaning
from connectors.meta.usage import regain_seconds
from connectors.settings import env_prefix
from connectors.wire import Answer, NoAnswer

Node = Literal["account", "audience"]


_SIGN_IN_AGAIN = "the access token is not valid any more; make a new one"
_RATE = "too many requests"
_PASSING = "a fault that passes"

SUBCODES: Mapping[int, Meaning] = {
    33: Meaning(Then.GONE, "the object does not exist or is not visible to this token"),
    463: Meaning(Then.SIGN_IN, "the access token has expired; make a new one"),
    460: Meaning(Then.SIGN_IN, "the password of the token's user has changed; make a new one"),
    467: Meaning(Then.SIGN_IN, _SIGN_IN_AGAIN),
    458: Meaning(Then.SIGN_IN, "the app was removed from the business; install it and make a new token"),
    459: Meaning(Then.SIGN_IN, "Meta wants the token's user to sign in once at facebook.com"),
    1487301: Meaning(Then.GONE, "the audience is not shared with this ad account any more"),
    1487366: Meaning(Then.GONE, "the audience was deleted"),
    1487742: Meaning(Then.WAIT, _RATE),
    1713230: Meaning(Then.ACT, "the audience is flagged and takes no people; ask for a review in Ads Manager"),
    1870050: Meaning(Then.ACT, "the ad account belongs to no business portfolio; add it to one in Business Settings"),
    1870090: Meaning(Then.ACT, "the Custom Audience Terms are not accepted; accept them in Ads Manager"),
    1870144: Meaning(Then.ACT, "the audience holds more people than Meta updates; start a new one"),
    1870145: Meaning(Then.REPEAT, "an update of this audience is under way"),
    1870147: Meaning(Then.DOUBT, "Meta missed the first batch of the session"),
    1870148: Meaning(Then.DOUBT, "Meta took only a part of the batch"),
    1870158: Meaning(Then.DOUBT, "the upload session is older than 90 minutes"),
    1870159: Meaning(Then.DOUBT, "the upload session is closed already"),
    2446079: Meaning(Then.WAIT, _RATE),
}  # fmt: skip
"""Subcodes speak before codes."""

CODES: Mapping[int, Meaning] = {
    1: Meaning(Then.REPEAT, _PASSING),
    2: Meaning(Then.REPEAT, _PASSING),
    3: Meaning(Then.SIGN_IN, "the app lacks the capability for custom audiences; check its permissions"),
    4: Meaning(Then.WAIT, _RATE),
    10: Meaning(Then.SIGN_IN, "the token lacks a permission; it needs ads_management on this ad account"),
    17: Meaning(Then.WAIT, _RATE),
    32: Meaning(Then.WAIT, _RATE),
    100: Meaning(Then.REFUSE, "the request is not valid"),
    102: Meaning(Then.SIGN_IN, _SIGN_IN_AGAIN),
    105: Meaning(Then.REFUSE, "the request has too many parameters"),
    190: Meaning(Then.SIGN_IN, _SIGN_IN_AGAIN),
    194: Meaning(Then.REFUSE, "the request lacks a parameter"),
    270: Meaning(Then.SIGN_IN, "the app has development access only; ask Meta for full access"),
    294: Meaning(Then.SIGN_IN, "the token lacks ads_management"),
    341: Meaning(Then.REPEAT, _PASSING),
    368: Meaning(Then.BLOCKED, "Meta blocks this account for a while as abusive; look at Account Quality"),
    613: Meaning(Then.WAIT, _RATE),
    2500: Meaning(Then.REFUSE, "the address of the request is not valid"),
    2635: Meaning(Then.ACT, "this API version is retired; set {prefix}API_VERSION to a current one"),
    2650: Meaning(Then.REFUSE, "the audience could not be updated"),
    2655: Meaning(Then.ACT, "Meta's marketing messaging terms are not accepted; accept them in Business Settings"),
    5000: Meaning(Then.REPEAT, _PASSING),
    21009: Meaning(Then.REPEAT, _PASSING),
    80000: Meaning(Then.WAIT, _RATE),
    80003: Meaning(Then.WAIT, _RATE),
    80004: Meaning(Then.WAIT, _RATE),
    80014: Meaning(Then.WAIT, _RATE),
}  # fmt: skip

_PERMISSION = Meaning(
    Then.SIGN_IN, "the token lacks a permission; it needs ads_management on this ad account"
)
_UNKNOWN = Meaning(Then.REFUSE, "an error that the documentation does not list")


@dataclass(frozen=True, slots=True)
class GraphError:
    """The error object of an answer."""

    code: int
    subcode: int
    message: str
    trace: str
    transient: bool

    @property
    def meaning(self) -> Meaning:
        """The most telling entry of the table."""
        for known in (SUBCODES.get(self.subcode), SUBCODES.get(self.code), CODES.get(self.code)):
            if known is not None:
                return known
        if 200 <= self.code <= 299:
            return _PERMISSION
        return Meaning(Then.REPEAT, _PASSING) if self.transient else _UNKNOWN


def graph_error(answer: Answer) -> GraphError | None:
    """The error an answer holds, None when it holds none. Raises NoAnswer unless the body is a JSON object."""
    body = answer.json
    if not isinstance(body, dict):
        raise NoAnswer(f"HTTP {answer.status} without JSON")
    error = body.get("error")
    if error is None:
        return None
    if not isinstance(error, dict):
        raise NoAnswer(f"HTTP {answer.status} with an unreadable error")
    return GraphError(
        code=_whole(error.get("code")),
        subcode=_whole(error.get("error_subcode")),
        message=str(error.get("message", "")),
        trace=str(error.get("fbtrace_id", "")),
        transient=error.get("is_transient") is True,
    )


def raise_error(
    error: GraphError,
    answer: Answer,
    node: Node,
    destination: str,
    secrets: tuple[str, ...],
    sent: Iterable[str] = (),
) -> NoReturn:
    """Raise what follows from an error. ``node`` is what the request was addressed to, ``sent`` what was in it."""
    prefix = env_prefix(destination)
    code = f"{error.code}/{error.subcode}" if error.subcode else str(error.code)
    if error.meaning.then is Then.GONE and node == "account":
        raise AuthFailed(
            f"Meta: this token does not see the ad account; check {prefix}AD_ACCOUNT (code {code})"
        )
    raise_meaning(
        error.meaning,
        Told((code,), error.message, error.trace, regain_seconds(answer.headers)),
        title="Meta",
        prefix=prefix,
        credentials=f"{prefix}TOKEN",
        secrets=secrets,
        sent=sent,
    )


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
