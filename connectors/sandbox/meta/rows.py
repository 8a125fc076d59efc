"""The rows of an upload: which keys there are, which cells are well formed, and what makes a row one member."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from connectors.sandbox.meta.errors import ROWS_DO_NOT_MATCH, GraphRefusal, invalid
from connectors.sandbox.meta.requests import Payload
from connectors.sandbox.wire import RowRejection

MAX_ROWS = 10_000
"""Rows in one request ("Add users", limits)."""
MAX_SAMPLES = 100

HASHED = frozenset(
    {"EMAIL", "PHONE", "FN", "LN", "FI", "GEN", "DOBY", "DOBM", "DOBD", "CT", "ST", "ZIP", "COUNTRY"}
)
PLAIN = frozenset({"EXTERN_ID", "UID", "PAGEUID", "APPUID"})
OPTIONS = frozenset(
    {"DATA_PROCESSING_OPTIONS", "DATA_PROCESSING_OPTIONS_COUNTRY", "DATA_PROCESSING_OPTIONS_STATE"}
)
KEYS = HASHED | PLAIN | OPTIONS | {"MADID", "LOOKALIKE_VALUE"}
SINGLE_KEYS = {
    "EMAIL_SHA256": "EMAIL",
    "PHONE_SHA256": "PHONE",
    "MOBILE_ADVERTISER_ID": "MADID",
    "EXTERN_ID": "EXTERN_ID",
    "UID": "UID",
}

_is_hash = re.compile(r"[0-9a-f]{64}").fullmatch
_is_madid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch


@dataclass(frozen=True, slots=True)
class Member:
    """One row as sent. ``key`` is the digest of everything that identifies in it."""

    key: bytes
    email: bytes | None
    phone: bytes | None
    madid: str | None
    extern_id: str | None
    others: str


@dataclass(frozen=True, slots=True)
class Rows:
    """A judged upload."""

    received: int
    members: Sequence[Member]
    invalid: int
    samples: dict[str, str]
    columns: tuple[str, ...]


def judge(payload: Payload, rejection: RowRejection) -> Rows:
    """Sort rows into members and invalid entries.

    Raises GraphRefusal (#100) where the whole call is refused: unknown key, too many rows, a row of another width.
    """
    columns = _columns(payload)
    table = _table(payload, columns)
    faults = dict.fromkeys(rejection.picks(table), "REJECTED")
    for position, column in enumerate(columns):
        judge_cell = _cell_judge(column)
        for number, row in enumerate(table):
            cell = row[position]
            if cell != "" and not judge_cell(cell):
                faults.setdefault(number, column)
    identifying = [p for p, c in enumerate(columns) if c not in OPTIONS and c != "LOOKALIKE_VALUE"]
    for number, row in enumerate(table):
        if not any(row[position] for position in identifying):
            faults.setdefault(number, "EMPTY")
    members = [_member(columns, row) for number, row in enumerate(table) if number not in faults]
    shown = [] if rejection.unnamed else sorted(faults)[:MAX_SAMPLES]
    samples = {orjson.dumps(table[number]).decode(): faults[number] for number in shown}
    return Rows(len(table), members, len(faults), samples, columns)


def _columns(payload: Payload) -> tuple[str, ...]:
    schema = payload.schema_
    if isinstance(schema, str):
        if schema not in SINGLE_KEYS:
            raise GraphRefusal(invalid(f"Param payload[schema] must be one of {{{', '.join(SINGLE_KEYS)}}}"))
        columns: tuple[str, ...] = (SINGLE_KEYS[schema],)
    else:
        for position, key in enumerate(schema):
            if key not in KEYS:
                raise GraphRefusal(
                    invalid(f"Param payload[schema][{position}] must be one of {{{', '.join(sorted(KEYS))}}}")
                )
        columns = tuple(schema)
    if len(set(columns)) != len(columns):
        raise GraphRefusal(invalid("Param payload[schema] must not repeat a key"))
    if "UID" in columns and not payload.app_ids:
        raise GraphRefusal(invalid("The parameter payload[app_ids] is required"))
    if "PAGEUID" in columns and not payload.page_ids:
        raise GraphRefusal(invalid("The parameter payload[page_ids] is required"))
    return columns


def _table(payload: Payload, columns: tuple[str, ...]) -> list[list[Any]]:
    if not payload.data:
        raise GraphRefusal(ROWS_DO_NOT_MATCH)
    if len(payload.data) > MAX_ROWS:
        raise GraphRefusal(invalid(f"Param payload[data]: at most {MAX_ROWS} users in one request"))
    flat = isinstance(payload.schema_, str)
    table = [[row] if flat and isinstance(row, str) else row for row in payload.data]
    width = len(columns)
    if any(type(row) is not list or len(row) != width for row in table):
        raise GraphRefusal(ROWS_DO_NOT_MATCH)
    text = [position for position, column in enumerate(columns) if column in HASHED | PLAIN | {"MADID"}]
    if any(type(row[position]) is not str for row in table for position in text):
        raise GraphRefusal(ROWS_DO_NOT_MATCH)
    return table


def _cell_judge(column: str) -> Callable[[Any], object]:
    if column in HASHED:
        return _is_hash
    if column == "MADID":
        return _is_madid
    if column == "LOOKALIKE_VALUE":
        return lambda cell: type(cell) in (int, float) and cell >= 0
    if column == "DATA_PROCESSING_OPTIONS":
        return lambda cell: cell in ([], ["LDU"])
    if column == "DATA_PROCESSING_OPTIONS_COUNTRY":
        return lambda cell: type(cell) is int and cell in (0, 1)
    if column == "DATA_PROCESSING_OPTIONS_STATE":
        return lambda cell: type(cell) is int and cell in (0, 1000)
    return lambda cell: True


def _member(columns: tuple[str, ...], row: list[Any]) -> Member:
    cells = {
        column: cell
        for column, cell in zip(columns, row, strict=True)
        if cell != "" and column not in OPTIONS
    }
    cells.pop("LOOKALIKE_VALUE", None)
    key = blake2b(orjson.dumps(cells, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
    email, phone = cells.pop("EMAIL", None), cells.pop("PHONE", None)
    madid, extern_id = cells.pop("MADID", None), cells.pop("EXTERN_ID", None)
    return Member(
        key,
        bytes.fromhex(email) if email else None,
        bytes.fromhex(phone) if phone else None,
        madid,
        extern_id,
        orjson.dumps(cells).decode(),
    )
