"""Microsoft Advertising as a destination: customer lists (Customer Match), by the Campaign Management API v13."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from connectors.account import OAuthSettings, count_of, items_of, object_of
from connectors.ads import RECOGNISED, RetentionOptions
from connectors.base import (
    Audience,
    AudienceRequest,
    Declared,
    Finding,
    Op,
    Refused,
    Reported,
    SyncOptions,
    Uncertain,
    Verdicts,
)
from connectors.identity import Column, Identity
from connectors.kinds import OneKind, OneKindConnector, Outcome
from connectors.meanings import Told
from connectors.microsoft.answers import ERRORS, error_in, reason_of
from connectors.oauth import Credential
from connectors.rules import EMAIL, EXTERNAL_ID
from connectors.settings import ApiUrl, Digits, TokenUrl
from connectors.settings import Credential as Secret
from connectors.wire import Answer

Identifier = Literal["Email", "CRM"]

COLUMNS = {
    "Email": Column("Email", EMAIL, "sha256_hex", identifies=True),
    "CRM": Column("CRM", EXTERNAL_ID, "plain", identifies=True),
}
FULL = 390
"""The longest membership, in days."""
SERVING_MINIMUM = 300


class MicrosoftSettings(OAuthSettings):
    """Settings of one Microsoft Advertising account."""

    developer_token: Secret = Field(description="Developer token of the API.")
    customer_account_id: Digits = Field(description="Account id: `aid` in the address.")
    customer_id: Digits = Field(description="Customer id: `cid` in the address.")
    base_url: ApiUrl = Field("https://campaign.api.bingads.microsoft.com/CampaignManagement/v13")
    token_url: TokenUrl = Field("https://login.microsoftonline.com/common/oauth2/v2.0/token")
    oauth_scope: str = Field(
        "https://ads.microsoft.com/msads.manage offline_access", description="Scope of renewed tokens."
    )
    accept_customer_match_terms: bool = Field(
        False, description="Accept Microsoft's Customer Match terms with each call: a legal act in your name."
    )
    audience_scope: Literal["Account", "Customer"] = Field(
        "Account", description="Who may use new lists: this account, or all accounts of the customer."
    )
    find_by_mark: bool = Field(True, description="Look through all lists for ours when its id is unknown.")
    identifiers: tuple[Identifier, ...] = Field(
        ("Email",),
        min_length=1,
        description="Identifiers to send, as JSON, a request for each; `CRM` is `external_id`, not hashed.",
    )
    max_rows: int = Field(1_000, ge=1, description="People in one request.")
    requests_per_minute: int = Field(60, ge=1, description="Requests a minute that the customer may make.")


class MicrosoftOptions(RetentionOptions, frozen=True):
    """What ``[sync.<destination>]`` may set."""

    retention_days: int | None = Field(
        None,
        ge=1,
        le=FULL,
        description="Days after which a member is dropped who is not sent again; unset: 390.",
    )


class MicrosoftConnector(OneKindConnector):
    """One account. E-mail addresses are hashed before they get here."""

    config: MicrosoftSettings
    title = "Microsoft Advertising"
    settings_type = MicrosoftSettings
    options_type = MicrosoftOptions
    audience_name_length = 128
    reads_back = RECOGNISED
    errors = ERRORS
    signs_with = ("client_id", "client_secret", "refresh_token", "developer_token")

    @classmethod
    def declare(cls, settings: MicrosoftSettings) -> Declared:
        """One request for each kind of identifier; answers name the positions that were not taken."""
        chosen = tuple(COLUMNS[name] for name in dict.fromkeys(settings.identifiers))
        lasting = timedelta(days=FULL)
        limits = settings.limits(
            settings.max_rows, verdicts=Verdicts.PER_ROW, expires_after=lasting, min_size=SERVING_MINIMUM
        )
        return Declared(limits, Identity("microsoft", 1, chosen))

    def credential(self) -> Credential:
        """The client goes into the form; every renewal may bring another refresh token."""
        return self.oauth(client_in="form", more=(("scope", self.config.oauth_scope),))

    def headers(self) -> Mapping[str, str]:
        """Which developer asks, and for which account."""
        return {
            "DeveloperToken": self.config.developer_token.get_secret_value(),
            "CustomerAccountId": self.config.customer_account_id,
            "CustomerId": self.config.customer_id,
        }

    def change_kind(self, op: Op, audience: Audience, kind: OneKind) -> Outcome:
        """Apply the items with ``Add`` or ``Remove``; what is refused is named by its place among them."""
        change: dict[str, Any] = {
            "ActionType": op.capitalize(),
            "AudienceId": audience.id,
            "CustomerListItemSubType": kind.kind,
            "CustomerListItems": kind.values,
        }
        if self.config.accept_customer_match_terms:
            change["AcceptCustomerMatchTerm"] = True  # false would refuse the call
        body = {"CustomerListUserData": change}
        try:
            answer = object_of(self.ask("POST", "/CustomerListUserData/Apply", body, sent=kind.values))
        except Refused:
            # No code is documented for a list that does not exist. Raises AudienceGone for it.
            self._listed_as(audience.id)
            raise
        if "PartialErrors" not in answer:
            raise Uncertain("Microsoft Advertising: the answer does not say which items were taken")
        told = {count_of(error.get("Index")): reason_of(error) for error in items_of(answer["PartialErrors"])}
        refused = {at: why for at, why in told.items() if at is not None and at < len(kind.values)}
        # An error of the request as a whole stands at the first item, or at none.
        if 0 in refused or len(refused) < len(told):
            self._listed_as(audience.id)
        if len(refused) < len(told):
            raise Uncertain(f"Microsoft Advertising: an error without an item ({', '.join(told.values())})")
        return Outcome(refused)

    def read_back(self, audience: Audience) -> Reported:
        """People whom Microsoft can reach by search and in its audience network; nothing while it counts."""
        found = self._listed_as(audience.id)
        sizes = {name: count_of(found.get(name)) for name in ("SearchSize", "AudienceNetworkSize")}
        known = {name: size for name, size in sizes.items() if size is not None}
        told = [f"{name} {size}" for name, size in known.items()]
        if days := count_of(found.get("MembershipDuration")):
            told.append(f"members stay for {days} days")
        return Reported(min(known.values(), default=None), max(known.values(), default=None), "; ".join(told))

    def read_audience(self, audience_id: str) -> Audience:
        """``POST /Audiences/QueryByIds`` with one id."""
        found = self._listed_as(audience_id)
        return self.audience(found.get("Id"), found.get("Name"))

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """Every customer list of the account; ours carry the mark in their description."""
        for found in self._query() if self.config.find_by_mark else ():
            yield self.audience(found.get("Id"), found.get("Name")), str(found.get("Description") or "")

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """A customer list. Raises Refused when Microsoft refused it under HTTP 200."""
        lasting = self.lifetime(options)
        parents = {"Account": self.config.customer_account_id, "Customer": self.config.customer_id}
        wanted = {
            "Type": "CustomerList",
            "Name": request.name,
            "Description": request.marker,
            "Scope": self.config.audience_scope,
            "ParentId": parents[self.config.audience_scope],
            "MembershipDuration": lasting.days if lasting else FULL,
        }
        made = object_of(self.ask("POST", "/Audiences", {"Audiences": [wanted]}, repeatable=False))
        for error in items_of(made.get("PartialErrors")):
            raise Refused(f"Microsoft Advertising: the customer list was refused ({reason_of(error)})")
        ids = made.get("AudienceIds")
        return ids[0] if isinstance(ids, list) and ids else None

    def told(self, answer: Answer) -> Told | None:
        """A fault, or an error under HTTP 200 that is about more than one item."""
        return error_in(answer)

    def examine_account(self) -> Iterator[Finding]:
        """Whether the account's lists can be read, and how its terms are accepted."""
        if self.config.find_by_mark:
            lists = len(list(self._query()))
            yield Finding("account", True, f"its customer lists can be read ({lists} so far)")
        how = "accepted with each call, as {} says"
        if not self.config.accept_customer_match_terms:
            how = "make a customer list in Microsoft Advertising once, unless there is one, or set {}=true"
        yield Finding("Customer Match terms", True, how.format(f"{self.prefix}ACCEPT_CUSTOMER_MATCH_TERMS"))

    def _query(self, **named: object) -> Iterator[dict[str, Any]]:
        answer = self.ask("POST", "/Audiences/QueryByIds", {**named, "Type": "CustomerList"})
        return items_of(object_of(answer).get("Audiences"))

    def _listed_as(self, audience_id: str) -> dict[str, Any]:
        """The list by its id. Raises AudienceGone for none."""
        return self.the_one(self._query(AudienceIds=[audience_id]), "Id", audience_id)
