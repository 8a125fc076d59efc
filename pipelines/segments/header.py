"""The fields of a segment's header: what each must hold, and what becomes of it."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pipelines.segments.entry_exit import LONGEST_STAY, LONGEST_WAIT, STAY_DAYS
from pipelines.segments.holdout import BUCKETS
from pipelines.segments.model import DriftPolicy, Mode
from pipelines.segments.policy import CATEGORIES, ProfileName
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


def _group(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]{1,64}", value):
        raise ValueError("is not a group's name")
    return value


def _share(value: float) -> float:
    if abs(value * BUCKETS - round(value * BUCKETS)) > 1e-9:
        raise ValueError("is finer than a ten-thousandth")
    return value


def _values(value: list[Any]) -> list[Any]:
    if not all(isinstance(one, str) or type(one) is int for one in value):
        raise ValueError("holds something that is neither a text nor a whole number")
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


class EntryExitTable(Strict):
    """``[entry_exit]``: what keeps people from coming and going day by day."""

    exit_when: Text | None = Field(
        None, description='a condition on features under which members leave, e.g. "spend_90d < 450"'
    )
    stay_days: int | None = Field(
        None,
        ge=1,
        le=LONGEST_STAY,
        description=f"a whole number of days from 1 to {LONGEST_STAY}, {STAY_DAYS} by default: how long after the SQL "
        "last held somebody may stay whom exit_when does not send away",
    )
    grace_days: int = Field(
        0,
        ge=0,
        le=LONGEST_WAIT,
        description=f"a whole number of days from 0 to {LONGEST_WAIT} for which people stay before they leave",
    )
    cooldown_days: int = Field(
        0,
        ge=0,
        le=LONGEST_WAIT,
        description=f"a whole number of days from 0 to {LONGEST_WAIT} before who left may come back",
    )


class TemplateTable(Strict):
    """``[template]``: one segment for each value of a column, and one for the rest."""

    over: Line = Field(description="a column of features that holds text or whole numbers, e.g. home_store")
    values: Annotated[list[Any], AfterValidator(_values)] = Field(
        min_length=1, description='the values that have a segment each, e.g. ["367", "406"]'
    )
    min_size: int | None = Field(
        None, ge=1, description="a whole number of people from 1; a value with fewer that day joins the rest"
    )


class HoldoutTable(Strict):
    """``[holdout]``: the share of the people who are never sent, so that the others can be measured by them."""

    share: Annotated[float, AfterValidator(_share)] = Field(
        gt=0, le=0.5, description="a share of the people above 0 and up to 0.5, e.g. 0.10"
    )
    salt: Line | None = Field(
        None,
        description="a text that draws the people; another one draws others, the segment's name by default",
    )


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
    entry_exit: EntryExitTable | None = Field(
        None, description="a table [entry_exit] with exit_when and stay_days, grace_days or cooldown_days"
    )
    profile: ProfileName | None = Field(
        None,
        description="a policy profile besides the project's: " + ", ".join(ProfileName.__args__),  # type: ignore[attr-defined]
    )
    frozen_on: date | None = Field(
        None, description="a date without quotes: the day whose people a static segment holds"
    )
    mode: Mode = Field(
        "scheduled", description='when its people may change: "static", "scheduled" or "dynamic"'
    )
    waterfall: Annotated[str, AfterValidator(_group)] | None = Field(
        None, description="the name of a group of segments that exclude each other: 1 to 64 of a-z, 0-9 and _"
    )
    priority: int | None = Field(
        None,
        ge=0,
        description="a whole number from 0, the place in the waterfall: the lowest takes its people first",
    )
    holdout: HoldoutTable | None = Field(None, description="a table [holdout] with share, e.g. share = 0.10")
    template: TemplateTable | None = Field(None, description="a table [template] with over and values")


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
    exclude: list[Line] = Field(
        default_factory=list,
        description='names of segments whose people this audience leaves out, e.g. ["open_complaint"]',
    )
