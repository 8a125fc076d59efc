"""The proof of an erasure: what was removed where and when, by which receipt, and what is still open.

It names nobody: a subject is a random reference. It is sealed with the key of the tombstones, so that whoever holds
the key can tell that nobody changed it.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from connectors.redact import redact
from pipelines.compact import sync_file
from pipelines.erasure.register import FINAL, Asked, Outcome, Register

FOLDER = "certificates"


@dataclass(frozen=True, slots=True)
class Certificate:
    """An erasure, as far as it is done."""

    request: str
    asked_at: str
    written_at: str
    who: str
    why: str
    complete: bool
    people: int
    subjects: tuple[str, ...]
    audiences: tuple[Outcome, ...]
    deleted_rows: dict[str, int]
    tombstones: int
    open: tuple[str, ...]
    """Sentences on what is not done and what to do."""
    seal: str = ""

    @property
    def removed(self) -> int:
        """Memberships that are certainly over."""
        return sum(outcome.state in FINAL for outcome in self.audiences)


def write_certificate(
    state: Path, register: Register, asked: Asked, problems: tuple[str, ...]
) -> Certificate:
    """Write the certificate as JSON and as text, in place of an earlier one of the same request."""
    outcomes = tuple(register.outcomes(asked.id))
    waiting = tuple(
        f"{o.destination}/{o.segment}: subject {o.subject}: {o.note or o.state}"
        for o in outcomes
        if o.state not in FINAL
    )
    still_open = (*problems, *waiting)
    made = Certificate(
        asked.id,
        asked.asked_at.isoformat(timespec="seconds"),
        datetime.now(UTC).isoformat(timespec="seconds"),
        redact(asked.who),
        redact(asked.why),
        not still_open,
        len(asked.subjects),
        asked.subjects,
        outcomes,
        register.deletions(asked.id),
        len(register.tombstones().digests),
        still_open,
    )
    sealed = _sealed(made, register)
    register.concluded(asked.id, complete=made.complete)
    folder = state / FOLDER
    folder.mkdir(exist_ok=True, mode=0o700)
    _write(folder / f"{asked.id}.json", orjson.dumps(asdict(sealed), option=orjson.OPT_INDENT_2))
    _write(folder / f"{asked.id}.txt", text_of(sealed).encode())
    return sealed


def is_genuine(path: Path, register: Register) -> bool:
    """Whether a certificate's file says what was written, by whoever holds the key."""
    found = orjson.loads(path.read_bytes())
    seal = found.pop("seal", "")
    return bool(seal) and register.seal(_canonical(found)) == seal


def _sealed(made: Certificate, register: Register) -> Certificate:
    fields = asdict(made)
    fields.pop("seal")
    return Certificate(
        **{**{name: getattr(made, name) for name in fields}, "seal": register.seal(_canonical(fields))}
    )


def _canonical(fields: dict[str, object]) -> str:
    return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS).decode()


def text_of(certificate: Certificate) -> str:
    """The same for people to read."""
    c = certificate
    lines = [
        f"Erasure {c.request}: {'complete' if c.complete else 'INCOMPLETE'}",
        "",
        f"Asked on {c.asked_at} by {c.who}: {c.why}",
        f"Written on {c.written_at}",
        f"People: {c.people} (named here by random references: {', '.join(c.subjects)})",
        "",
        "Removed from",
        *(_line(outcome) for outcome in c.audiences),
        *([] if c.audiences else ["  no audience ever received them"]),
        "",
        "Rows deleted",
        *(f"  {place}: {rows:,}" for place, rows in c.deleted_rows.items()),
        *([] if c.deleted_rows else ["  nothing was stored about them"]),
        "",
        f"Tombstones in force: {c.tombstones} keyed digests, so that no old file brings anybody back",
    ]
    if c.open:
        lines += [
            "",
            "Still open; the same command goes on where this one ended",
            *(f"  {one}" for one in c.open),
        ]
    return "\n".join([*lines, "", f"Seal: {c.seal}", ""])


def _line(o: Outcome) -> str:
    told = " ".join(filter(None, (o.state, o.at, o.receipt or o.note)))
    return f"  {o.destination}/{o.segment} ({o.audience}): subject {o.subject}: {told}"


def _write(path: Path, content: bytes) -> None:
    new = path.with_name(f"{path.name}.tmp")
    with open(new, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(new, path)
    sync_file(path.parent)
