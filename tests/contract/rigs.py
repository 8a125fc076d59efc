"""The connectors that ship, each before a platform that can be steered."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from connectors.base import Audience, Connector, SyncOptions
from connectors.file import MEMBERS, FileConnector, FileSettings
from connectors.identity import encode
from connectors.mailchimp import MailchimpConnector
from connectors.mailchimp.settings import MailchimpSettings
from connectors.meta import MetaConnector
from connectors.meta.settings import MetaOptions, MetaSettings
from connectors.practice import PracticeConnector
from connectors.practice.settings import PracticeSettings
from connectors.sandbox import (
    SANDBOX_MAILCHIMP_KEY,
    SANDBOX_MAILCHIMP_LIST,
    SANDBOX_META_AD_ACCOUNT,
    SANDBOX_META_APP_SECRET,
    SANDBOX_META_TOKEN,
    SANDBOX_PRACTICE_CLIENT_ID,
    SANDBOX_PRACTICE_CLIENT_SECRET,
    SANDBOX_PRACTICE_REFRESH_TOKEN,
    SANDBOX_PRACTICE_TOKEN,
    SandboxServer,
)
from connectors.sandbox.faults import rules as fault
from connectors.testing import FastTime, Trouble
from tests.contract.openapi import SPEC, OpenApiAdapter


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def sandbox_fault(trouble: Trouble, **where: Any) -> fault.Fault:
    """The sandbox's rule for a trouble."""
    match trouble:
        case Trouble.THROTTLED:
            return fault.RateLimited(effect="rate_limited", retry_after=7, **where)
        case Trouble.ANSWER_LOST:
            return fault.LostAnswer(effect="lost_answer", **where)
        case Trouble.BROKEN_ANSWER:
            return fault.BrokenAnswer(effect="broken_answer", empty=True, **where)
        case Trouble.HTML_PAGE:
            return fault.Html(effect="html", status=502, applied=True, **where)
        case Trouble.SIGNED_OUT:
            return fault.ExpireToken(effect="expire_token", **where)
        case Trouble.SECOND_ROW_REFUSED:
            return fault.RejectRows(effect="reject_rows", positions=[1], **where)


class FileRig:
    """A folder; nothing can get lost on the way there."""

    def __init__(self, folder: Path) -> None:
        self.connector: Connector = FileConnector("file", FileSettings(folder=folder))
        self.options = SyncOptions()
        self.pauses: list[float] = []
        self.secrets: tuple[str, ...] = ()
        self._folder = folder
        self._sent = 0
        apply = self.connector._apply  # type: ignore[attr-defined]

        def counted(*args: Any) -> Any:
            self._sent += 1
            return apply(*args)

        self.connector._apply = counted  # type: ignore[attr-defined]

    def people(self, count: int) -> pa.Table:
        emails = [encode(f"person{i}@example.com", "sha256_hex") for i in range(count)]
        return pa.table(
            {
                "external_id": pa.array([f"crm-{i}" for i in range(count)]),
                "email_sha256": pa.array(emails),
                "phone_sha256": pa.array([None] * count, pa.string()),
            }
        )

    def members(self, audience: Audience) -> int:
        return len((self._folder / audience.id / MEMBERS).read_bytes().splitlines())

    def requests(self) -> int:
        return self._sent

    def cause(self, trouble: Trouble, times: int | None) -> bool:
        return False

    def delete(self, audience: Audience) -> None:
        shutil.rmtree(self._folder / audience.id)

    def unreachable(self) -> Connector | None:
        return None


class MetaRig:
    """The sandbox's Meta."""

    def __init__(self, sandbox: SandboxServer, **settings: Any) -> None:
        self._sandbox = sandbox
        self._settings: Mapping[str, Any] = {
            "token": SANDBOX_META_TOKEN,
            "app_secret": SANDBOX_META_APP_SECRET,
            "ad_account": SANDBOX_META_AD_ACCOUNT,
            **settings,
        }
        self._time = FastTime()
        self.connector: Connector = self._connector(sandbox.meta_url)
        self.options = MetaOptions()
        self.pauses = self._time.pauses
        self.secrets = (SANDBOX_META_TOKEN, SANDBOX_META_APP_SECRET)

    def _connector(self, url: str) -> MetaConnector:
        connector = MetaConnector("meta", MetaSettings(base_url=url, **self._settings))
        connector.http.use_clock(self._time.clock)
        return connector

    def people(self, count: int) -> pa.Table:
        columns = {
            column.name: [
                encode(f"person{i}@example.com", "sha256_hex") if column.name == "EMAIL" else None
                for i in range(count)
            ]
            for column in self.connector.identity.columns
        }
        columns["COUNTRY"] = [encode("us", "sha256_hex")] * count
        return pa.table({name: pa.array(cells, pa.string()) for name, cells in columns.items()})

    def members(self, audience: Audience) -> int:
        return len(self._sandbox.state.meta_members(audience.id))

    def requests(self) -> int:
        return len([r for r in self._sandbox.state.requests("meta") if r.path.endswith("/users")])

    def cause(self, trouble: Trouble, times: int | None) -> bool:
        self._sandbox.faults.add(sandbox_fault(trouble, platform="meta", path="*/users", times=times))
        return True

    def delete(self, audience: Audience) -> None:
        self._sandbox.state.delete_audience("meta", audience.id)

    def unreachable(self) -> Connector | None:
        return self._connector(f"http://127.0.0.1:{free_port()}")


