"""Google's Customer Match lists as a destination, by the Data Manager API v1: Google Ads, Display & Video 360."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar

import pyarrow as pa

from connectors.account import items_of, object_of
from connectors.ads import RECOGNISED, AdConnector
from connectors.base import (
    ActionNeeded,
    Audience,
    AudienceGone,
    AudienceRequest,
    AuthFailed,
    Batch,
    Declared,
    DeliveryError,
    Finding,
    Op,
    Receipt,
    Reported,
    SyncOptions,
    Uncertain,
    Verdicts,
)
from connectors.google.answers import ERRORS, error_in, reported, verdict
from connectors.google.bodies import (
    CONSENTED,
    DRY_RUN,
    NOBODY,
    duration_text,
    list_id_of,
    upload,
    wanted_list,
)
from connectors.google.identity import google_identity
from connectors.google.service_account import credential_of, key_of
from connectors.google.settings import LONGEST_MEMBERSHIP, GoogleOptions, GoogleSettings
from connectors.meanings import Told
from connectors.oauth import Credential
from connectors.platform_ids import opaque_reference
from connectors.wire import Answer

_INTERESTS = "Google's personalised advertising policy: no own lists for sensitive interests"
_ACCESS = "Google's personalised advertising policy: restricted targeting in some countries"


class GoogleConnector(AdConnector):
    """One account. Rows are hashed before they get here."""

    config: GoogleSettings
    title = "Google"
    settings_type = GoogleSettings
    options_type = GoogleOptions
    reads_back = RECOGNISED
    forbids: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("health", "alcohol", "gambling"), _INTERESTS),
        **dict.fromkeys(("housing", "employment", "finance"), _ACCESS),
    }
    errors = ERRORS

    def __init__(self, destination: str, settings: GoogleSettings) -> None:
        if settings.service_account_file is not None:
            self.signs_with = ("service_account_file",)
        elif settings.service_account is not None:
            self.signs_with = ("service_account",)
        super().__init__(destination, settings)

    @classmethod
    def declare(cls, settings: GoogleSettings) -> Declared:
        """All identifiers of a person in one member; the verdict comes later and names rows."""
        limits = settings.limits(
            settings.max_rows,
            verdicts=Verdicts.PER_ROW,
            asynchronous=True,
            asks_after=timedelta(minutes=settings.poll_after_minutes),
            verdict_within=timedelta(days=settings.verdict_within_days),
            expires_after=timedelta(days=LONGEST_MEMBERSHIP),
            min_size=settings.serving_minimum,
        )
        return Declared(limits, google_identity(settings))

    def credential(self) -> Credential:
        """What a service account's key signs, else the refresh token, which stays."""
        given = self.config.service_account_file or self.config.service_account
        if given is None:
            return self.oauth(client_in="form")
        return credential_of(key_of(given), self.config.token_url, self.credentials)

    def headers(self) -> Mapping[str, str]:
        """The project that pays, where one is set."""
        project = self.config.quota_project
        return {"x-goog-user-project": project} if project else {}

    def lifetime(self, options: SyncOptions) -> timedelta | None:
        """The list's membership duration; every add renews it."""
        days = options.membership_days if isinstance(options, GoogleOptions) else LONGEST_MEMBERSHIP
        return timedelta(days=days)

    # --- members ---------------------------------------------------------------------------------------------

    def change(self, op: Op, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Only people who granted both purposes are added; they leave without consent or terms.

        Raises ActionNeeded while somebody would be added and the terms are not accepted.
        """
        if op == "add":
            self._require_terms()
        verb, more = ("ingest", CONSENTED) if op == "add" else ("remove", {})
        people = rows.to_pylist()
        body = upload(self.config, audience.id, people, more)
        sent = [part for person in people for value in person.values() if value for part in value.split()]
        try:
            answer = self.ask("POST", f"/audienceMembers:{verb}", body, sent=sent)
        except AuthFailed:
            self._require_list(audience)
            raise
        reference = opaque_reference(object_of(answer).get("requestId"))
        if reference is None:
            raise Uncertain("Google: the answer names no request whose verdict could be asked for")
        return Receipt("accepted", reference)

    def poll(self, audience: Audience, reference: str) -> Receipt:
        """What became of a request. Raises JobFailed when all of it failed."""
        still_open = Receipt("accepted", reference)
        try:
            answer = self.ask("GET", "/requestStatus:retrieve", params={"requestId": reference})
        except AudienceGone:  # what is not found is the request: the batch stays open, until it is overdue
            return still_open
        return verdict(answer, still_open)

    def read_back(self, audience: Audience) -> Reported:
        """The largest of its networks' sizes; state, match rate and the networks in words."""
        return reported(self._list_of(audience.id))

    # --- lists -----------------------------------------------------------------------------------------------

    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        """As everybody's; a list that is there lasts as long as the options say, since members are sent again by that.

        Raises AudienceGone for a deleted one, ActionNeeded for what a person must do first.
        """
        opened = super().open_audience(request, options)
        wanted = duration_text(self.lifetime(options))
        if not opened.created and self._list_of(opened.id).get("membershipDuration", wanted) != wanted:
            params = {"updateMask": "membershipDuration"}
            self.ask("PATCH", f"{self._lists}/{opened.id}", {"membershipDuration": wanted}, params=params)
        return opened

    def read_audience(self, audience_id: str) -> Audience:
        """The list by its id; what does not exist is answered like what may not be seen."""
        try:
            return self._audience(self._list_of(audience_id))
        except AuthFailed:
            if any(known.id == audience_id for known, _ in self.listed()):
                raise
        raise AudienceGone("Google: the user list does not exist in this account")

    def listed(self, request: AudienceRequest | None = None) -> Iterator[tuple[Audience, str]]:
        """Every list of the account, page by page; ours carry the mark as integration code."""
        for page in self.pages(self._lists, _following, pageSize="1000"):
            for found in items_of(page.get("userLists")):
                yield self._audience(found), f"{found.get('integrationCode')} {found.get('description')}"

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """A list of contact data of our own, still empty."""
        self._require_terms()
        made = self.ask("POST", self._lists, wanted_list(request, self.lifetime(options)), repeatable=False)
        return list_id_of(object_of(made))

    def told(self, answer: Answer) -> Told | None:
        """Google's error model."""
        return error_in(answer)

    def examine_account(self) -> Iterator[Finding]:
        """Its lists, the terms, and what Google says to a creation and an upload that it only checks."""
        ours = [known for known, text in self.listed() if "turnout:" in text]
        yield Finding("account", True, "its user lists can be read")
        said = self.config.accept_customer_match_terms
        yield Finding("terms", said, "you accept the Customer Match terms" if said else self._how_to_accept)
        if not said:
            return
        wanted = wanted_list(DRY_RUN, self.lifetime(GoogleOptions()))
        self.ask("POST", self._lists, wanted, params={"validateOnly": "true"})
        yield Finding("create", True, "a user list may be created (checked only)")
        for known in ours[:1]:
            body = upload(self.config, known.id, [NOBODY], CONSENTED)
            self.ask("POST", "/audienceMembers:ingest", {**body, "validateOnly": True})
            yield Finding("upload", True, "people may be added to our lists (checked only)")

    # --- requests --------------------------------------------------------------------------------------------

    @property
    def _lists(self) -> str:
        return f"/accountTypes/{self.config.account_type}/accounts/{self.config.operating_account}/userLists"

    def _list_of(self, audience_id: str) -> dict[str, Any]:
        return object_of(self.ask("GET", f"{self._lists}/{audience_id}"))

    def _audience(self, found: Mapping[str, Any]) -> Audience:
        return self.audience(list_id_of(found), found.get("displayName"))

    def _require_terms(self) -> None:
        if not self.config.accept_customer_match_terms:
            raise ActionNeeded(
                f"Google: nobody is added before the terms are accepted; {self._how_to_accept}"
            )

    @property
    def _how_to_accept(self) -> str:
        variable = f"{self.prefix}ACCEPT_CUSTOMER_MATCH_TERMS"
        return f"read Google's Customer Match policy, then set {variable}=true"

    def _require_list(self, audience: Audience) -> None:
        """Raises AudienceGone when a refused permission was about a list that is not there."""
        try:
            self.read_audience(audience.id)
        except AudienceGone:
            raise
        except DeliveryError:
            return


def _following(page: Mapping[str, Any]) -> dict[str, str]:
    return {"pageToken": str(page["nextPageToken"])} if page.get("nextPageToken") else {}
