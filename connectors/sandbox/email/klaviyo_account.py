"""What every call to Klaviyo has to bring, whatever it is about: key, revision, media types."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import ClassVar

from pydantic import ValidationError

from connectors.sandbox import clock
from connectors.sandbox.accounts import SANDBOX_KLAVIYO_KEY
from connectors.sandbox.email import klaviyo_jobs
from connectors.sandbox.email.jobs import Work
from connectors.sandbox.email.klaviyo_profiles import profile_id
from connectors.sandbox.email.klaviyo_rates import Budget
from connectors.sandbox.email.klaviyo_words import MEDIA_TYPE, KlaviyoWords, error, errors
from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.email.platform import Context, EmailPlatform, Model, Refusal
from connectors.sandbox.store import Store
from connectors.sandbox.wire import Call, Json, Platform, Reply
from connectors.sandbox.words import Words

FIRST_REVISION, LAST_REVISION = "2024-10-15", "2026-10-15"
"""A revision lives for about two years."""
LIST_FIELDS = ("name", "created", "updated", "opt_in_process")


class KlaviyoAccount(EmailPlatform):
    """One account, without its calls."""

    platform: ClassVar[Platform] = Platform.KLAVIYO
    title: ClassVar[str] = "Klaviyo"
    mount: ClassVar[str] = ""
    words: ClassVar[Words] = KlaviyoWords()
    settings: ClassVar[dict[str, str]] = {"API_KEY": SANDBOX_KLAVIYO_KEY}
    jobs: ClassVar[dict[str, Work]] = klaviyo_jobs.WORK

    def __init__(self, store: Store) -> None:
        """An account over the sandbox's memory."""
        super().__init__(store)
        self._budget = Budget()

    @classmethod
    def new_id(cls, number: int) -> str:
        """As profiles are called."""
        return profile_id(number)

    def token_of(self, call: Call) -> str | None:
        """A private key has a scheme of its own."""
        scheme, _, key = call.headers.get("authorization", "").partition(" ")
        return key if scheme == "Klaviyo-API-Key" and key else None

    def read(self, call: Call, model: type[Model]) -> Model:
        """The call's document. Raises Refusal (415, 400) with a pointer for each member that is wrong."""
        if call.headers.get("content-type", "").partition(";")[0].strip() != MEDIA_TYPE:
            raise Refusal(self.words.refused(415, "unsupported_media_type", f"Send {MEDIA_TYPE}."))
        try:
            return model.model_validate_json(call.body)
        except ValidationError as wrong:
            found = [
                error("invalid", one["msg"], pointer="".join(f"/{part}" for part in one["loc"]) or "/data")
                for one in wrong.errors(include_url=False, include_input=False)[:20]
            ]
            raise Refusal(errors(found)) from None

    def base(self, call: Call) -> str:
        """The address of the API as the caller reached it."""
        return f"{call.base_url}/api"

    def list_document(self, call: Call, found: EmailList, wanted: frozenset[str]) -> dict[str, Json]:
        """A list as a resource."""
        everything: dict[str, Json] = {
            "name": found.name,
            "created": clock.text(found.created_at),
            "updated": clock.text(updated_at(found)),
            "opt_in_process": found.document["opt_in_process"],
            "profile_count": found.size,
        }
        address = f"{self.base(call)}/lists/{found.id}"
        return {
            "type": "list",
            "id": found.id,
            "attributes": {name: value for name, value in everything.items() if name in wanted},
            "relationships": {
                name: {"links": {"self": f"{address}/relationships/{name}/", "related": f"{address}/{name}/"}}
                for name in ("profiles", "tags", "flow-triggers")
            },
            "links": {"self": f"{address}/"},
        }

    def _answer(self, context: Context) -> Reply:
        """As everywhere, with what is left of the endpoint's minute, or how long until the next."""
        now = clock.now(context.db)
        try:
            reply = super()._answer(context)
        except Refusal as refusal:
            if refusal.reply.status != 429:
                raise
            waiting = {"Retry-After": str(int(60 - now % 60) + 1)}
            raise Refusal(replace(refusal.reply, headers=waiting)) from None
        allowed = context.switches.email_requests_per_minute
        return replace(reply, headers=self._budget.headers(context.call, now, allowed))

    def _check_rate(self, context: Context) -> None:
        """As everywhere; then the headers that every call has to bring."""
        super()._check_rate(context)
        headers = context.call.headers
        revision = headers.get("revision", "")
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", revision) or revision > LAST_REVISION:
            raise Refusal(errors([error("invalid", "A valid revision is required.", parameter="revision")]))
        if revision < FIRST_REVISION:
            raise Refusal(self.words.refused(410, "revision_retired", "Use a newer revision."))
        if MEDIA_TYPE not in headers.get("accept", ""):
            raise Refusal(self.words.refused(406, "not_acceptable", f"Accept {MEDIA_TYPE}."))


def updated_at(found: EmailList) -> float:
    """When a list was last renamed, or made."""
    moment = found.document["updated"]
    return moment if isinstance(moment, float) else found.created_at
