"""Reddit's customer lists as a destination: custom audiences of an ad account, by the Ads API v3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from connectors.account import OAuthSettings, count_of, items_of, object_of, query_of
from connectors.ads import RECOGNISED, AdConnector, sha256_columns
from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AudienceRequest,
    Batch,
    Declared,
    Finding,
    Op,
    Receipt,
    Reported,
    SyncOptions,
    Verdicts,
)
from connectors.identity import Identity
from connectors.kinds import Alike, alike
from connectors.meanings import Meaning, Then, Told
from connectors.oauth import Credential
from connectors.parts import in_turn
from connectors.rules import EMAIL_LETTERS, MADID, MADID_AS_WRITTEN, MADID_UPPER
from connectors.settings import ApiUrl, TokenUrl
from connectors.wire import Answer, NoAnswer

Identifier = Literal["EMAIL_SHA256", "MAID_SHA256"]

ERRORS: Mapping[str | int, Meaning] = {
    "user_data": Meaning(Then.ROWS, "identifiers are not valid"),
    403: Meaning(Then.SIGN_IN, "the scope adsedit is missing, or Reddit blocks {prefix}USER_AGENT"),
}
"""The field that an answer complains of, else its status."""

MADIDS = {"as_written": MADID_AS_WRITTEN, "apple": MADID_UPPER, "google": MADID}
SERVING_MINIMUM = 1_000


class RedditSettings(OAuthSettings):
    """Settings of one Reddit ad account."""

    ad_account: str = Field(
        pattern=r"^(a2|t2)_[0-9a-z]{1,32}$", description="Ad account id, with `a2_` or `t2_`."
    )
    user_agent: str = Field(
        pattern=r"^[!-~]+:[!-~]+:[!-~]+ \(by /?u/[\w-]{3,20}\)$",
        description="What your app calls itself, as Reddit demands it: `web:com.example.turnout:v1.0.0 (by /u/name)`.",
    )
    base_url: ApiUrl = Field("https://ads-api.reddit.com/api/v3")
    token_url: TokenUrl = Field("https://www.reddit.com/api/v1/access_token")
    identifiers: tuple[Identifier, ...] = Field(
        ("EMAIL_SHA256",), min_length=1, description="Identifiers to send, as JSON."
    )
    mobile_ad_ids: Literal["as_written", "apple", "google"] = Field(
        "as_written",
        description="Whose advertising ids yours are: Apple's are hashed in upper case, Google's in lower; "
        "`as_written` tells them apart by their letters.",
    )
    max_rows: int = Field(2_500, ge=1, le=2_500, description="People in one request.")
    requests_per_minute: int = Field(
        500, ge=1, description="Requests a minute that the signed-in user may make."
    )
    requests_per_quarter_hour: int = Field(3_000, ge=1, description="The same in 15 minutes.")


class RedditConnector(AdConnector):
    """One ad account. Rows are hashed before they get here."""

    config: RedditSettings
    title = "Reddit"
    settings_type = RedditSettings
    reads_back = RECOGNISED
    errors = ERRORS

    @classmethod
    def declare(cls, settings: RedditSettings) -> Declared:
        """Reddit takes e-mail addresses and advertising ids, and says nothing of rows."""
        rules = {"EMAIL_SHA256": EMAIL_LETTERS, "MAID_SHA256": MADIDS[settings.mobile_ad_ids]}
        limits = settings.limits(settings.max_rows, verdicts=Verdicts.NONE, min_size=SERVING_MINIMUM)
        return Declared(limits, Identity("reddit", 1, sha256_columns(rules, settings.identifiers)))

    def credential(self) -> Credential:
        """Basic authentication; the refresh token stays. Also here Reddit wants to know who asks."""
        return self.oauth(client_in="basic", user_agent=self.config.user_agent)

    def headers(self) -> Mapping[str, str]:
        """The name without which Reddit blocks requests."""
        return {"User-Agent": self.config.user_agent}

    def requests_for(self, op: Op, rows: int) -> int:
        """One for each set of identifiers that people can have."""
        return min(rows, (1 << len(self.identity.columns)) - 1)

    def change(self, op: Op, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """The people by the identifiers that they have, a request for each set."""

        def send(people: Alike) -> None:
            edit = {"action_type": op.upper(), "column_order": people.columns, "user_data": people.rows}
            sent = [value for row in people.rows for value in row]
            self.ask("PATCH", f"/custom_audiences/{audience.id}/users", {"data": edit}, sent=sent)

        in_turn(alike(rows), send)
        return Receipt("applied", batch.id)

    def read_back(self, audience: Audience) -> Reported:
        """The bounds of its size, as far as Reddit gives them, and whether it is valid."""
        found = self._found(audience.id)
        about = count_of(found.get("approximate_size"))
        lower, upper = count_of(found.get("size_range_lower")), count_of(found.get("size_range_upper"))
        status = str(found.get("status") or "")
        return Reported(about if lower is None else lower, about if upper is None else upper, status)

    def read_audience(self, audience_id: str) -> Audience:
        """``GET /custom_audiences/{id}``."""
        found = self._found(audience_id)
        return self.audience(found.get("id"), found.get("name"))

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """Customer lists, page by page; ours has the name in whatever case, as nothing else can be written."""
        with self._in_account():
            for page in self.pages(self._audiences, _following):
                for item in items_of(page.get("data")):
                    if item.get("type", "CUSTOMER_LIST") == "CUSTOMER_LIST":
                        found = self.audience(item.get("id"), item.get("name"))
                        ours = found.name.casefold() == request.name.casefold()
                        yield found, request.marker if ours else ""

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """An empty customer list."""
        wanted = {"name": request.name, "type": "CUSTOMER_LIST"}
        with self._in_account():
            made = object_of(self.ask("POST", self._audiences, {"data": wanted}, repeatable=False))
        return object_of(made.get("data")).get("id")

    def judge(self, answer: Answer, sent: Iterable[str] = ()) -> None:
        """As everywhere; but who may not ask is also told so in bare text."""
        if answer.status in (401, 403) and not isinstance(answer.json, dict):
            answer = Answer(answer.status, answer.headers, b"{}")
        super().judge(answer, sent)

    def told(self, answer: Answer) -> Told | None:
        """The error of an answer that is none of the successes. Raises NoAnswer for one that says both."""
        error = object_of(object_of(answer).get("error"))
        if answer.status < 400 and error:
            raise NoAnswer(f"HTTP {answer.status} with an error")
        if answer.status < 400:
            return None
        fields = [str(field.get("field", "")) for field in items_of(error.get("fields"))]
        about = ("user_data",) if any("user_data" in field for field in fields) else ()
        return Told((*about, answer.status), str(error.get("reason") or error.get("message") or ""))

    def examine_account(self) -> Iterator[Finding]:
        """Whether the token sees the ad account's audiences."""
        with self._in_account():
            self.ask("GET", self._audiences)
        yield Finding("ad account", True, "its audiences can be read")

    @property
    def _audiences(self) -> str:
        return f"/ad_accounts/{self.config.ad_account}/custom_audiences"

    @contextmanager
    def _in_account(self) -> Iterator[None]:
        """For requests about the account as a whole. Raises ActionNeeded when it is missing itself."""
        try:
            yield
        except AudienceGone:
            raise ActionNeeded(f"Reddit: no such ad account; check {self.prefix}AD_ACCOUNT") from None

    def _found(self, audience_id: str) -> Mapping[str, object]:
        found = object_of(self.ask("GET", f"/custom_audiences/{audience_id}"))
        return object_of(found.get("data"))


def _following(page: Mapping[str, Any]) -> dict[str, str]:
    return query_of(object_of(page.get("pagination")).get("next_url"))
