"""Fault rules: which requests they match, when they fire, and what then happens."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.sandbox.wire import Platform

GivesTokens = Literal[
    Platform.GOOGLE,
    Platform.LINKEDIN,
    Platform.MICROSOFT,
    Platform.SNAPCHAT,
    Platform.PINTEREST,
    Platform.REDDIT,
    Platform.CRITEO,
    Platform.PRACTICE,
]
"""Platforms with a token endpoint."""
TakesJobs = Literal[
    Platform.MAILCHIMP,
    Platform.GOOGLE,
    Platform.KLAVIYO,
    Platform.BRAZE,
    Platform.ITERABLE,
    Platform.CUSTOMERIO,
    Platform.SENDGRID,
    Platform.BREVO,
    Platform.ACTIVECAMPAIGN,
    Platform.PRACTICE,
]
"""Platforms that take a request now and do it later."""


class Fault(BaseModel):
    """What all rules share. Of the matching requests, ``after`` pass first; then every ``every``-th meets the
    fault, ``times`` times at most."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    summary: ClassVar[str]

    effect: str
    platform: Platform = Field(description="The platform's name, `meta` for example.")
    method: str | None = Field(
        default=None, pattern=r"^(GET|POST|PUT|PATCH|DELETE)$", description="Only this HTTP method."
    )
    path: str | None = Field(
        default=None, description="Only paths of this form, `*` for anything: `*/users`."
    )
    after: int = Field(default=0, ge=0, description="Matching requests to let pass first.")
    every: int = Field(default=1, ge=1, description="Then every how many-th request meets the fault.")
    times: int | None = Field(default=None, ge=1, description="At most how often; unset: always.")


# --- answers that come late, broken, or not at all ---------------------------------------------------------------


class Delay(Fault):
    """The request is applied and answered after this time."""

    summary = "answers late"
    effect: Literal["delay"]
    seconds: float = Field(gt=0, le=600, description="Real seconds.")


class LostAnswer(Fault):
    """The request is applied and the connection closed without a word."""

    summary = "applied, answer lost"
    effect: Literal["lost_answer"]


class Reset(Fault):
    """The connection is reset before anything is applied."""

    summary = "connection reset"
    effect: Literal["reset"]


class ResetMidway(Fault):
    """The request is applied, half of the answer is sent, then the connection is reset."""

    summary = "reset in mid-answer"
    effect: Literal["reset_midway"]


class Timeout(Fault):
    """No answer for a long time, then a closed connection; applied before or not at all."""

    summary = "no answer in time"
    effect: Literal["timeout"]
    seconds: float = Field(default=130, gt=0, le=3600, description="Real seconds.")
    applied: bool = Field(default=False, description="The request is applied.")


class BrokenAnswer(Fault):
    """The request is applied and the answer, a 200, ends early or is empty."""

    summary = "broken answer"
    effect: Literal["broken_answer"]
    empty: bool = Field(default=False, description="Empty instead of cut in half.")


class Html(Fault):
    """A gateway's HTML page where JSON is due."""

    summary = "HTML instead of JSON"
    effect: Literal["html"]
    status: int = Field(default=502, ge=200, le=599, description="200 is possible too.")
    applied: bool = Field(default=False, description="The request is applied.")


class HugeAnswer(Fault):
    """The request is applied and the answer has this size: padded, nested, or small on the wire and huge unpacked."""

    summary = "huge answer"
    effect: Literal["huge_answer"]
    megabytes: int = Field(default=64, ge=1, le=1024, description="Size of the answer, unpacked.")
    shape: Literal["padded", "nested", "gzip"] = Field(
        default="padded", description="`nested`: JSON arrays within arrays; `gzip`: a compression bomb."
    )


class SlowDrip(Fault):
    """The request is applied and the answer arrives byte by byte."""

    summary = "slow drip"
    effect: Literal["slow_drip"]
    seconds_per_byte: float = Field(default=0.02, gt=0, le=10, description="Real seconds for each byte.")


class Redirect(Fault):
    """A redirect to somewhere else, which a careful client does not follow with its token."""

    summary = "redirect"
    effect: Literal["redirect"]
    location: str = Field(min_length=1, description="Where to.")
    status: Literal[301, 302, 303, 307, 308] = Field(default=302, description="Kind of redirect.")


# --- refusals ----------------------------------------------------------------------------------------------------


class RateLimited(Fault):
    """Too many requests, with or without Retry-After; nothing is applied."""

    summary = "rate limited"
    effect: Literal["rate_limited"]
    retry_after: float | None = Field(
        default=None, description="Seconds; may be absurd or negative on purpose."
    )
    as_date: bool = Field(default=False, description="Send Retry-After as an HTTP date.")
    status: int = Field(default=429, ge=400, le=599, description="HTTP status.")
    code: int = Field(default=80003, description="Meta's code: 4, 17, 613, 80003 …")


class QuotaGone(Fault):
    """The day's requests are spent: from the first firing to midnight (UTC, the sandbox's clock) all are refused."""

    summary = "quota gone until tomorrow"
    effect: Literal["quota_gone"]


class ServerError(Fault):
    """A 5xx with the platform's error body, before or after the request was applied."""

    summary = "server error"
    effect: Literal["server_error"]
    status: int = Field(default=500, ge=500, le=599, description="HTTP status.")
    applied: bool = Field(default=False, description="The request is applied.")


class ErrorInSuccess(Fault):
    """HTTP 200 with an error inside; nothing is applied."""

    summary = "200 with an error inside"
    effect: Literal["error_in_success"]
    code: int = Field(default=2, description="Meta's code inside.")


