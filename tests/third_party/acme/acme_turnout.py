"""Acme as a destination: an example of a connector in a package of its own.

Acme does not exist; the sandbox's practice platform stands in for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import ClassVar

import pyarrow as pa
from pydantic import Field

from connectors.account import AccountConnector, AccountSettings, items_of, object_of
from connectors.base import (
    Audience,
    AudienceRequest,
    Batch,
    Declared,
    Kind,
    Limits,
    Receipt,
    SyncOptions,
    Uncertain,
    Verdicts,
    Window,
)
from connectors.identity import Column, Identity
from connectors.meanings import Meaning, Then, Told
from connectors.rules import EMAIL
from connectors.settings import BaseUrl, Credential
from connectors.wire import Answer

ERRORS: Mapping[str | int, Meaning] = {
    "token_invalid": Meaning(Then.SIGN_IN, "the token is refused"),
    "token_expired": Meaning(Then.SIGN_IN, "the token has ended"),
    "audience_not_found": Meaning(Then.GONE, "the audience does not exist"),
}


class AcmeSettings(AccountSettings):
    """Settings of one account."""

    token: Credential = Field(description="Acme's token.")
    base_url: BaseUrl = Field("https://api.acme.example", description="Where requests go.")


class AcmeConnector(AccountConnector):
    """One account of Acme's."""

    kind: ClassVar[Kind] = Kind.AD_PLATFORM
    title: ClassVar[str] = "Acme"
    settings_type = AcmeSettings
    consent = ("ads_personalisation",)
    errors: ClassVar[Mapping[str | int, Meaning]] = ERRORS
    signs_with = ("token",)

    def __init__(self, destination: str, settings: AcmeSettings) -> None:
        super().__init__(destination, settings, settings.base_url)

    @classmethod
    def declare(cls, settings: AcmeSettings) -> Declared:
        """Every row has its verdict."""
        limits = Limits(
            max_rows=1_000,
            max_in_flight=settings.max_in_flight,
            windows=(Window(300, timedelta(minutes=1)),),
            verdicts=Verdicts.PER_ROW,
        )
        return Declared(limits, Identity("acme", 1, (Column("email", EMAIL, "sha256_hex", identifies=True),)))

    def own_secrets(self) -> tuple[str, ...]:
        """The token."""
        return (self.settings.token.get_secret_value(),)

    def headers(self) -> Mapping[str, str]:
        """The token signs every request."""
        return {"Authorization": f"Bearer {self.settings.token.get_secret_value()}"}

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

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Send the rows."""
        return self._edit(audience, rows, batch)

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Send the rows."""
        return self._edit(audience, rows, batch)

    def _edit(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        emails = rows.column("email").to_pylist()
        body = {"op": batch.op, "rows": [{"email": email} for email in emails]}
        answer = object_of(self.ask("POST", f"/audiences/{audience.id}/members", body, sent=emails))
        if answer.get("received") != len(emails):
            raise Uncertain("Acme: the answer's count does not fit what was sent")
        return Receipt("applied", batch.id, {item["row"]: "refused" for item in items_of(answer["rejected"])})
