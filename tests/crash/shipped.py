"""The connectors that ship, before the sandbox: each with what it is called and how its members are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from connectors.base import Connector
from connectors.mailchimp import MailchimpConnector
from connectors.mailchimp.settings import MailchimpSettings
from connectors.meta import MetaConnector
from connectors.meta.settings import MetaSettings
from connectors.practice import PracticeConnector
from connectors.practice.settings import PracticeSettings
from connectors.sandbox import (
    SANDBOX_MAILCHIMP_KEY,
    SANDBOX_MAILCHIMP_LIST,
    SANDBOX_META_AD_ACCOUNT,
    SANDBOX_META_TOKEN,
    SANDBOX_PRACTICE_TOKEN,
    SandboxServer,
)
from connectors.sandbox.state import SandboxState
from tests.delivery.world import World

PURPOSES = ["ads_personalisation", "ads_user_data", "email_marketing"]
ROWS = 4


class Warehouse(World):
    """The small world with the columns and purposes that real connectors ask for."""

    def _people(self, numbers: list[int], columns: tuple[str, ...]) -> pa.RecordBatchReader:
        people = [self.people[n] for n in numbers]
        table = {
            "person_no": pa.array(numbers, pa.int32()),
            "revision": pa.array([p.revision for p in people], pa.int64()),
            "granted": pa.array([PURPOSES if p.granted else [] for p in people], pa.list_(pa.string())),
            "suppressed": pa.array([p.suppressed for p in people], pa.string()),
        }
        for column in columns:
            table[column] = pa.array([getattr(p, column, None) for p in people], pa.string())
        return pa.table(table).to_reader(max_chunksize=7)


@dataclass(frozen=True, slots=True)
class Shipped:
    """One connector in one way of working."""

    platform: Literal["meta", "mailchimp", "practice"]
    connect: Callable[[str], Connector]
    email_column: str
    phone_column: str | None
    hashed: bool = True

    def address(self, sandbox: SandboxServer) -> str:
        """Where its platform listens."""
        return str(getattr(sandbox, f"{self.platform}_url"))

    def handles(self, emails: Iterable[str]) -> set[str]:
        """What the platform should hold of people, named by their e-mail: the rule in its plainest form."""
        plain = {email.strip().lower() for email in emails}
        return {hashlib.sha256(email.encode()).hexdigest() for email in plain} if self.hashed else plain

    def members(self, state: SandboxState, audience: str) -> set[str]:
        """Who is on the platform in the audience of this name, by e-mail as the platform has it."""
        found = [a for a in state.audiences(self.platform) if a.name == audience]
        if not found:
            return set()
        rows: list[Any] = getattr(state, f"{self.platform}_members")(found[0].id)
        return {row if isinstance(row, str) else row[self.email_column] for row in rows}


def _meta(address: str) -> Connector:
    settings = MetaSettings(
        base_url=address, token=SANDBOX_META_TOKEN, ad_account=SANDBOX_META_AD_ACCOUNT, max_rows=ROWS
    )
    return MetaConnector("platform", settings)


def _mailchimp(address: str) -> Connector:
    settings = MailchimpSettings(
        base_url=address, api_key=SANDBOX_MAILCHIMP_KEY, list_id=SANDBOX_MAILCHIMP_LIST, max_rows=ROWS
    )
    return MailchimpConnector("platform", settings)


def _practice(delivery: Literal["direct", "session", "job"], address: str) -> Connector:
    settings = PracticeSettings(
        base_url=address,
        token=SANDBOX_PRACTICE_TOKEN,
        delivery=delivery,
        max_rows=ROWS,
        session_rows=2,
        token_folder=Path("nowhere"),
    )
    return PracticeConnector("platform", settings)


SHIPPED: dict[str, Shipped] = {
    "meta": Shipped("meta", _meta, "EMAIL", "PHONE"),
    "mailchimp": Shipped("mailchimp", _mailchimp, "EMAIL", None, hashed=False),
    "practice direct": Shipped("practice", partial(_practice, "direct"), "email", "phone"),
    "practice session": Shipped("practice", partial(_practice, "session"), "email", "phone"),
    "practice job": Shipped("practice", partial(_practice, "job"), "email", "phone"),
}
