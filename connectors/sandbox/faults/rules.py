"""Fault rules: which requests they match, when they fire, and what then happens."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.sandbox.wire import Platform


class Fault(BaseModel):
    """What all rules share. Of the matching requests, ``after`` pass first; then every ``every``-th meets the
    fault, ``times`` times at most."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    summary: ClassVar[str]

    effect: str
    platform: Platform = Field(description="`meta`, `mailchimp` or `practice`.")
    method: str | None = Field(
        default=None, pattern=r"^(GET|POST|PUT|PATCH|DELETE)$", description="Only this HTTP method."
    )
    path: str | None = Field(
        default=None, description="Only paths of this form, `*` for anything: `*/users`."
    )
    after: int = Field(default=0, ge=0, description="Matching requests to let pass first.")
    every: int = Field(default=1, ge=1, description="Then every how many-th request meets the fault.")
    times: int | None = Field(default=None, ge=1, description="At most how often; unset: always.")


class Delay(Fault):
    """The answer comes late."""

    summary = "answers late"
    effect: Literal["delay"]
    seconds: float = Field(gt=0, le=600)


class RateLimited(Fault):
    """Too many requests, with or without Retry-After; nothing is applied."""

    summary = "rate limited"
    effect: Literal["rate_limited"]
    retry_after: float | None = Field(
        default=None, description="Seconds; may be absurd or negative on purpose."
    )
    as_date: bool = Field(default=False, description="Send Retry-After as an HTTP date.")
    status: int = Field(default=429, ge=400, le=599)
    code: int = Field(default=80003, description="Meta's code: 4, 17, 613, 80003 …")


class ServerError(Fault):
    """A 5xx with the platform's error body, before or after the request was applied."""

    summary = "server error"
    effect: Literal["server_error"]
    status: int = Field(default=500, ge=500, le=599)
    applied: bool = False


class LostAnswer(Fault):
    """The request is applied and the connection closed without a word."""

    summary = "applied, answer lost"
    effect: Literal["lost_answer"]


class Reset(Fault):
    """The connection is reset before anything is applied."""

    summary = "connection reset"
    effect: Literal["reset"]


class Html(Fault):
    """A gateway's HTML page where JSON is due."""

    summary = "HTML instead of JSON"
    effect: Literal["html"]
    status: int = Field(default=502, ge=200, le=599)
    applied: bool = False


class BrokenAnswer(Fault):
    """The request is applied and the answer, a 200, ends early or is empty."""

    summary = "broken answer"
    effect: Literal["broken_answer"]
    empty: bool = False


class ErrorInSuccess(Fault):
    """HTTP 200 with an error inside; nothing is applied."""

    summary = "200 with an error inside"
    effect: Literal["error_in_success"]
    code: int = Field(default=2, description="Meta's code inside.")


class RejectRows(Fault):
    """Rows of the request are refused by position or by share; the others are applied."""

    summary = "rows rejected"
    effect: Literal["reject_rows"]
    positions: list[Annotated[int, Field(ge=0)]] = Field(default=[], description="0-based.")
    share: float = Field(default=0, ge=0, le=1)
    seed: int = 0


class ExpireToken(Fault):
    """The credential is refused as expired."""

    summary = "token expired"
    effect: Literal["expire_token"]


class AudienceDeleted(Fault):
    """The audience is said to be gone."""

    summary = "audience deleted"
    effect: Literal["audience_deleted"]


class AudienceFlagged(Fault):
    """Meta refuses edits of a flagged audience."""

    summary = "audience flagged"
    effect: Literal["audience_flagged"]
    platform: Literal[Platform.META]


class TermsNotAccepted(Fault):
    """The platform wants its terms accepted first."""

    summary = "terms not accepted"
    effect: Literal["terms_not_accepted"]
    platform: Literal[Platform.META, Platform.PRACTICE]


class Refuse(Fault):
    """Any refusal by its numbers: Meta's code and subcode, Mailchimp's status and title."""

    summary = "refused"
    effect: Literal["refuse"]
    status: int = Field(default=400, ge=400, le=599)
    code: int = 100
    subcode: int | None = None
    is_transient: bool = False
    title: str = "Invalid Resource"


class SlowDrip(Fault):
    """The request is applied and the answer arrives byte by byte."""

    summary = "slow drip"
    effect: Literal["slow_drip"]
    seconds_per_byte: float = Field(default=0.02, gt=0, le=10)


class Timeout(Fault):
    """No answer for a long time, then a closed connection."""

    summary = "no answer in time"
    effect: Literal["timeout"]
    seconds: float = Field(default=130, gt=0, le=3600)
    applied: bool = False


class Twice(Fault):
    """The platform processes the request twice, as after a duplicate delivery on the way."""

    summary = "processed twice"
    effect: Literal["twice"]


class LateCopy(Fault):
    """The request is applied now and once more after some later requests."""

    summary = "late copy"
    effect: Literal["late_copy"]
    requests_later: int = Field(default=1, ge=1)


class Redirect(Fault):
    """A redirect to somewhere else, which a careful client does not follow with its token."""

    summary = "redirect"
    effect: Literal["redirect"]
    location: str = Field(min_length=1)
    status: Literal[301, 302, 303, 307, 308] = 302


class HugeAnswer(Fault):
    """The request is applied and the answer is padded to this size."""

    summary = "huge answer"
    effect: Literal["huge_answer"]
    megabytes: int = Field(default=64, ge=1, le=1024)


AnyFault = (
    Delay
    | RateLimited
    | ServerError
    | LostAnswer
    | Reset
    | Html
    | BrokenAnswer
    | ErrorInSuccess
    | RejectRows
    | ExpireToken
    | AudienceDeleted
    | AudienceFlagged
    | TermsNotAccepted
    | Refuse
    | SlowDrip
    | Timeout
    | Twice
    | LateCopy
    | Redirect
    | HugeAnswer
)
