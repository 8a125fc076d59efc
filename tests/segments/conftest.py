"""A catalogue, two destinations, and a good segment file to spoil."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from connectors.base import AttributeOptions
from pipelines.segments.catalog import Catalog, Column, Table
from pipelines.segments.empty_warehouse import EmptyWarehouse


def table(name: str, time_column: str | None, **columns: str) -> Table:
    return Table(name, {column: Column(column, kind) for column, kind in columns.items()}, time_column)


CATALOG: Catalog = {
    found.name: found
    for found in [
        table(
            "features",
            "as_of",
            as_of="DATE",
            person_no="INTEGER",
            spend="DECIMAL(18,2)",
            baskets="INTEGER",
            segment_name="VARCHAR",
            interests="VARCHAR[]",
            last_seen="DATE",
        ),
        table(
            "orders",
            "ordered_at",
            order_id="VARCHAR",
            person_no="INTEGER",
            ordered_at="TIMESTAMP",
            amount="DECIMAL(18,2)",
        ),
        table("products", None, product_id="VARCHAR", department="VARCHAR"),
    ]
}


class AdOptions(BaseModel, extra="forbid", frozen=True):
    """Options as a connector declares them."""

    customer_file_source: str = Field("BOTH", description="where the people come from")
    retention_days: int | None = Field(None, ge=1)


class NoOptions(BaseModel, extra="forbid", frozen=True):
    """A connector without options."""


DESTINATIONS: dict[str, type[BaseModel]] = {"ads": AdOptions, "letters": NoOptions, "mail": AttributeOptions}

GOOD = """\
/*
title = "Lapsed shoppers"
description = "Bought before, silent for 61 to 180 days."
types = ["lifecycle", "behavioural"]
owner = "team:crm"
treatment = "A letter with a voucher; everyone else gets the weekly flyer."
universe = "customers"
min_size = 100
review_by = 2018-03-31
tags = { season = "winter" }
evidence = "Analysis of October: 12 % came back."

[goal]
metric = "repeat_purchase_rate_30d"
direction = "up"
target = "+3 points"
by = 2018-03-31

[sync.ads]
audience = "Lapsed shoppers"
max_removed = 0.2
customer_file_source = "USER_PROVIDED_ONLY"

[sync.letters]
audience = "Lapsed shoppers"
*/
select person_no
from features
where baskets between 1 and 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "segment_defs"
    made.mkdir()
    return made


@pytest.fixture
def write(folder: Path) -> Callable[..., Path]:
    """Writes the good segment with some of its text replaced; a text that is not there is a slip of the test."""

    def write_changed(name: str = "lapsed", changes: dict[str, str] | None = None) -> Path:
        return _write(folder, name, changes or {})

    return write_changed


def _write(folder: Path, name: str, changes: dict[str, str]) -> Path:
    text = GOOD
    for old, new in changes.items():
        assert text.count(old) >= 1, f"{old!r} is not in the good segment"
        text = text.replace(old, new, 1)
    path = folder / f"{name}.sql"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def empty_warehouse() -> Iterator[EmptyWarehouse]:
    with EmptyWarehouse(CATALOG) as warehouse:
        yield warehouse
