"""Pinterest's customer lists as a destination, each with the audience around it that ad groups target, by API v5."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from connectors.account import OAuthSettings, count_of, items_of, object_of
from connectors.ads import RECOGNISED, AdConnector, sha256_columns
from connectors.base import (
    Audience,
    AudienceRequest,
    Batch,
    Declared,
    Finding,
    Op,
    Receipt,
    Reported,
    SyncOptions,
    Verdicts,
    Window,
)
from connectors.identity import Identity, encode
from connectors.meanings import BY_STATUS, Meaning, Then, Told
from connectors.oauth import Credential
from connectors.redact import redact
from connectors.rules import EMAIL, MADID, MADID_UPPER
from connectors.settings import ApiUrl, TokenUrl
from connectors.wire import Answer

Identifier = Literal["EMAIL", "MAID"]

ERRORS: Mapping[str | int, Meaning] = {
    "400/1": BY_STATUS[400],
    "400/2": BY_STATUS[401],
    "400/3": Meaning(Then.SIGN_IN, "the scope ads:write or ads:read is missing"),
    "400/7": Meaning(Then.SIGN_IN, "no permission for the ad account"),
    "400/8": BY_STATUS[429],
    403: Meaning(
        Then.SIGN_IN, "no permission for the ad account, a scope is missing, or terms are not accepted"
    ),
    404: Meaning(Then.GONE, "the customer list does not exist, or {prefix}AD_ACCOUNT is not its account"),
}
"""Status and ``code`` of an error, or its status alone: the codes are Pinterest's own, but hardly documented, and the
status decides wherever it says enough."""

NOBODY = encode("nobody@turnout.invalid", "sha256_hex")
"""A list can't be created empty. No address ends in ``.invalid`` (RFC 2606), so this record is never anybody's."""
SERVING_MINIMUM = 100


class PinterestSettings(OAuthSettings):
    """Settings of one Pinterest ad account."""

    ad_account: str = Field(pattern=r"^[0-9]{1,18}$", description="Ad account id: digits.")
    base_url: ApiUrl = Field("https://api.pinterest.com/v5")
    token_url: TokenUrl = Field("https://api.pinterest.com/v5/oauth/token")
    identifiers: tuple[Identifier, ...] = Field(
        ("EMAIL",), min_length=1, description="Identifiers to send, as JSON; `MAID` for advertising ids."
    )
    maid_case: Literal["lower", "upper"] = Field("lower", description="Case of advertising ids when hashed.")
    continuous_refresh: bool = Field(True, description="Ask for refresh tokens that are replaced each time.")
    access: Literal["standard", "trial"] = Field("standard", description="`trial`: 1,000 requests a day.")
    requests_per_minute: int = Field(400, ge=1, description="Requests a minute that the app may make.")
    max_rows: int = Field(10_000, ge=1, le=100_000, description="People in one request.")
    max_in_flight: int = Field(
        1, ge=1, le=4, description="Requests under way at once; more would change one list at the same time."
    )


class PinterestConnector(AdConnector):
    """One ad account. Rows are hashed before they get here."""

    config: PinterestSettings
    title = "Pinterest"
    settings_type = PinterestSettings
    reads_back = RECOGNISED
    errors = ERRORS

    @classmethod
    def declare(cls, settings: PinterestSettings) -> Declared:
        """Identifiers of all kinds are records of one list; answers say nothing of them."""
        rules = {"EMAIL": EMAIL, "MAID": MADID if settings.maid_case == "lower" else MADID_UPPER}
        trial = (Window(1_000, timedelta(days=1)),) if settings.access == "trial" else ()
        limits = settings.limits(settings.max_rows, *trial, verdicts=Verdicts.NONE, min_size=SERVING_MINIMUM)
        return Declared(limits, Identity("pinterest", 1, sha256_columns(rules, settings.identifiers)))

    def credential(self) -> Credential:
        """The client signs; each refresh replaces the refresh token."""
        more = (("continuous_refresh", "true"),) if self.config.continuous_refresh else ()
        return self.oauth(more=more)

    def credential_ends(self) -> datetime | None:
        """What the operator set: refresh tokens are replaced long before they end."""
        return super().credential_ends() if self.config.credential_ends else None

    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        """The list of people, which has the id, and an audience around it."""
        found = super().open_audience(request, options)
        if found.created or not any(self._around(found.id)):
            self._wrap(found.id, request)
        return replace(found, name=request.name)

    def change(self, op: Op, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Every identifier is a record; a removal has the same records."""
        self._edit(op, audience.id, _records(rows))
        return Receipt("applied", batch.id)

    def read_back(self, audience: Audience) -> Reported:
        """The size of the audience around the list, with the state of both."""
        found = object_of(self.ask("GET", self._path(f"customer_lists/{audience.id}")))
        around = next(self._around(audience.id), {"status": "missing"})
        size = count_of(around.get("size"))
        return Reported(size, size, f"list {found.get('status')}; audience {around.get('status')}")

    def read_audience(self, audience_id: str) -> Audience:
        """``GET …/customer_lists/{id}``."""
        found = object_of(self.ask("GET", self._path(f"customer_lists/{audience_id}")))
        return self.audience(found.get("id"), found.get("name"))

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """Every list of the account; ours has our mark as its name, as there is no other place for it."""
        for found in self._all("customer_lists"):
            yield self.audience(found.get("id"), found.get("name")), str(found.get("name"))

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """A list with one record that is nobody's."""
        kind = "EMAIL" if "EMAIL" in self.config.identifiers else "MAID"
        wanted = {"name": request.marker, "list_type": kind, "records": NOBODY}
        made = self.ask("POST", self._path("customer_lists"), wanted, repeatable=False)
        return object_of(made).get("id")

    def told(self, answer: Answer) -> Told | None:
        """The status, and the code that Pinterest's application adds."""
        if answer.status < 400:
            return None
        body = object_of(answer)
        codes = (f"{answer.status}/{body.get('code', '')}", answer.status)
        return Told(codes, str(body.get("message") or ""))

    def examine_account(self) -> Iterator[Finding]:
        """Whether the token sees the ad account and its lists, and the roles of its user."""
        roles = object_of(self.ask("GET", self._path())).get("permissions")
        named = " and ".join(map(str, roles)) if isinstance(roles, list) else "none that it tells"
        yield Finding("ad account", True, redact(f"the token sees it; the user's roles: {named}"))
        next(self._all("customer_lists"), None)
        yield Finding("customer lists", True, "they can be read; whether written, the first push tells")

    def _edit(self, op: Op, list_id: str, records: Collection[str]) -> None:
        body = {"operation_type": op.upper(), "records": ",".join(records)}
        self.ask("PATCH", self._path(f"customer_lists/{list_id}"), body, sent=records)

    def _around(self, list_id: str) -> Iterator[dict[str, Any]]:
        """The audiences around a list."""
        for found in self._all("audiences"):
            if str(object_of(found.get("rule")).get("customer_list_id")) == list_id:
                yield found

    def _wrap(self, list_id: str, request: AudienceRequest) -> None:
        """Take out what the list was made with, and put an audience around the list."""
        self._edit("remove", list_id, [NOBODY])
        wanted = {
            "name": request.name,
            "audience_type": "CUSTOMER_LIST",
            "description": request.marker,
            "rule": {"customer_list_id": list_id},
        }
        self.ask("POST", self._path("audiences"), wanted, repeatable=False)

    def _all(self, kind: str) -> Iterator[dict[str, Any]]:
        """Everything of a kind that the account has."""
        for page in self.pages(self._path(kind), _following, page_size="250"):
            yield from items_of(page.get("items"))

    def _path(self, below: str = "") -> str:
        return f"/ad_accounts/{self.config.ad_account}/{below}".rstrip("/")


def _records(rows: pa.Table) -> list[str]:
    """Every identifier of the batch once."""
    values = (value for column in rows.columns for value in column.to_pylist() if value)
    return list(dict.fromkeys(values))


def _following(page: Mapping[str, Any]) -> dict[str, str]:
    return {"bookmark": str(page["bookmark"])} if page.get("bookmark") else {}
