"""The fields of a segment's header: what each must hold, and what becomes of it."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pipelines.segments.model import DriftPolicy, Mode
from pipelines.segments.policy import CATEGORIES
from pipelines.segments.universe import UNIVERSES

SegmentType = Literal[
    "demographic",
    "geographic",
    "psychographic",
    "behavioural",
    "firmographic",
    "intent",
    "needs",
    "value",
    "lifecycle",
    "rfm",
    "cluster",
    "predictive",
]
"""What the shared characteristic of a segment's people may be."""

NOT_YET = {
    "holdout": "keeping a share of people back for measurement",
    "entry_exit": "grace and cool-down days",
    "waterfall": "making segments mutually exclusive",
    "priority": "deciding for a person who is in several segments",
}
"""Fields whose behaviour is still to come: using one is an error, so that none is accepted and ignored."""

TAG = re.compile(r"[A-Za-z0-9_.-]{1,63}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def _said(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty")
    return value.strip()


def _one_line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("holds a line break or an invisible character")
    return _said(value)


def _owner(value: str) -> str:
    if not (EMAIL.fullmatch(value) or re.fullmatch(r"team:\S+", value)):
        raise ValueError("is neither a team nor an e-mail address")
    return value


def _universe(value: str) -> str:
    if value not in UNIVERSES:
        raise ValueError("is no known universe")
    return value


def _metric(value: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", value):
        raise ValueError("is not a metric's name")
    return value


def _category(value: str) -> str:
    if value not in CATEGORIES:
        raise ValueError("is no category")
    return value


def _tags(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not (TAG.fullmatch(name) and TAG.fullmatch(text)):
            raise ValueError("has a tag with other characters than letters, digits, _ . and -")
    return value


Text = Annotated[str, AfterValidator(_said)]
Line = Annotated[str, AfterValidator(_one_line)]


class Strict(BaseModel):
    """Nothing is guessed: no other key, no other type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class GoalTable(Strict):
    """``[goal]``: what the segment is for, measurably."""

    metric: Annotated[str, AfterValidator(_metric)] = Field(
        description="a metric's name in snake_case, e.g. repeat_purchase_rate_30d"
    )
    direction: Literal["up", "down"] = Field(description='"up" or "down"')
    target: Line = Field(description='how far, e.g. "+3 points"')
    by: date = Field(description="a date without quotes, e.g. 2027-03-31")


class Header(Strict):
    """Everything above the SQL but the syncs. Each description is what an error says was expected."""

    title: Line = Field(description="a short name people can say")
    description: Text = Field(description="one or two sentences: who these people are")
    types: list[SegmentType] = Field(
        min_length=1,
        description="what the people share, one or more of " + ", ".join(SegmentType.__args__),  # type: ignore[attr-defined]
    )
    owner: Annotated[str, AfterValidator(_owner)] = Field(
        description="who answers for it: team:crm or an e-mail address"
    )
    goal: GoalTable = Field(description="a table [goal] with metric, direction, target and by")
    treatment: Text = Field(
        description="an answer to: how are these people treated differently (channel, message, offer)?"
    )
    universe: Annotated[str, AfterValidator(_universe)] = Field(
        description="the population it is a share of: " + " or ".join(UNIVERSES)
    )
    min_size: int | None = Field(
        None, ge=1, description="a whole number of people from 1; a computed day with fewer is noted"
    )
    review_by: date | None = Field(None, description="a date without quotes; an overdue review is noted")
    formerly: str | None = Field(
        None, description="the segment's old name; its audiences are kept under the new one"
    )
    tags: Annotated[dict[str, str], AfterValidator(_tags)] = Field(
        default_factory=dict, description='a table of short texts, e.g. tags = {season = "winter"}'
    )
    policy: list[Annotated[str, AfterValidator(_category)]] = Field(
        default_factory=list,
        description="sensitive categories, among " + ", ".join(CATEGORIES),
    )
    evidence: Text | None = Field(None, description="text: the analysis or test that supports the rule")
    persona: Text | None = Field(None, description="text: a name and a short portrait")
    mode: Mode = Field(
        "scheduled", description='when its people may change: "static", "scheduled" or "dynamic"'
    )


class SyncKeys(Strict):
    """The engine's own keys of a ``[sync.<destination>]`` table; the others are the connector's options."""

    audience: Annotated[Line, Field(max_length=200)] = Field(
        description="the audience's name on the platform, 1 to 200 characters on one line"
    )
    max_removed: float | None = Field(
        None, ge=0, le=1, description="the share that one run may remove, from 0 to 1"
    )
    drift: DriftPolicy = Field(
        "report_only",
        description="what becomes of members whom somebody else added or took out, where the tool lists members: "
        '"report_only" or "ours_wins"',
    )
