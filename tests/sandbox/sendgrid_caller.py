"""Plain HTTP to the sandboxed SendGrid; every call is held against the official description."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import SANDBOX_SENDGRID_KEY
from tests.sandbox.email_caller import EmailCaller
from tests.sandbox.email_openapi import Description, description

LISTS, CONTACTS = "/v3/marketing/lists", "/v3/marketing/contacts"


@dataclass
class SendGridCaller(EmailCaller):
    """One account of one sandbox."""

    official: Description | None = None

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = super().call(method, path, **options)
        if self.official is not None:
            self.official.check(path.partition("?")[0], answer)
        return answer

    def new_list(self, name: str = "vip") -> str:
        answer = self.call("POST", LISTS, json={"name": name})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def upsert(self, *contacts: dict[str, Any], lists: tuple[str, ...] = ()) -> requests.Response:
        return self.call("PUT", CONTACTS, json={"list_ids": [*lists], "contacts": [*contacts]})

    def remove(self, list_id: str, *ids: str) -> requests.Response:
        return self.call("DELETE", f"{LISTS}/{list_id}/contacts", params={"contact_ids": ",".join(ids)})

    def job(self, answer: requests.Response) -> dict[str, Any]:
        """How the job stands that an answer tells of."""
        assert answer.status_code == 202, answer.text
        return dict(self.call("GET", f"{CONTACTS}/imports/{answer.json()['job_id']}").json())

    def sought(self, *emails: str) -> requests.Response:
        return self.call("POST", f"{CONTACTS}/search/emails", json={"emails": [*emails]})


def sendgrid_caller(sandbox: SandboxServer) -> SendGridCaller:
    """With the key on every call."""
    headers = {"Authorization": f"Bearer {SANDBOX_SENDGRID_KEY}"}
    return SendGridCaller(sandbox, "sendgrid", headers, official=description("sendgrid"))


def refusal(answer: requests.Response) -> tuple[int, str | None]:
    """Status and the first error's field, after checking the shape."""
    assert set(answer.json()) == {"errors"}
    first = answer.json()["errors"][0]
    assert first["message"]
    return answer.status_code, first.get("field")
