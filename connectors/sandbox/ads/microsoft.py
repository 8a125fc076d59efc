"""Microsoft Advertising's customer lists: the REST form of the Campaign Management API, version 13."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field
from pydantic.alias_generators import to_pascal

from connectors.sandbox.accounts import (
    SANDBOX_MICROSOFT_DEVELOPER_TOKEN,
)
from connectors.sandbox.ads import holdings, records
from connectors.sandbox.ads.holdings import AdAudience
from connectors.sandbox.ads.microsoft_words import NO_AUDIENCE, TERMS, MicrosoftWords, Problem, batch_error
from connectors.sandbox.ads.platform import (
    SIGN_IN,
    AdPlatform,
    Context,
    Refusal,
    Routes,
    StrictRequest,
    ads_desk,
    is_sha256,
    json_of,
)
from connectors.sandbox.tokens import TokenDesk
from connectors.sandbox.wire import Call, Json, Platform, Reply, json_reply
from connectors.sandbox.words import Words

ACCOUNT = "180012345"
CUSTOMER = "21025739"
PARENTS = {"Account": ACCOUNT, "Customer": CUSTOMER}
"""Who a list of each scope belongs to."""
MAX_ITEMS = 1_000
MAX_NAME = 128
MAX_DESCRIPTION = 1_024
DEFAULT_DAYS = 30
"""Days of membership unless the list says otherwise."""
LONGEST_DAYS = 390
DAY = 86_400.0

Scope = Literal["Account", "Customer"]


class PascalRequest(StrictRequest, alias_generator=to_pascal):
    """Fields are spelled as the service spells them."""


class NewList(PascalRequest):
    """One list to create."""

    type: Literal["CustomerList"]
    name: str
    description: str | None = None
    scope: Scope | None = None
    parent_id: str | None = None
    membership_duration: int | None = None


class NewLists(PascalRequest):
    """``POST /Audiences``."""

    audiences: list[NewList] = Field(min_length=1)


class ListChange(PascalRequest):
    """What to change of one list; fields that are absent stay."""

    type: Literal["CustomerList"]
    id: str
    name: str | None = None
    description: str | None = None
    scope: Scope | None = None
    parent_id: str | None = None
    membership_duration: int | None = None


class ListChanges(PascalRequest):
    """``PUT /Audiences``."""

    audiences: list[ListChange] = Field(min_length=1)


class Query(PascalRequest):
    """``POST /Audiences/QueryByIds``; without ids, all lists."""

    type: Literal["CustomerList"]
    audience_ids: list[str] | None = None
    return_additional_fields: str | None = None


class Deletion(PascalRequest):
    """``DELETE /Audiences``."""

    audience_ids: list[str] = Field(min_length=1)


class UserData(PascalRequest):
    """One action with identifiers of one kind."""

    action_type: Literal["Add", "Remove", "Replace"]
    audience_id: str
    customer_list_item_sub_type: Literal["Email", "CRM", "Phone"]
    customer_list_items: list[str] = Field(min_length=1)
    accept_customer_match_term: bool | None = None


class Application(PascalRequest):
    """``POST /CustomerListUserData/Apply``."""

    customer_list_user_data: UserData


class MicrosoftPlatform(AdPlatform):
    """One account of one customer."""

    platform: ClassVar[Platform] = Platform.MICROSOFT
    title: ClassVar[str] = "Microsoft Advertising"
    mount: ClassVar[str] = "/CampaignManagement/v13"
    audience_in_path: ClassVar[re.Pattern[str]] = re.compile("(?!)")
    """No path names a list."""
    words: ClassVar[Words] = MicrosoftWords()
    desk: ClassVar[TokenDesk | None] = ads_desk(
        Platform.MICROSOFT,
        client_in="form",
        grants=frozenset({"refresh_token"}),
        also=frozenset({"scope"}),
    )
    token_path: ClassVar[str] = "/common/oauth2/v2.0/token"  # noqa: S105 - an address
    refresh_grace: ClassVar[float] = DAY
    settings: ClassVar[dict[str, str]] = {
        "TOKEN_URL": "{url}/common/oauth2/v2.0/token",
        "CUSTOMER_ACCOUNT_ID": ACCOUNT,
        "CUSTOMER_ID": CUSTOMER,
        "DEVELOPER_TOKEN": SANDBOX_MICROSOFT_DEVELOPER_TOKEN,
        **SIGN_IN,
    }

    @property
    def routes(self) -> Routes:
        """All calls."""
        audiences = re.compile(f"{self.mount}/Audiences")
        return (
            ("POST", audiences, self.create_lists),
            ("PUT", audiences, self.change_lists),
            ("DELETE", audiences, self.delete_lists),
            ("POST", re.compile(f"{self.mount}/Audiences/QueryByIds"), self.query_lists),
            ("POST", re.compile(f"{self.mount}/CustomerListUserData/Apply"), self.apply_items),
        )

    @classmethod
    def audience_of(cls, call: Call) -> str | None:
        """Named in the body."""
        body = json_of(call)
        data = body.get("CustomerListUserData") if isinstance(body, dict) else None
        named = data.get("AudienceId") if isinstance(data, dict) else None
        return named if isinstance(named, str) else None

    def require_terms(self, context: Context) -> None:
        """Raises Refusal unless the terms are accepted: by a person in the service's pages, or by an earlier call."""
        if records.find(context.db, self.platform, "terms", ACCOUNT) is None:
            super().require_terms(context)

    def create_lists(self, context: Context) -> Reply:
        """``POST /Audiences``; a refused item has no id and an error of its own under HTTP 200."""
        self._require_account(context)
        ids: list[Json] = []
        errors: list[Json] = []
        for index, wish in enumerate(self.read(context.call, NewLists).audiences):
            scope = wish.scope or "Account"
            problem = self._terms_problem(context) or self._problem(
                context, wish.name, wish.description, scope, wish.parent_id, wish.membership_duration
            )
            if problem:
                ids.append(None)
                errors.append(batch_error(index, problem))
                continue
            number = str(8_002_467 + holdings.next_number(context.db, self.platform))
            kept: dict[str, Json] = {
                "Description": wish.description,
                "Scope": scope,
                "MembershipDuration": wish.membership_duration or DEFAULT_DAYS,
            }
            holdings.create(context.db, self.platform, number, ACCOUNT, wish.name, kept)
            ids.append(number)
        return _answer({"AudienceIds": ids}, errors, f"{len(ids) - len(errors)} lists created")

    def change_lists(self, context: Context) -> Reply:
        """``PUT /Audiences``. Another duration holds for those who are added from now on."""
        self._require_account(context)
        errors: list[Json] = []
        for index, wish in enumerate(self.read(context.call, ListChanges).audiences):
            found = holdings.find(context.db, self.platform, wish.id)
            problem = self._change(context, found, wish)
            if problem:
                errors.append(batch_error(index, problem))
        return _answer({}, errors, "lists changed")

    def delete_lists(self, context: Context) -> Reply:
        """``DELETE /Audiences``, with a body."""
        self._require_account(context)
        errors: list[Json] = []
        for index, audience_id in enumerate(self.read(context.call, Deletion).audience_ids):
            if holdings.find(context.db, self.platform, audience_id) is None:
                errors.append(batch_error(index, (NO_AUDIENCE, "The audience ID is invalid.")))
            else:
                holdings.delete(context.db, self.platform, audience_id)
        return _answer({}, errors, "lists deleted")

    def query_lists(self, context: Context) -> Reply:
        """``POST /Audiences/QueryByIds``: one entry for each id, null where there is no such list."""
        self._require_account(context)
        query = self.read(context.call, Query)
        errors: list[Json] = []
        if query.audience_ids is None:
            everything = holdings.listed(context.db, self.platform)
            return _answer({"Audiences": [self._document(context, a) for a in everything]}, [], "all lists")
        shown: list[Json] = []
        for index, audience_id in enumerate(query.audience_ids):
            found = holdings.find(context.db, self.platform, audience_id)
            shown.append(self._document(context, found) if found else None)
            if found is None:
                errors.append(batch_error(index, (NO_AUDIENCE, "The audience ID is invalid.")))
        return _answer({"Audiences": shown}, errors, f"{len(shown) - len(errors)} lists read")

    def apply_items(self, context: Context) -> Reply:
        """``POST /CustomerListUserData/Apply``; refused items are named by their position."""
        self._require_account(context)
        wish = self.read(context.call, Application).customer_list_user_data
        items, kind = wish.customer_list_items, wish.customer_list_item_sub_type
        if len(items) > MAX_ITEMS:
            raise Refusal(
                self.words.refused(400, "CustomerListTooManyItems", f"At most {MAX_ITEMS} items a request.")
            )
        if kind == "Phone":
            raise Refusal(
                self.words.refused(400, "CustomerListSubTypeNotSupported", "Phone is not supported.")
            )
        audience = self.audience(context, wish.audience_id)
        self._settle_terms(context, wish.accept_customer_match_term)
        refused = context.call.rejection.picks(items) | _malformed(kind, items)
        kept = [((kind, item),) for index, item in enumerate(items) if index not in refused]
        removed = 0
        if wish.action_type == "Replace":
            removed = holdings.clear(context.db, audience, context.call.number)
        days = int(str(audience.document["MembershipDuration"]))
        op: holdings.Op = "remove" if wish.action_type == "Remove" else "add"
        came, went = holdings.apply(context.db, audience, op, kept, context.call.number, days * DAY)
        errors: list[Json] = [
            batch_error(index, ("CustomerListInvalidItem", "The customer list item is invalid."))
            for index in sorted(refused)
        ]
        outcome = f"{came} added, {removed + went} removed, {len(refused)} refused"
        return _answer({}, errors, outcome, audience=audience.id, rows=len(items))

    def _require_account(self, context: Context) -> None:
        headers = context.call.headers
        if headers.get("developertoken") != SANDBOX_MICROSOFT_DEVELOPER_TOKEN:
            raise Refusal(self.words.signed_out(expired=False))
        if (headers.get("customeraccountid"), headers.get("customerid")) != (ACCOUNT, CUSTOMER):
            message = "The user does not have access to the requested account."
            raise Refusal(self.words.refused(403, "UserIsNotAuthorized", message))

    def _settle_terms(self, context: Context, accepted: bool | None) -> None:
        """True accepts the terms once and for all; false refuses them, and with them the call."""
        if accepted is False:
            raise Refusal(self.words.terms())
        if accepted:
            records.put(context.db, self.platform, "terms", ACCOUNT, {})
        self.require_terms(context)

    def _terms_problem(self, context: Context) -> Problem | None:
        try:
            self.require_terms(context)
        except Refusal:
            return TERMS, "The Customer Match terms and conditions are not accepted."
        return None

    def _problem(
        self,
        context: Context,
        name: str,
        description: str | None,
        scope: Scope,
        parent: str | None,
        days: int | None,
        own_id: str = "",
    ) -> Problem | None:
        """What is wrong with a list as it shall be."""
        if not name or len(name) > MAX_NAME:
            return "CampaignServiceInvalidAudienceName", f"A name of 1 to {MAX_NAME} characters is needed."
        if len(description or "") > MAX_DESCRIPTION:
            return "CampaignServiceInvalidAudienceDescription", f"At most {MAX_DESCRIPTION} characters."
        if parent is not None and parent != PARENTS[scope]:
            return "CampaignServiceInvalidParentId", "The parent ID does not fit the scope."
        if days is not None and not 1 <= days <= LONGEST_DAYS:
            return "CampaignServiceInvalidMembershipDuration", f"A number from 1 to {LONGEST_DAYS} is needed."
        others = holdings.listed(context.db, self.platform)
        if any(other.name == name and other.id != own_id for other in others):
            return "CampaignServiceDuplicateAudienceName", "An audience with this name already exists."
        return None

    def _change(self, context: Context, found: AdAudience | None, wish: ListChange) -> Problem | None:
        """Change one list, or say why not."""
        if found is None:
            return NO_AUDIENCE, "The audience ID is invalid."
        before: Scope = "Customer" if found.document["Scope"] == "Customer" else "Account"
        scope, name = wish.scope or before, wish.name or found.name
        if (before, scope) == ("Customer", "Account"):
            return "CampaignServiceInvalidScope", "A scope can be widened, never narrowed."
        problem = self._problem(
            context, name, wish.description, scope, wish.parent_id, wish.membership_duration, found.id
        )
        if problem is None:
            holdings.rename(context.db, found, name)
            holdings.update(
                context.db,
                found,
                Description=found.document["Description"] if wish.description is None else wish.description,
                Scope=scope,
                MembershipDuration=wish.membership_duration or found.document["MembershipDuration"],
            )
        return problem

    def _document(self, context: Context, audience: AdAudience) -> dict[str, Json]:
        size = None if self.is_processing(context, audience) else str(audience.size)
        return {
            "Id": audience.id,
            "Name": audience.name,
            "Type": "CustomerList",
            **audience.document,
            "ParentId": PARENTS[str(audience.document["Scope"])],
            "SearchSize": size,
            "AudienceNetworkSize": size,
            "SupportedCampaignTypes": ["Audience", "Search"],
            "CustomerShare": None,
            "ForwardCompatibilityMap": [],
        }


def _malformed(kind: str, items: Sequence[str]) -> frozenset[int]:
    """The positions of items that are none of their kind."""
    return frozenset(
        index for index, item in enumerate(items) if not (is_sha256(item) if kind == "Email" else item)
    )


def _answer(
    content: dict[str, Json],
    errors: list[Json],
    outcome: str,
    *,
    audience: str | None = None,
    rows: int | None = None,
) -> Reply:
    return json_reply({**content, "PartialErrors": errors}, outcome=outcome, audience=audience, rows=rows)
