"""What was asked to be erased and what became of it, and the tombstones: no identifier in any of it.

Identifiers are kept as HMAC-SHA256 under a key in a file of its own, so that the register alone tells nothing of
anybody, not even to somebody who tries all telephone numbers. Subjects have random references.
"""

from __future__ import annotations

import hmac
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Literal

from ulid import ULID

from pipelines.erasure.request import Wanted
from pipelines.sources.tombstones import REGISTER, Tombstones, key_of, keyed

State = Literal["open", "waiting", "settling", "removed", "gone"]
"""What became of one person in one audience: no receipt yet; accepted, verdict to come; removed, but kept in the
ledger while a late copy may undo it; removed, receipted; the audience itself does not exist any more."""
FINAL: tuple[State, ...] = ("removed", "gone")


@dataclass(frozen=True, slots=True)
class Asked:
    """One request on record."""

    id: str
    asked_at: datetime
    who: str
    why: str
    subjects: tuple[str, ...]
    """References, in the order of the file."""
    is_buried: bool = False
    """It can go on without its file."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One person in one audience that ever received them."""

    subject: str
    destination: str
    segment: str
    audience: str
    state: State
    receipt: str = ""
    """Our batch and the platform's own reference of the removal."""
    at: str = ""
    """When the state was reached, ISO, UTC."""
    note: str = ""


class Register:
    """An open register; made by `Register.open`."""

    def __init__(self, db: sqlite3.Connection, key: bytes) -> None:
        self._db = db
        self.key = key

    @classmethod
    @contextmanager
    def open(cls, state: Path) -> Iterator[Register]:
        """Open the register, making it and its key when missing; both readable by their owner alone."""
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = key_of(state)
        with closing(sqlite3.connect(state / REGISTER, timeout=30, isolation_level=None)) as db:
            os.chmod(state / REGISTER, 0o600)
            db.execute("pragma synchronous = full")
            db.executescript(files("pipelines.erasure").joinpath("register.sql").read_text())
            yield cls(db, key)

    # --- requests ----------------------------------------------------------------------------------------

    def ask(self, people: Sequence[Wanted], who: str, why: str) -> Asked:
        """The request for these people: the one on record when the same was asked before, else a new one."""
        parts = sorted("\x1f".join(value or "" for value in astuple(person)) for person in people)
        fingerprint = keyed(self.key, "request", "\x1e".join(parts))
        known = self._find("fingerprint", fingerprint)
        if known is not None:
            return known
        request, now = str(ULID()), _now()
        with self._commit():
            self._db.execute(
                "insert into requests (id, fingerprint, asked_at, who, why) values (?, ?, ?, ?, ?)",
                (request, fingerprint, now, who, why),
            )
            self._db.executemany(
                "insert into subjects values (?, ?, ?)",
                [(secrets.token_hex(8), request, number) for number in range(len(people))],
            )
        asked = self._find("id", request)
        assert asked is not None
        return asked

    def unfinished(self) -> list[Asked]:
        """Requests with something still open, oldest first."""
        rows = self._db.execute("select id from requests where not is_complete order by id").fetchall()
        return [found for (request,) in rows if (found := self._find("id", request))]

    def _find(self, column: Literal["id", "fingerprint"], value: str) -> Asked | None:
        row = self._db.execute(
            f"select id, asked_at, who, why, is_buried from requests where {column} = ?", (value,)
        ).fetchone()
        if row is None:
            return None
        subjects = self._db.execute(
            "select reference from subjects where request = ? order by number", (row[0],)
        )
        references = tuple(found for (found,) in subjects)
        return Asked(row[0], datetime.fromisoformat(row[1]), row[2], row[3], references, bool(row[4]))

    def buried(self, request: str) -> None:
        """Nothing identifies its people here any more but the tombstones."""
        with self._commit():
            self._db.execute("update requests set is_buried = 1 where id = ?", (request,))

    def concluded(self, request: str, *, complete: bool) -> None:
        """How far it came in its newest run."""
        with self._commit():
            self._db.execute("update requests set is_complete = ? where id = ?", (int(complete), request))

    # --- tombstones --------------------------------------------------------------------------------------

    def bury(
        self, subject: str, meaning: Literal["is", "had"], identifiers: Iterable[tuple[str, str]]
    ) -> None:
        """Write tombstones of (kind, value); ``is`` once said stays."""
        with self._commit():
            self._db.executemany(
                """
                insert into tombstones
                values (?, ?, ?)
                on conflict (digest) do update
                set meaning = case when 'is' in (meaning, excluded.meaning) then 'is' else 'had' end
                """,
                [(keyed(self.key, kind, value), meaning, subject) for kind, value in identifiers],
            )

    def tombstones(self) -> Tombstones:
        """All of them, with their key."""
        return Tombstones(
            self.key, tuple(self._db.execute("select digest, meaning from tombstones order by digest"))
        )

    def buried_for(self, request: str) -> Tombstones:
        """The tombstones that one request wrote, with their subject in place of the meaning."""
        rows = self._db.execute(
            """
            select tombstones.digest, tombstones.subject
            from tombstones
            join subjects
              on subjects.reference = tombstones.subject
            where subjects.request = ?
            """,
            (request,),
        )
        return Tombstones(self.key, tuple(rows))

    # --- what became of it -------------------------------------------------------------------------------

    def record(self, request: str, outcomes: Iterable[Outcome]) -> None:
        """Note what became of people in audiences; what was final before stays as it was."""
        with self._commit():
            self._db.executemany(
                """
                insert into outcomes
                values (?, ?, ?, ?, ?, ?, ?, ?, ?)
                on conflict (request, subject, destination, segment) do update
                set state = excluded.state, receipt = excluded.receipt, at = excluded.at, note = excluded.note
                where outcomes.state not in ('removed', 'gone')
                """,
                [(request, o.subject, o.destination, o.segment, o.audience, o.state, o.receipt, o.at or _now(), o.note)
                 for o in outcomes],
            )  # fmt: skip

    def outcomes(self, request: str) -> list[Outcome]:
        """Every person in every audience, in order."""
        rows = self._db.execute(
            """
            select subject, destination, segment, audience, state, receipt, at, note
            from outcomes
            where request = ?
            order by destination, segment, subject
            """,
            (request,),
        )
        return [Outcome(*row) for row in rows]

    def deleted(self, request: str, rows: Iterable[tuple[str, int]]) -> None:
        """Add to how many rows were deleted in which place."""
        with self._commit():
            self._db.executemany(
                """
                insert into deletions
                values (?, ?, ?)
                on conflict (request, place) do update
                set rows = rows + excluded.rows
                """,
                [(request, place, count) for place, count in rows if count],
            )

    def deletions(self, request: str) -> dict[str, int]:
        """Rows deleted by place."""
        query = "select place, rows from deletions where request = ? order by place"
        return dict(self._db.execute(query, (request,)).fetchall())

    def seal(self, text: str) -> str:
        """What proves that a certificate was written by whoever holds the key."""
        return hmac.new(self.key, text.encode(), "sha256").hexdigest()

    @contextmanager
    def _commit(self) -> Iterator[None]:
        self._db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
