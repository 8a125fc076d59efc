"""Plain HTTP to TikTok's API for Business, and what its answers hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import requests

from connectors.sandbox.accounts import SANDBOX_ADS_TOKEN
from connectors.sandbox.ads.tiktok import ADVERTISER
from tests.sandbox.conftest import sha256

Id = dict[str, object]


@dataclass
class TikTokCaller:
    """Plain HTTP to the API for Business."""

    base: str
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.headers["Access-Token"] = SANDBOX_ADS_TOKEN

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, f"{self.base}{path}", timeout=30, **options)

    def change(self, **fields: object) -> requests.Response:
        return self.call("POST", "/segment/audience/", json={"advertiser_id": ADVERTISER, **fields})

    def audience(self, name: str = "Lapsed", advertiser: str = ADVERTISER) -> str:
        answer = self.change(action="create", custom_audience_name=name, advertiser_id=advertiser)
        return str(data_of(answer)["audience_id"])

    def map(
        self, rows: Sequence[Sequence[Id]], schema: Sequence[str] = ("EMAIL_SHA256",), **fields: object
    ) -> requests.Response:
        body = {"advertiser_ids": [ADVERTISER], "id_schema": list(schema), "batch_data": rows, **fields}
        return self.call("POST", "/segment/mapping/", json=body)

    def dmp(self, which: str, **query: object) -> requests.Response:
        return self.call(
            "GET", f"/dmp/custom_audience/{which}/", params={"advertiser_id": ADVERTISER, **query}
        )

    def details(self, audience: str) -> dict[str, Any]:
        (found,) = data_of(self.dmp("get", custom_audience_ids=json.dumps([audience])))["list"]
        content: dict[str, Any] = found
        return content


def data_of(answer: requests.Response) -> dict[str, Any]:
    """What a success holds, after checking its shape."""
    content = answer.json()
    assert set(content) == {"code", "message", "request_id", "data"}
    assert (answer.status_code, content["code"], content["message"]) == (200, 0, "OK"), content
    data: dict[str, Any] = content["data"]
    return data


def code_of(answer: requests.Response, status: int = 200) -> int:
    """The code of a refusal, after checking its shape."""
    content = answer.json()
    assert set(content) == {"code", "message", "request_id", "data"}
    assert (answer.status_code, content["data"]) == (status, {}), content
    return int(content["code"])


def to(audience: str, text: str) -> Id:
    """An id and where it goes."""
    return {"id": sha256(text), "audience_ids": [audience]}


def people(audience: str, count: int) -> list[list[Id]]:
    """Rows of one e-mail each."""
    return [[to(audience, f"{number}@example.com")] for number in range(count)]
