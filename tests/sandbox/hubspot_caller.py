"""Plain HTTP to HubSpot's CRM as the sandbox plays it."""

from __future__ import annotations

from typing import Any

import requests

from tests.sandbox.email_caller import EmailCaller
from tests.sandbox.handwritten import operations

LISTS = "/crm/lists/2026-09"
CONTACTS = "/crm/objects/2026-09/contacts"
PREFERENCES = "/communication-preferences/v3"


class HubSpotCaller(EmailCaller):
    """The CRM API, held against the project's own description of it."""

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = super().call(method, path, **options)
        if described := operations("hubspot"):
            described.check(path, answer)
        return answer

    def new_list(self, name: str = "vip", kind: str = "MANUAL", **more: object) -> str:
        wish = {"name": name, "objectTypeId": "0-1", "processingType": kind, **more}
        answer = self.call("POST", LISTS, json=wish)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["list"]["listId"])

    def upsert(self, *emails: str, **properties: str) -> requests.Response:
        inputs = [{"idProperty": "email", "id": email, "properties": properties} for email in emails]
        return self.call("POST", f"{CONTACTS}/batch/upsert", json={"inputs": inputs})

    def ids(self, *emails: str) -> list[str]:
        return [str(found["id"]) for found in self.upsert(*emails).json()["results"]]

    def edit(self, list_id: str, op: str, body: object) -> requests.Response:
        return self.call("PUT", f"{LISTS}/{list_id}/memberships/{op}", json=body)

    def page(self, list_id: str, order: str = "", **query: object) -> dict[str, Any]:
        answer = self.call("GET", f"{LISTS}/{list_id}/memberships{order}", params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Status and category of an error, after checking its shape."""
    content = answer.json()
    assert {"status", "message", "correlationId", "category"} <= set(content)
    assert content["status"] == "error"
    return answer.status_code, content["category"]