class Refuse(Fault):
    """Any refusal by its numbers: Meta's code and subcode, elsewhere the status and the platform's own code."""

    summary = "refused"
    effect: Literal["refuse"]
    status: int = Field(default=400, ge=400, le=599, description="HTTP status.")
    code: int = Field(default=100, description="Meta's code.")
    subcode: int | None = Field(default=None, description="Meta's subcode.")
    is_transient: bool = Field(default=False, description="Meta's mark of a fault that passes.")
    title: str = Field(
        default="Invalid Resource",
        description="The error's own title or code, on platforms besides Meta.",
    )


class ExpireToken(Fault):
    """The credential is refused as expired."""

    summary = "token expired"
    effect: Literal["expire_token"]


class TermsNotAccepted(Fault):
    """The platform wants its terms accepted first."""

    summary = "terms not accepted"
    effect: Literal["terms_not_accepted"]
    platform: Literal[
        Platform.META,
        Platform.GOOGLE,
        Platform.TIKTOK,
        Platform.MICROSOFT,
        Platform.SNAPCHAT,
        Platform.PINTEREST,
        Platform.PRACTICE,
    ]


class AudienceFlagged(Fault):
    """Meta refuses edits of a flagged audience."""

    summary = "audience flagged"
    effect: Literal["audience_flagged"]
    platform: Literal[Platform.META]


class RejectRows(Fault):
    """Rows of the request are refused, by position, by share or by what they hold; the others are applied."""

    summary = "rows rejected"
    effect: Literal["reject_rows"]
    positions: list[Annotated[int, Field(ge=0)]] = Field(default=[], description="0-based.")
    share: float = Field(default=0, ge=0, le=1, description="Share of the rows, drawn by the seed.")
    seed: int = Field(default=0, description="The same seed draws the same positions.")
    holding: list[Annotated[str, Field(min_length=4)]] = Field(
        default=[],
        description="Texts (addresses, digests): whoever's row holds one is refused wherever it stands.",
    )
    unnamed: bool = Field(default=False, description="The answer counts the rows and names none.")


# --- what happens to the account or the audience -----------------------------------------------------------------


class AudienceDeleted(Fault):
    """The audience is said to be gone, or really is."""

    summary = "audience deleted"
    effect: Literal["audience_deleted"]
    really: bool = Field(
        default=False, description="Delete it, as a colleague would, before the request is looked at."
    )


class MembersLost(Fault):
    """The platform silently drops some of the audience's members before it looks at the request."""

    summary = "members lost"
    effect: Literal["members_lost"]
    share: float = Field(default=0.1, gt=0, le=1, description="Share of the members, drawn by the seed.")
    seed: int = Field(default=0, description="The same seed drops the same people.")


class TokensEnd(Fault):
    """Every access token that was given out ends before this request is looked at."""

    summary = "given-out tokens end"
    effect: Literal["tokens_end"]
    platform: GivesTokens


class RefreshRotated(Fault):
    """Somebody else uses the refresh token before this request is looked at: ours works no more."""

    summary = "refresh token rotated"
    effect: Literal["refresh_rotated"]
    platform: GivesTokens


# --- time and order ----------------------------------------------------------------------------------------------


class Twice(Fault):
    """The platform processes the request twice, as after a duplicate delivery on the way."""

    summary = "processed twice"
    effect: Literal["twice"]


class Later(Fault):
    """What rules share that apply a request later: after so many other requests, or after some time."""

    requests_later: int | None = Field(
        default=None, ge=1, description="After so many other requests; 1 if neither is set."
    )
    seconds_later: float | None = Field(
        default=None, gt=0, description="After so many seconds by the sandbox's clock."
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Later:
        if self.requests_later is not None and self.seconds_later is not None:
            raise ValueError("requests_later and seconds_later exclude each other")
        return self


class LateCopy(Later):
    """The request is applied and answered, and a copy of it is applied once more later."""

    summary = "late copy"
    effect: Literal["late_copy"]


class HeldBack(Later):
    """The connection is closed without a word, and the request is applied later."""

    summary = "no answer, applied later"
    effect: Literal["held_back"]


class OutOfOrder(Later):
    """The request is answered as if it were applied, but is applied only later, after others."""

    summary = "answered, applied out of order"
    effect: Literal["out_of_order"]


class JobLate(Fault):
    """The job that the request starts ends so much later than others: an earlier one can be overtaken."""

    summary = "job takes longer"
    effect: Literal["job_late"]
    platform: TakesJobs
    seconds: float = Field(gt=0, description="Seconds by the sandbox's clock.")


class JobFails(Fault):
    """The job that the request starts is taken, and fails later without having applied anything."""

    summary = "job fails"
    effect: Literal["job_fails"]
    platform: TakesJobs
    seconds: float = Field(default=0, ge=0, description="Seconds by the sandbox's clock until it fails.")


class JobNeverEnds(Fault):
    """The job that the request starts waits for ever."""

    summary = "job never ends"
    effect: Literal["job_never_ends"]
    platform: TakesJobs


AnyFault = (
    Delay
    | LostAnswer
    | Reset
    | ResetMidway
    | Timeout
    | BrokenAnswer
    | Html
    | HugeAnswer
    | SlowDrip
    | Redirect
    | RateLimited
    | QuotaGone
    | ServerError
    | ErrorInSuccess
    | Refuse
    | ExpireToken
    | TermsNotAccepted
    | AudienceFlagged
    | RejectRows
    | AudienceDeleted
    | MembersLost
    | TokensEnd
    | RefreshRotated
    | Twice
    | LateCopy
    | HeldBack
    | OutOfOrder
    | JobLate
    | JobFails
    | JobNeverEnds
)
