"""A small shop: sources as CSV files, segments as SQL files, and destinations that are folders.

Everybody's identifiers, orders and consents follow from their number, so that tests can say who is wanted where
without asking the code that they judge.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.settings import Settings

TODAY = date(2018, 1, 1)
NEWEST = date(2017, 12, 31)
FIRST_DAY = date(2017, 12, 20)
PURPOSES = ("profiling", "email_marketing", "ads_personalisation", "ads_user_data")

SOURCES = """
[source.customers]
contract = "customers"
csv = "customers.csv"

[source.orders]
contract = "orders"
csv = "orders.csv"

[source.web_events]
contract = "web_events"
csv = "web_events.csv"

[source.consents]
contract = "consents"
csv = "consents.csv"

[source.suppressions]
contract = "suppressions"
csv = "suppressions.csv"
"""

HEADER = """/*
title = "{title}"
description = "{title}, as tests want them."
types = ["behavioural"]
owner = "team:crm"
treatment = "A newsletter about {title}."
universe = "customers"
{policy}
[goal]
metric = "repeat_purchase_rate_30d"
direction = "up"
target = "+1 point"
by = 2018-06-30
{syncs}*/
"""

BUYERS = "select distinct person_no\nfrom orders"
SPENDERS = "select person_no\nfrom orders\ngroup by person_no\nhaving sum(total) >= 50"
BROWSERS = "select distinct person_no\nfrom web_events\nwhere event = 'product_view'"


def customer(number: int) -> str:
    """A person's id."""
    return f"c{number:04}"


def ordered_on(number: int) -> date:
    """The day of a person's one order: two people a day until the newest day, odd numbers only."""
    return NEWEST - timedelta(days=(number // 4) % 20)


@dataclass
class Shop:
    """The shop's files, and the settings that point at them."""

    folder: Path
    people: int = 120
    destinations: dict[str, str] = field(default_factory=lambda: {"ads": "file", "mail": "file"})
    gone: set[int] = field(default_factory=set)

    @property
    def sources(self) -> Path:
        """Where the CSV files are."""
        return self.folder / "sources"

    @property
    def segment_defs(self) -> Path:
        """Where the segment files are."""
        return self.folder / "segment_defs"

    def settings(self, **changes: object) -> Settings:
        """Settings of this shop alone, whatever the environment says."""
        values: dict[str, object] = {
            "home": self.folder / "home",
            "sources": self.sources / "sources.toml",
            "segment_defs": self.segment_defs,
            "destinations": self.destinations,
            "first_day": FIRST_DAY,
            "today": TODAY,
            "guard_floor": 5,
            "lock_wait_seconds": 30,
            "threads": 1,
            "memory_limit": "256MB",
            # A shop of 120 people has no segment large enough to be worth a treatment; what stops a new audience
            # of such a segment is shown in tests/quality, with the setting as it ships.
            "quality_gate": "warn",
        }
        return Settings(_env_file=None, **{**values, **changes})  # type: ignore[arg-type]

    def open(self, *, ads: str = "ads", mail: str = "mail") -> Shop:
        """Write every file; ``ads`` and ``mail`` are the destinations that the segments sync to."""
        self.sources.mkdir(parents=True, exist_ok=True)
        self.segment_defs.mkdir(exist_ok=True)
        (self.sources / "sources.toml").write_text(SOURCES)
        numbers = range(self.people)
        self.write(
            "customers",
            ["customer_id", "email", "created_at"],
            ((customer(n), f"{customer(n)}@example.com", "2017-01-01 00:00:00") for n in numbers),
        )
        self.write(
            "orders",
            ["order_id", "customer_id", "ordered_at", "total"],
            ((f"o{n}", customer(n), f"{ordered_on(n)} 10:00:00", 10 + n) for n in numbers if n % 2),
        )
        self.write(
            "web_events",
            ["event_id", "customer_id", "event", "occurred_at"],
            ((f"w{n}", customer(n), "product_view", "2017-12-15 12:00:00") for n in numbers if n % 3 == 0),
        )
        self.write(
            "consents",
            ["customer_id", "purpose", "granted", "changed_at"],
            ((customer(n), purpose, "yes", "2017-01-02 00:00:00") for n in numbers for purpose in PURPOSES),
        )
        self.opt_out()
        self.segment("buyers", BUYERS, (ads, mail))
        self.segment("spenders", SPENDERS, (ads,))
        self.segment("browsers", BROWSERS, (mail,))
        return self

    def write(self, source: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A source's file."""
        with (self.sources / f"{source}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)

    def opt_out(self, *numbers: int) -> None:
        """These people want nothing any more, besides those who said so before. One is there from the start."""
        self.gone |= {self.people - 1, *numbers}
        self.write(
            "suppressions",
            ["customer_id", "reason", "since"],
            ((customer(n), "unsubscribed", "2017-12-02 00:00:00") for n in sorted(self.gone)),
        )

    def break_source(self, source: str) -> None:
        """The file arrives without its columns."""
        (self.sources / f"{source}.csv").write_text("something;else\n1;2\n")

    def segment(
        self, name: str, sql: str, destinations: Sequence[str], policy: Sequence[str] = (), more: str = ""
    ) -> Path:
        """A segment file that syncs to these destinations; ``more`` are lines of the header above its tables."""
        title = name.title()
        syncs = "".join(f'\n[sync.{d}]\naudience = "{title}"\n' for d in destinations)
        path = self.segment_defs / f"{name}.sql"
        said = (f"policy = {json.dumps(policy)}\n" if policy else "") + (f"{more}\n" if more else "")
        path.write_text(HEADER.format(title=title, syncs=syncs, policy=said) + sql + "\n")
        return path

    def buyers(self, as_of: date = NEWEST) -> set[str]:
        """Who should be in the audience of buyers."""
        numbers = {n for n in range(self.people) if n % 2 and ordered_on(n) <= as_of}
        return {customer(n) for n in numbers - self.gone}

    def browsers(self) -> set[str]:
        """Who should be in the audience of browsers."""
        return {customer(n) for n in set(range(0, self.people, 3)) - self.gone}

    def members(self, destination: str, segment: str) -> set[str]:
        """Who is in an audience, read from the destination's own file."""
        path = self.members_file(destination, segment)
        lines = path.read_text().splitlines() if path.exists() else []
        return {json.loads(line)["external_id"] for line in lines}

    def members_file(self, destination: str, segment: str) -> Path:
        """The file that a folder destination keeps its members in."""
        return self.destination_folder(destination) / segment / "members.jsonl"

    def changes(self, destination: str, segment: str) -> list[tuple[str, str]]:
        """Every change that a destination saw: operation and person, in order."""
        path = self.destination_folder(destination) / segment / "changes.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return [(line["op"], line["member"]["external_id"]) for line in lines]

    def destination_folder(self, destination: str) -> Path:
        """Where a folder destination writes."""
        return self.folder / "destinations" / destination

    def environment(self) -> dict[str, str]:
        """What the destinations read from the environment."""
        return {f"TURNOUT_{d.upper()}_FOLDER": str(self.destination_folder(d)) for d in self.destinations}


def opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose destinations this process can find."""
    shop = Shop(folder).open()
    opened_environment(shop, monkeypatch)
    return shop


def opened_environment(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process find the shop's destinations."""
    for name, value in shop.environment().items():
        monkeypatch.setenv(name, value)
