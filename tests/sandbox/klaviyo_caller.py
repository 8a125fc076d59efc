"""Plain HTTP to the sandboxed Klaviyo; every call is held against the official description."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import requests

from connectors.sandbox import SandboxServer
from connectors.sandbox.accounts import SANDBOX_KLAVIYO_KEY
from tests.sandbox.email_caller import EmailCaller
from tests.sandbox.email_openapi import Description, description

MEDIA_TYPE = "application/vnd.api+json"


@dataclass
class KlaviyoCaller(EmailCaller):
    """One account of one sandbox."""

    official: Description | None = None

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = super().call(method, path, **options)
        if self.official is not None:
            self.official.check(path.partition("?")[0], answer)
        return answer

    def send(self, method: str, path: str, body: object) -> requests.Response:
        return self.call(method, path, data=json.dumps(body))

    def new_list(self, name: str, **attributes: object) -> str:
        body = {"data": {"type": "list", "attributes": {"name": name, **attributes}}}
        answer = self.send("POST", "/api/lists", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["id"])

    def profile(self, meta: object = None, **attributes: object) -> requests.Response:
        data: dict[str, object] = {"type": "profile", "attributes": attributes}
        if meta is not None:
            data["meta"] = meta
        return self.send("POST", "/api/profile-import", {"data": data})

    def change(self, method: str, list_id: str, *profiles: str) -> requests.Response:
        body = {"data": [{"type": "profile", "id": one} for one in profiles]}
        return self.send(method, f"/api/lists/{list_id}/relationships/profiles", body)

    def add(self, list_id: str, *profiles: str) -> requests.Response:
        return self.change("POST", list_id, *profiles)

    def remove(self, list_id: str, *profiles: str) -> requests.Response:
        return self.change("DELETE", list_id, *profiles)

    def ids(self, list_id: str) -> list[str]:
        path = f"/api/lists/{list_id}/relationships/profiles?page[size]=100"
        return [str(one["id"]) for one in self.call("GET", path).json()["data"]]

    def job(
        self, kind: str, attributes: object, list_id: str = "", relation: str = "list"
    ) -> requests.Response:
        """Start a job of a kind, for a list unless none is given."""
        data: dict[str, object] = {"type": kind, "attributes": attributes}
        if list_id:
            one = {"type": "list", "id": list_id}
            data["relationships"] = {relation: {"data": [one] if relation == "lists" else one}}
        return self.send("POST", f"/api/{kind}s", {"data": data})

    def start_import(self, *people: dict[str, object], list_id: str = "") -> requests.Response:
        rows = [{"type": "profile", "attributes": one} for one in people]
        return self.job("profile-bulk-import-job", {"profiles": {"data": rows}}, list_id, "lists")


def klaviyo_caller(sandbox: SandboxServer) -> KlaviyoCaller:
    """With the headers that every call has to bring."""
    headers = {
        "Authorization": f"Klaviyo-API-Key {SANDBOX_KLAVIYO_KEY}",
        "revision": "2026-07-15",
        "Accept": MEDIA_TYPE,
        "Content-Type": MEDIA_TYPE,
    }
    return KlaviyoCaller(sandbox, "klaviyo", headers, official=description("klaviyo"))


def refusal(answer: requests.Response) -> tuple[int, str, str]:
    """Status, code, and the pointer or parameter of the first error, after checking its shape."""
    assert answer.headers["content-type"] == MEDIA_TYPE
    first = answer.json()["errors"][0]
    assert set(first) == {"id", "status", "code", "title", "detail", "source", "meta"}
    assert first["status"] == answer.status_code
    (place,) = first["source"].values()
    return answer.status_code, first["code"], place
