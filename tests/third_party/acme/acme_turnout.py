"""Acme as a destination: an example of a connector in a package of its own.

Acme does not exist; the sandbox's practice platform stands in for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

import pyarrow as pa
from pydantic import Field

from connectors.account import AccountSettings, items_of, object_of
from connectors.ads import AdConnector
from connectors.base import (
    Audience,
    AudienceRequest,
    Batch,
    Declared,
    Op,
    Receipt,
    SyncOptions,
    Uncertain,
    Verdicts,
    Window,
)
from connectors.identity import Column, Identity
from connectors.meanings import Meaning, Then, Told
from connectors.rules import EMAIL
from connectors.settings import ApiUrl, Credential
from connectors.wire import Answer

ERRORS: Mapping[str | int, Meaning] = {
    "token_invalid": Meaning(Then.SIGN_IN, "the token is refused"),
    "token_expired": Meaning(Then.SIGN_IN, "the token has ended"),
    "audience_not_found": Meaning(Then.GONE, "the audience does not exist"),
}


class AcmeSettings(AccountSettings):
    """Settings of one account."""

    token: Credential = Field(description="Acme's token.")
    base_url: ApiUrl = Field("https://api.acme.example")


class AcmeConnector(AdConnector):
    """One account of Acme's."""

    config: AcmeSettings
    title = "Acme"
    settings_type = AcmeSettings
    consent = ("ads_personalisation",)
    errors = ERRORS
    signs_with = ("token",)

    @classmethod
    def declare(cls, settings: AcmeSettings) -> Declared:
        """Every row has its verdict."""
        limits = settings.limits(1_000, Window(300, timedelta(minutes=1)), verdicts=Verdicts.PER_ROW)
        return Declared(limits, Identity("acme", 1, (Column("email", EMAIL, "sha256_hex", identifies=True),)))

    def headers(self) -> Mapping[str, str]:
        """The token signs every request."""
        return {"Authorization": f"Bearer {self.config.token.get_secret_value()}"}

    def told(self, answer: Answer) -> Told | None:
        """An error object."""
        error = object_of(answer).get("error")
        return Told((str(error.get("code")),), str(error.get("message"))) if isinstance(error, dict) else None

    def read_audience(self, audience_id: str) -> Audience:
        """By id."""
        found = object_of(self.ask("GET", f"/audiences/{audience_id}"))
        return self.audience(found.get("id"), found.get("name"))

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """Acme finds a mark by itself."""
        found = object_of(self.ask("GET", "/audiences", params={"marker": request.marker}))
        for item in items_of(found.get("audiences")):
            yield self.audience(item.get("id"), item.get("name")), str(item.get("marker"))

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """With our mark."""
        wanted = {"name": request.name, "marker": request.marker}
        return object_of(self.ask("POST", "/audiences", wanted, repeatable=False)).get("id")

    def change(self, op: Op, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Send the rows; Acme finds people by any identifier."""
        emails = rows.column("email").to_pylist()
        body = {"op": op, "rows": [{"email": email} for email in emails]}
        answer = object_of(self.ask("POST", f"/audiences/{audience.id}/members", body, sent=emails))
        if answer.get("received") != len(emails):
            raise Uncertain("Acme: the answer's count does not fit what was sent")
        return Receipt("applied", batch.id, {item["row"]: "refused" for item in items_of(answer["rejected"])})
