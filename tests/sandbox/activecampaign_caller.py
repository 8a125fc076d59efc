"""Plain HTTP to ActiveCampaign as the sandbox plays it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests

from tests.sandbox.email_caller import EmailCaller
from tests.sandbox.handwritten import operations

LIST = {
    "name": "Newsletter",
    "stringid": "newsletter",
    "sender_url": "https://example.com",
    "sender_reminder": "You asked for it.",
}


class ActiveCampaignCaller(EmailCaller):
    """API version 3, held against the project's own description of it."""

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = super().call(method, path, **options)
        if described := operations("activecampaign"):
            described.check(f"/api/3{path}", answer)
        return answer

    def tag(self, name: str = "aud:vip") -> str:
        wish = {"tag": {"tag": name, "tagType": "contact", "description": "an audience"}}
        answer = self.call("POST", "/tags", json=wish)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["tag"]["id"])

    def newsletter(self, name: str = "Newsletter") -> str:
        answer = self.call("POST", "/lists", json={"list": {**LIST, "name": name}})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["list"]["id"])

    def sync(self, email: str, **more: object) -> requests.Response:
        return self.call("POST", "/contact/sync", json={"contact": {"email": email, **more}})

    def contact(self, email: str) -> str:
        return str(self.sync(email).json()["contact"]["id"])

    def add(self, contact: str, tag: str) -> requests.Response:
        return self.call("POST", "/contactTags", json={"contactTag": {"contact": contact, "tag": tag}})

    def bulk(self, *contacts: Mapping[str, object], **more: object) -> requests.Response:
        return self.call("POST", "/import/bulk_import", json={"contacts": list(contacts), **more})

    def bulk_with_consent(self, *contacts: Mapping[str, object]) -> None:
        """The same with fields that the description leaves out on purpose, because the project never sends them."""
        answer = super().call("POST", "/import/bulk_import", json={"contacts": list(contacts)})
        assert answer.status_code == 200, answer.text

    def info(self, batch: str) -> dict[str, Any]:
        answer = self.call("GET", "/import/info", params={"batchId": batch})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def imported(self, *contacts: Mapping[str, object]) -> dict[str, Any]:
        """What an import came to."""
        answer = self.bulk(*contacts)
        assert answer.status_code == 200, answer.text
        return self.info(answer.json()["batchId"])

    def set_status(self, contact: str, newsletter: str, status: int) -> requests.Response:
        body = {"contactList": {"list": newsletter, "contact": contact, "status": status}}
        return self.call("POST", "/contactLists", json=body)

    def status(self, contact: str) -> dict[str, str]:
        """By list."""
        listed = self.call("GET", f"/contacts/{contact}/contactLists").json()["contactLists"]
        return {each["list"]: each["status"] for each in listed}


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Status and code of the one error in a list, after checking its shape."""
    (error,) = answer.json()["errors"]
    assert set(error) == {"title", "detail", "code", "source"}
    return answer.status_code, str(error["code"])


def message(answer: requests.Response) -> tuple[int, str]:
    """Status and message of an error that has only one."""
    assert set(answer.json()) == {"message"}
    return answer.status_code, str(answer.json()["message"])
