"""A running sandbox for each test, and callers that know nothing of our connectors."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.sandbox import (
    SANDBOX_MAILCHIMP_KEY,
    SANDBOX_MAILCHIMP_LIST,
    SANDBOX_META_AD_ACCOUNT,
    SANDBOX_META_TOKEN,
    SANDBOX_PRACTICE_TOKEN,
    SandboxServer,
)
from tests.sandbox.openapi import OfficialAnswers, official_answers


def sha256(text: str) -> str:
    """What Meta wants instead of the text."""
    return hashlib.sha256(text.encode()).hexdigest()


def md5(email: str) -> str:
    """What Mailchimp calls a contact by."""
    return hashlib.md5(email.lower().encode()).hexdigest()


@dataclass
class MetaCaller:
    """Plain HTTP to the Graph API."""

    base: str
    version: str = "v26.0"
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.headers["Authorization"] = f"Bearer {SANDBOX_META_TOKEN}"

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, f"{self.base}/{self.version}/{path}", timeout=30, **options)

    def audience(self, name: str = "Lapsed", **fields: object) -> str:
        wish = {"name": name, "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY", **fields}
        answer = self.call("POST", f"{SANDBOX_META_AD_ACCOUNT}/customaudiences", json=wish)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def users(
        self,
        audience: str,
        rows: list[Any],
        schema: object = ("EMAIL",),
        *,
        method: str = "POST",
        edge: str = "users",
        session: Mapping[str, object] | None = None,
    ) -> requests.Response:
        keys = list(schema) if isinstance(schema, tuple) else schema
        body: dict[str, object] = {"payload": {"schema": keys, "is_raw": True, "data": rows}}
        if session is not None:
            body["session"] = session
        return self.call(method, f"{audience}/{edge}", json=body)

    def status(self, audience: str) -> int:
        answer = self.call("GET", audience, params={"fields": "operation_status"})
        return int(answer.json()["operation_status"]["code"])


@dataclass
class MailchimpCaller:
    """Plain HTTP to the Marketing API; every answer is held against the official description."""

    base: str
    official: OfficialAnswers | None
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.auth = ("anything", SANDBOX_MAILCHIMP_KEY)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        answer = self.session.request(method, f"{self.base}{path}", timeout=30, **options)
        if self.official is not None:
            self.official.check(method, path, answer)
        return answer

    def in_list(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.call(method, f"/lists/{SANDBOX_MAILCHIMP_LIST}{path}", **options)

    def put(self, email: str, **fields: object) -> requests.Response:
        body = {"email_address": email, "status_if_new": "transactional", **fields}
        return self.in_list("PUT", f"/members/{md5(email)}", json=body)

    def segment(self, name: str = "vip") -> int:
        answer = self.in_list("POST", "/segments", json={"name": name, "static_segment": []})
        assert answer.status_code == 200, answer.text
        return int(answer.json()["id"])

    def edit(self, segment: int, add: list[str] = [], remove: list[str] = []) -> requests.Response:  # noqa: B006
        return self.in_list(
            "POST", f"/segments/{segment}", json={"members_to_add": add, "members_to_remove": remove}
        )


@dataclass
class PracticeCaller:
    """Plain HTTP to the practice platform."""

    base: str
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.headers["Authorization"] = f"Bearer {SANDBOX_PRACTICE_TOKEN}"

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, f"{self.base}{path}", timeout=30, **options)

    def audience(self, name: str = "Lapsed", **ways: object) -> str:
        wish = {"name": name, "marker": f"turnout:{name.lower()}", **ways}
        answer = self.call("POST", "/audiences", json=wish)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def edit(self, audience: str, people: Sequence[str], op: str = "add") -> requests.Response:
        return self.call(
            "POST", f"/audiences/{audience}/members", json={"op": op, "rows": people_rows(people)}
        )

    def job(self, audience: str, people: Sequence[str], op: str = "add") -> str:
        body = {"op": op, "rows": people_rows(people)}
        answer = self.call("POST", f"/audiences/{audience}/jobs", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job"])

    def job_status(self, audience: str, job: str) -> str:
        return str(self.call("GET", f"/audiences/{audience}/jobs/{job}").json()["status"])

    def size(self, audience: str) -> int:
        return int(self.call("GET", f"/audiences/{audience}").json()["size"])


def people_rows(people: Sequence[str]) -> list[dict[str, str]]:
    """Rows of people known by e-mail only."""
    return [{"email": sha256(f"{person}@example.com")} for person in people]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[SandboxServer]:
    with SandboxServer(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
def meta(sandbox: SandboxServer) -> MetaCaller:
    return MetaCaller(sandbox.meta_url)


@pytest.fixture
def practice(sandbox: SandboxServer) -> PracticeCaller:
    return PracticeCaller(sandbox.practice_url)


@pytest.fixture
def mailchimp(sandbox: SandboxServer) -> MailchimpCaller:
    return MailchimpCaller(sandbox.mailchimp_url, official_answers())


def graph_error(answer: requests.Response) -> tuple[int, int | None]:
    """Code and subcode of a Graph error, after checking its shape."""
    error = answer.json()["error"]
    assert {"message", "type", "code", "fbtrace_id"} <= set(error), error
    return error["code"], error.get("error_subcode")


def problem(answer: requests.Response) -> tuple[int, str]:
    """Status and title of a problem document, after checking its shape."""
    content = answer.json()
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert {"type", "title", "status", "detail", "instance"} <= set(content)
    assert content["status"] == answer.status_code
    return answer.status_code, content["title"]
