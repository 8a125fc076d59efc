"""Segments of a project with a policy profile, known from declarations alone: no data, no warehouse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.project import Project
from pipelines.segments.model import Segment
from pipelines.settings import Settings

SOURCES = """
[source.customers]
contract = "customers"
csv = "customers.csv"

[source.files_on_people]
contract = "custom"
csv = "files.csv"
columns = { customer = "text", gender = "text", race = "text", diagnosis = "text", zip = "text", age = "integer" }
key = ["customer"]
person = "customer"
"""

HEADER = """/*
title = "{name}"
description = "As a test wants it."
types = ["behavioural"]
owner = "team:crm"
treatment = "A letter."
universe = "customers"
{extra}
[goal]
metric = "orders_per_month"
direction = "up"
target = "+5 %"
by = 2018-03-31
{syncs}*/
"""
SQL_LINE = 1 + HEADER.format(name="", extra="", syncs="").count("\n")
"""Where the SQL of a segment without syncs begins."""


class Office:
    """A folder of segments, and the project that reads it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.segment_defs = folder / "segment_defs"
        self.segment_defs.mkdir()
        (folder / "sources.toml").write_text(SOURCES)

    def write(self, name: str, sql: str, extra: str = "", syncs: str = "") -> None:
        """A segment file of this rule."""
        text = HEADER.format(name=name, extra=extra, syncs=syncs) + sql + "\n"
        (self.segment_defs / f"{name}.sql").write_text(text)

    def project(self, profile: str = "default") -> Project:
        """The project under a profile."""
        return Project(
            Settings(
                _env_file=None,  # type: ignore[call-arg]
                home=self.folder / "home",
                sources=self.folder / "sources.toml",
                segment_defs=self.segment_defs,
                policy_profile=profile,  # type: ignore[arg-type]
            )
        )

    def fault(self, name: str, profile: str = "default") -> str:
        """What is wrong with a segment under a profile; empty when nothing is."""
        definition = self.project(profile).definition(name)
        return "" if isinstance(definition, Segment) else str(definition.error)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """An office without segments."""
    return Office(tmp_path)


Fault = Callable[[str, str], str]
