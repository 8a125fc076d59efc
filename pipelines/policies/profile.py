"""A policy profile: what a kind of business may not read, send or look for. One TOML file beside this one each.

The files are starting points that name a law or a platform's rule for everything; they are no legal advice.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from pipelines.segments.policy import ProfileName

HERE = Path(__file__).parent


class _Part(BaseModel):
    """Nothing is guessed: no other key, no other type."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Forbidden(_Part):
    """An attribute of people that no segment may read and no sync may carry."""

    attribute: str
    """In plain words."""
    rule: str
    """The law or the platform's policy, and what it says."""
    source: str
    """Where it stands, and of when."""
    features: tuple[str, ...] = ()
    """Columns of ``features`` that hold it."""
    columns: tuple[str, ...] = ()
    """Names under which other tables hold it, your own ones too."""
    in_tables: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Columns that hold it in these tables only."""

    def holds(self, table: str, column: str) -> bool:
        """Whether a column of a table is this attribute."""
        if table == "features" and column in self.features:
            return True
        return column in self.columns or column in self.in_tables.get(table, ())


class Refused(_Part):
    """Connectors whose platforms may have no audience of this business at all."""

    connectors: tuple[str, ...]
    rule: str
    source: str


class Proxies(_Part):
    """Features that may be read, though they tell something of a protected attribute: named, not refused."""

    features: tuple[str, ...]
    of: str


class Profile(_Part):
    """Everything that one profile says."""

    title: str
    about: str
    category: str | None = None
    """The sensitive category that every segment then belongs to: platforms that forbid it refuse them all."""
    min_cell: int = Field(ge=0)
    """People below which nobody is sent; 0: any number."""
    min_cell_rule: str = ""
    min_cell_source: str = ""
    seeds: bool
    """Whether audiences may be seeds of lookalikes."""
    seeds_rule: str = ""
    seeds_source: str = ""
    forbidden: tuple[Forbidden, ...] = ()
    refused: tuple[Refused, ...] = ()
    proxies: tuple[Proxies, ...] = ()


@cache
def read_profile(name: ProfileName) -> Profile:
    """The profile of that name, as its file says."""
    with (HERE / f"{name}.toml").open("rb") as file:
        return Profile.model_validate(tomllib.load(file))