class MailchimpRig:
    """The sandbox's Mailchimp; every request is held to the official OpenAPI file where that is at hand."""

    def __init__(self, sandbox: SandboxServer, **settings: Any) -> None:
        self._sandbox = sandbox
        self._settings: Mapping[str, Any] = {
            "api_key": SANDBOX_MAILCHIMP_KEY,
            "list_id": SANDBOX_MAILCHIMP_LIST,
            **settings,
        }
        self._time = FastTime()
        self.adapter = OpenApiAdapter() if SPEC.exists() else None
        self.connector: Connector = self._connector(sandbox.mailchimp_url)
        self.options = SyncOptions()
        self.pauses = self._time.pauses
        self.secrets = (SANDBOX_MAILCHIMP_KEY,)

    def _connector(self, url: str) -> MailchimpConnector:
        connector = MailchimpConnector("mailchimp", MailchimpSettings(base_url=url, **self._settings))
        connector.http.use_clock(self._time.clock)
        if self.adapter is not None:
            connector.http.wire.session.mount("http://", self.adapter)
        return connector

    def people(self, count: int) -> pa.Table:
        """People whom the list has as contacts."""
        emails = [f"person{i}@example.com" for i in range(count)]
        self._sandbox.state.put_contacts(emails)
        columns = {"EMAIL": pa.array(emails)}
        if "FNAME" in [column.name for column in self.connector.identity.columns]:
            columns |= {"FNAME": pa.array(["Ann"] * count), "LNAME": pa.array([None] * count, pa.string())}
        return pa.table(columns)

    def members(self, audience: Audience) -> int:
        return len(self._sandbox.state.mailchimp_members(audience.id))

    def requests(self) -> int:
        log = self._sandbox.state.requests("mailchimp", "POST")
        return len([r for r in log if "/segments/" in r.path])

    def cause(self, trouble: Trouble, times: int | None) -> bool:
        rule = sandbox_fault(trouble, platform="mailchimp", method="POST", path="*/segments/*", times=times)
        self._sandbox.faults.add(rule)
        return True

    def delete(self, audience: Audience) -> None:
        self._sandbox.state.delete_audience("mailchimp", audience.id)

    def unreachable(self) -> Connector | None:
        return self._connector(f"http://127.0.0.1:{free_port()}/3.0")


class PracticeRig:
    """The sandbox's practice platform, in any of its ways."""

    def __init__(self, sandbox: SandboxServer, folder: Path, **settings: Any) -> None:
        self._sandbox = sandbox
        self._settings: Mapping[str, Any] = {
            "token": SANDBOX_PRACTICE_TOKEN,
            "client_id": SANDBOX_PRACTICE_CLIENT_ID,
            "client_secret": SANDBOX_PRACTICE_CLIENT_SECRET,
            "refresh_token": SANDBOX_PRACTICE_REFRESH_TOKEN,
            "token_folder": folder,
            "session_rows": 100,
            **settings,
        }
        self._time = FastTime()
        self.connector: Connector = self._connector(sandbox.practice_url)
        self.options = SyncOptions()
        self.pauses = self._time.pauses
        self.secrets = (
            SANDBOX_PRACTICE_TOKEN,
            SANDBOX_PRACTICE_CLIENT_SECRET,
            SANDBOX_PRACTICE_REFRESH_TOKEN,
        )

    def _connector(self, url: str) -> PracticeConnector:
        connector = PracticeConnector("practice", PracticeSettings(base_url=url, **self._settings))
        connector.http.use_clock(self._time.clock)
        if connector.tokens is not None:
            connector.tokens.clock = self._time.clock
        return connector

    def people(self, count: int) -> pa.Table:
        emails = [encode(f"person{i}@example.com", "sha256_hex") for i in range(count)]
        return pa.table({"email": pa.array(emails), "phone": pa.array([None] * count, pa.string())})

    def members(self, audience: Audience) -> int:
        return len(self._sandbox.state.practice_members(audience.id))

    def requests(self) -> int:
        log = self._sandbox.state.requests("practice", "POST")
        return len([r for r in log if r.path.endswith(("/members", "/batches", "/jobs"))])

    def cause(self, trouble: Trouble, times: int | None) -> bool:
        ending = {"direct": "members", "session": "batches", "job": "jobs"}
        path = f"*/{ending[self.connector.settings.delivery]}"
        rule = sandbox_fault(trouble, platform="practice", method="POST", path=path, times=times)
        self._sandbox.faults.add(rule)
        return True

    def delete(self, audience: Audience) -> None:
        self._sandbox.state.delete_audience("practice", audience.id)

    def unreachable(self) -> Connector | None:
        return self._connector(f"http://127.0.0.1:{free_port()}")
