"""The rows of a request: which are well formed, and what adding or removing them does."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from connectors.sandbox.practice import audiences
from connectors.sandbox.practice.audiences import PracticeAudience
from connectors.sandbox.practice.requests import Op, Row

_is_hash = re.compile(r"[0-9a-f]{64}").fullmatch


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows sorted into those to apply and those to refuse, the latter by 0-based position with a reason."""

    rows: Sequence[Row]
    faults: dict[int, str]

    @property
    def good(self) -> list[Row]:
        """Rows to apply."""
        return [row for position, row in enumerate(self.rows) if position not in self.faults]


def judge(rows: Sequence[Row], refused: Collection[int]) -> Judged:
    """Refuse what a fault asks to refuse and what is malformed."""
    faults = dict.fromkeys(refused, "refused")
    for position, row in enumerate(rows):
        if row.email is not None and not _is_hash(row.email):
            faults.setdefault(position, "invalid_email")
        elif row.phone is not None and not _is_hash(row.phone):
            faults.setdefault(position, "invalid_phone")
        elif row.email is None and row.phone is None:
            faults.setdefault(position, "no_identifier")
    return Judged(rows, faults)


def apply(
    db: sqlite3.Connection, audience: PracticeAudience, op: Op, judged: Judged, request: int
) -> tuple[int, int]:
    """Add or remove the good rows; returns how many came and how many went."""
    change = _add if op == "add" else _remove
    added, removed = change(db, audience.id, judged.good)
    audiences.note_change(db, audience, request, added, removed)
    return added, removed


def _add(db: sqlite3.Connection, audience: int, rows: Sequence[Row]) -> tuple[int, int]:
    cursor = db.executemany(
        "insert or ignore into practice_members (audience, member, email, phone) values (?, ?, ?, ?)",
        [(audience, _key(row), _blob(row.email), _blob(row.phone)) for row in rows],
    )
    return cursor.rowcount if rows else 0, 0


def _remove(db: sqlite3.Connection, audience: int, rows: Sequence[Row]) -> tuple[int, int]:
    """Whoever shares an e-mail or a phone with a row leaves, as on ad platforms."""
    gone = 0
    for name in ("email", "phone"):
        values = [_blob(getattr(row, name)) for row in rows if getattr(row, name) is not None]
        cursor = db.executemany(
            f"delete from practice_members where audience = ? and {name} = ?",
            [(audience, value) for value in values],
        )
        gone += cursor.rowcount if values else 0
    return 0, gone


def _key(row: Row) -> bytes:
    return blake2b(f"{row.email}|{row.phone}".encode(), digest_size=16).digest()


def _blob(digest: str | None) -> bytes | None:
    return bytes.fromhex(digest) if digest else None
