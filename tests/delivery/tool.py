"""A tool with fields about people and ids of its own: a second implementation of what `Connector` says of both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from world import BOUNDS, DAY, TODAY, Platform, World, account

from connectors.base import (
    Audience,
    Batch,
    Limits,
    Receipt,
    SyncOptions,
    Uncertain,
)
from connectors.people import FieldType
from pipelines.delivery.delivery import deliver
from pipelines.delivery.model import Delivery, Push, Run
from pipelines.engine import AttributeValues, Export
from pipelines.segments.attributes import Attribute
from pipelines.segments.model import Sync

Handle = tuple[str | None, str | None]

DECLARED = (
    Attribute("LTV", "spend", FieldType.NUMBER),
    Attribute("HOME_STORE", "store", FieldType.TEXT),
)


class DescribedWorld(World):
    """A world whose people have features."""

    def __init__(self) -> None:
        super().__init__()
        self.features: dict[int, dict[str, Any]] = {}

    def export(self, export: Export) -> pa.RecordBatchReader:
        if not isinstance(export, AttributeValues):
            return super().export(export)
        numbers = sorted(n for n in set(export.numbers.to_pylist()) if n in self.features)
        texts = [json.dumps(told(self.features[n], export.attributes)) for n in numbers]
        table = pa.table(
            {"person_no": pa.array(numbers, pa.int32()), "attributes": pa.array(texts, pa.string())}
        )
        return table.to_reader()


def told(features: Mapping[str, Any], attributes: tuple[Attribute, ...]) -> dict[str, Any]:
    """What a tool is to know of a person."""
    return {one.field: features[one.column] for one in attributes if features.get(one.column) is not None}


class Tool(Platform):
    """Knows fields of every member, and gives everybody an id."""

    def __init__(self, max_rows: int = 10, ids_last: timedelta | None = timedelta(days=30)) -> None:
        super().__init__(max_rows=max_rows, max_in_flight=1)
        self.limits = Limits(max_rows=max_rows, max_in_flight=1, ids_last=ids_last)
        self.known: dict[Handle, dict[str, Any]] = {}
        self.ids: dict[Handle, str] = {}
        self.asked: list[Handle] = []
        """For whom an id had to be looked up, because none was remembered."""
        self.described: list[Handle] = []
        """Whose fields were set."""
        self.account_fields: dict[str, FieldType] | None = None

    def fields(self) -> dict[str, FieldType] | None:
        return self.account_fields

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        learned = self._look_up(rows)
        lost = self.faults[:1] == ["lost_before"]
        if not lost and "attributes" in rows.column_names:
            for handle, text in zip(_handles(rows), rows.column("attributes").to_pylist(), strict=True):
                if text:
                    self.known.setdefault(handle, {}).update(json.loads(text))
                    self.described.append(handle)
        receipt = super().add(audience, rows, batch)
        return Receipt(receipt.status, receipt.reference, receipt.rejected, learned=learned)

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        learned = self._look_up(rows)
        receipt = super().remove(audience, rows, batch)
        return Receipt(receipt.status, receipt.reference, receipt.rejected, learned=learned)

    def _look_up(self, rows: pa.Table) -> dict[int, str | None]:
        learned: dict[int, str | None] = {}
        if self.limits.ids_last is None:
            assert "remote_id" not in rows.column_names
            return learned
        for position, (handle, known) in enumerate(
            zip(_handles(rows), rows.column("remote_id").to_pylist(), strict=True)
        ):
            if known is None:
                self.asked.append(handle)
                learned[position] = self.ids.setdefault(handle, f"id-{len(self.ids)}")
            elif known != self.ids[handle]:
                raise Uncertain("this id is somebody else's")
        return learned


def _handles(rows: pa.Table) -> list[Handle]:
    return list(zip(rows.column("EMAIL").to_pylist(), rows.column("PHONE").to_pylist(), strict=True))


def push_described(
    world: World,
    tool: Tool,
    folder: Path,
    attributes: tuple[Attribute, ...] = DECLARED,
    *,
    today: date = TODAY,
    resync: bool = False,
) -> Delivery:
    """Deliver the segment ``vip`` with its attributes."""
    push = Push("vip", Sync("platform", "Vip"), SyncOptions(), BOUNDS, attributes=attributes)
    return deliver(account(world, tool, folder), [push], Run("run", today, resync=resync))[0]


__all__ = ["DAY", "DECLARED", "DescribedWorld", "Tool", "push_described", "told"]
