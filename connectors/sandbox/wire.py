"""What goes in and out of a sandboxed platform: a call, a reply, and what the log may know about them."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import orjson
from pydantic import JsonValue

JSON_TYPE = "application/json; charset=utf-8"
PROBLEM_TYPE = "application/problem+json; charset=utf-8"

Json = JsonValue


class Platform(StrEnum):
    """The platforms this sandbox plays."""

    META = "meta"
    MAILCHIMP = "mailchimp"
    GOOGLE = "google"
    TIKTOK = "tiktok"
    LINKEDIN = "linkedin"
    MICROSOFT = "microsoft"
    SNAPCHAT = "snapchat"
    PINTEREST = "pinterest"
    REDDIT = "reddit"
    CRITEO = "criteo"
    KLAVIYO = "klaviyo"
    HUBSPOT = "hubspot"
    BRAZE = "braze"
    ITERABLE = "iterable"
    CUSTOMERIO = "customerio"
    SENDGRID = "sendgrid"
    BREVO = "brevo"
    ACTIVECAMPAIGN = "activecampaign"
    PRACTICE = "practice"


@dataclass(frozen=True, slots=True)
class RowRejection:
    """A fault's order to refuse some rows of a call: by position, a seeded share of them, or those of some people."""

    positions: frozenset[int] = frozenset()
    share: float = 0.0
    seed: int = 0
    holding: tuple[str, ...] = ()
    """Texts; a row that holds one of them is refused, wherever it stands."""
    unnamed: bool = False
    """The answer counts the rows and names none."""

    def picks(self, rows: Sequence[object]) -> frozenset[int]:
        """The 0-based positions to refuse among ``rows``; the same call always loses the same rows."""
        chance = random.Random(self.seed)  # noqa: S311 - repeatable, not secret
        drawn = {position for position in range(len(rows)) if chance.random() < self.share}
        named = {position for position in self.positions if position < len(rows)}
        return frozenset(drawn | named | self._held(rows))

    def _held(self, rows: Sequence[object]) -> set[int]:
        if not self.holding:
            return set()
        texts = [orjson.dumps(row).decode() for row in rows]
        return {number for number, row in enumerate(texts) if any(text in row for text in self.holding)}


NO_REJECTION = RowRejection()


@dataclass(frozen=True, slots=True)
class JobFate:
    """A fault's order about the job that a call starts."""

    seconds_later: float = 0.0
    """How much later than others it ends, by the sandbox's clock."""
    fails: bool = False
    never_ends: bool = False


ORDINARY = JobFate()


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to a platform, read completely."""

    platform: Platform
    number: int
    """The request's number in the sandbox's log."""
    method: str
    path: str
    """Below the platform's mount, with a leading slash."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    base_url: str
    """Address of the platform's mount as the caller reached it."""
    rejection: RowRejection = NO_REJECTION
    fate: JobFate = ORDINARY


@dataclass(frozen=True, slots=True)
class Reply:
    """What the platform answers, and the summary that the log may keep (never an identifier)."""

    status: int
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    rows: int | None = None
    """Rows in the request, where it has any."""
    audience: str | None = None
    outcome: str = ""
    """One line without identifiers."""


def json_reply(
    content: object,
    *,
    status: int = 200,
    outcome: str = "",
    rows: int | None = None,
    audience: str | None = None,
) -> Reply:
    """A reply whose body is ``content`` as JSON."""
    return Reply(status, orjson.dumps(content), rows=rows, audience=audience, outcome=outcome)


_PERSON_IN_PATH = re.compile(
    r"(/(?:members|customers|byUserId)/)([^/]{0,4})([^/]*)|(/)([^/@]{0,4})([^/]*@[^/]*)"
)


def loggable_path(path: str) -> str:
    """The path without the address, hash or id of a person in it: four characters remain to tell two apart."""
    return _PERSON_IN_PATH.sub(_masked, path)


def _masked(match: re.Match[str]) -> str:
    before, shown, rest = (part or "" for part in (match.groups()[:3] if match[1] else match.groups()[3:]))
    return f"{before}{shown}…" if rest else match[0]
