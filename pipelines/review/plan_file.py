"""A plan as a file: what would be done to each audience, for people to read and for ``apply`` to hold itself to.

It counts people and names nobody: members stand in it as digests that are made for this one file, of the keys by
which the ledger tells members apart. The file is JSON, readable by its owner alone, and sealed.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from ulid import ULID

from connectors.base import Op
from pipelines.delivery.changeset import DIGEST_BYTES, BatchDigest, Change, ChangeSet
from pipelines.review.errors import PlanFileError
from pipelines.review.seal import BrokenSeal, opened, sealed

FORMAT: Literal[1] = 1


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlannedBatch(_Part):
    """One request's worth of members; ``digest`` is over the digests of those that the plan names, in order."""

    op: Op
    number: int = Field(ge=1)
    size: int = Field(ge=1)
    digest: str


class PlannedAudience(_Part):
    """What a push of one audience would do. Counts are people; the sums close as those of a push do."""

    destination: str
    segment: str
    audience: str
    """The audience's name on the platform."""
    as_of: date | None
    options: str
    """Digest of the sync table's options: with others, the same requests would do something else."""
    verdict: str
    sentence: str
    accept: str | None
    """The word that lets a stopped one pass; None: nothing stops it, or nothing but opt-outs is planned."""
    desired: int
    held: int
    kept: int
    adds: int
    removes: int
    must_go: int
    resends: int
    asserted: int
    rejected: int
    rejected_by_reason: dict[str, int]
    withheld_by_reason: dict[str, int]
    requests: int
    """At most, when every request is answered."""
    seconds: float
    """Roughly, for those that fit into the account's budget."""
    forecast: str
    batches: tuple[PlannedBatch, ...]
    members: dict[Change, str]
    """Digests of those who move, by change: 16 bytes each, sorted, base64."""

    @model_validator(mode="after")
    def _digests_are_whole(self) -> PlannedAudience:
        for change, text in self.members.items():
            try:
                length = len(base64.b64decode(text, validate=True))
            except binascii.Error as error:
                raise ValueError(f"members.{change} is no base64") from error
            if length % DIGEST_BYTES:
                raise ValueError(f"members.{change} ends within a digest")
        return self

    @property
    def name(self) -> str:
        """As commands take it."""
        return f"{self.destination}/{self.segment}"

    @property
    def changes(self) -> ChangeSet:
        """Who moves."""
        return ChangeSet(
            {change: base64.b64decode(text) for change, text in self.members.items()},
            tuple(BatchDigest(b.op, b.number, b.size, b.digest) for b in self.batches),
        )


class PlanContent(_Part):
    """Everything in a plan but its seal."""

    turnout_plan: Literal[1] = FORMAT
    turnout: str
    """The version that made it."""
    made_at: datetime
    made_by: str
    salt: str
    """What the member digests of this one file are made with, with the key where there is one."""
    audiences: tuple[PlannedAudience, ...]


class Plan(_Part):
    """A plan that was sealed, or whose seal was found whole."""

    content: PlanContent
    seal: str

    @property
    def audiences(self) -> tuple[PlannedAudience, ...]:
        """What would be done where."""
        return self.content.audiences

    @property
    def mark(self) -> str:
        """A short name for lists: the first digits of the seal's digest."""
        return self.seal.partition(":")[2][:12]


def in_base64(members: Mapping[Change, bytes]) -> dict[Change, str]:
    """Digests as the file holds them."""
    return {change: base64.b64encode(digests).decode() for change, digests in members.items()}


def write_plan(path: Path, content: PlanContent, key: SecretStr | None) -> Plan:
    """Seal a plan and write it whole or not at all, readable by nobody else.

    Raises PlanFileError when it can't be written.
    """
    document = sealed(content.model_dump(mode="json"), key)
    beside = path.with_name(f".{path.name}.{ULID()}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(document, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise PlanFileError(f"{path}: the plan could not be written ({error.strerror})") from error
    return Plan(content=content, seal=document["seal"])


def read_plan(path: Path, key: SecretStr | None) -> Plan:
    """The plan in a file. Raises PlanFileError, also when it is not as it was sealed."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise PlanFileError(f"{path}: this is no plan: it is not text in UTF-8") from error
    except OSError as error:
        raise PlanFileError(f"{path}: the plan could not be read ({error.strerror})") from error
    return plan_of(text, key, str(path))


def plan_of(text: str, key: SecretStr | None, where: str) -> Plan:
    """The plan in a text; ``where`` is told in errors. Raises PlanFileError."""
    try:
        document = json.loads(text, object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as error:
        raise PlanFileError(f"{where}: this is no plan: {_kind(error)}") from error
    if not isinstance(document, dict) or "turnout_plan" not in document:
        raise PlanFileError(f"{where}: this is no plan; write one with turnout plan -o plan.json")
    if document["turnout_plan"] != FORMAT:
        raise PlanFileError(
            f"{where}: a plan of another Turnout (format {FORMAT} is read here): make it anew"
        )
    try:
        content, seal = opened(document, key)
        return Plan(content=PlanContent.model_validate(content), seal=seal)
    except BrokenSeal as error:
        raise PlanFileError(f"{where}: the plan is refused: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise PlanFileError(f"{where}: this is no plan: {place}: {first['msg']}") from error


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key that stands twice would show a reader something else than what is applied."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(name for name, _ in pairs if sum(name == other for other, _ in pairs) > 1)
        raise ValueError(f"{twice!r} stands in it twice")
    return found


def _kind(error: Exception) -> str:
    """Where it stops being JSON, and never what stands there."""
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON at line {error.lineno}, column {error.colno}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
