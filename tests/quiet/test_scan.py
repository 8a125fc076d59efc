"""The scanner finds what is planted, in whatever it is wrapped, and nothing else."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.quiet.canaries import API_KEY, PACKED_KEY, TOKEN, Canary
from tests.quiet.scan import Scanner

PEOPLE = [Canary(number) for number in range(250)]
ONE = PEOPLE[117]
ADDRESS = ONE.email.strip().lower()


def _table(path: Path, cell: object) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute('create table "event logs" (id integer, event)')
        # Long enough to be cut over several pages, so that the file's bytes alone would not show it whole.
        connection.executemany('insert into "event logs" values (?, ?)', [(n, "x" * 900) for n in range(20)])
        connection.execute('insert into "event logs" values (99, ?)', [cell])


def _digest(algorithm: str, text: str) -> str:
    return hashlib.new(algorithm, text.encode()).hexdigest()


PLANTED: dict[str, Callable[[Path], object]] = {
    "an address in a log line": lambda p: p.write_text(f"INFO sent {ADDRESS} ok\n"),
    "an address in capitals": lambda p: p.write_text(ADDRESS.upper()),
    "an address in a URL": lambda p: p.write_text(f"GET /members?email={ADDRESS.replace('@', '%40')}"),
    "an address in JSON with escapes": lambda p: p.write_text(json.dumps(ADDRESS).replace("@", "\\u0040")),
    "a name": lambda p: p.write_text(f"<td>{ONE.last_name}</td>"),
    "an id": lambda p: p.write_text(f"person {ONE.id}"),
    "a phone number as written": lambda p: p.write_text(f"call {ONE.phone} now"),
    "a phone number in digits": lambda p: p.write_text(f"id={ONE.digits};"),
    "a phone number with dots": lambda p: p.write_text("203.555.0117"),
    "SHA-256 in hex": lambda p: p.write_text(f'["{_digest("sha256", ADDRESS)}"]'),
    "SHA-256 in capitals": lambda p: p.write_text(_digest("sha256", ADDRESS).upper()),
    "SHA-256 within a longer run": lambda p: p.write_text("00ff" + _digest("sha256", ONE.digits) + "ab"),
    "SHA-256 in base64": lambda p: p.write_bytes(
        b"x " + base64.b64encode(hashlib.sha256(ADDRESS.encode()).digest())
    ),
    "MD5 in a path": lambda p: p.write_text(f"PUT /lists/1/members/{_digest('md5', ADDRESS)} 200"),
    "SHA-1": lambda p: p.write_text(_digest("sha1", ADDRESS)),
    "a token in a traceback": lambda p: p.write_text(f"ValueError: bad token {TOKEN}"),
    "a key in an event": lambda p: _table(p, json.dumps({"error": {"message": f"401 for {API_KEY}"}})),
    "a key as its header packs it": lambda p: p.write_text(f"Authorization: Basic {PACKED_KEY}"),
    "a digest in a database": lambda p: _table(p, "x" * 5000 + _digest("sha256", ONE.digits) + "x" * 5000),
    "a packed cell": lambda p: _table(p, zlib.compress(ADDRESS.encode())),
    "a packed file": lambda p: p.write_bytes(gzip.compress(ADDRESS.encode())),
    "UTF-16": lambda p: p.write_bytes(ADDRESS.encode("utf-16")),
    "a file's name": lambda p: p.rename(p.with_name(f"{ONE.id}.txt")) if p.touch() is None else None,
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_every_planted_leak_is_found(tmp_path: Path, plant: Callable[[Path], object]) -> None:
    """Each leak, in whatever it is wrapped, is found; the complaint names the place and quotes nothing."""
    (tmp_path / "deep").mkdir()
    plant(tmp_path / "deep/place.log")
    scan = Scanner(PEOPLE, [PACKED_KEY]).scan(tmp_path)
    assert len(scan.leaks) >= 1
    assert all(not Scanner(PEOPLE).find(leak.encode()) for leak in scan.leaks if "the name of" not in leak)


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    """Other people's addresses, digests and numbers, and our own counts and ids, are no leaks."""
    other = "someone.else@example.com"
    (tmp_path / "log").write_text(
        f"{other} {_digest('sha256', other)} +1 212 555 0199 {'f' * 64} 01JD0000000000000000000000\n" * 1000
    )
    _table(tmp_path / "events", json.dumps({"added": 250, "at": "2018-01-01 10:20:30.123456"}))
    scan = Scanner(PEOPLE).scan(tmp_path)
    assert scan.leaks == []
    assert (scan.files, scan.lines > 1000, scan.bytes > 100_000) == (2, True, True)


def test_what_is_allowed_is_not_looked_at(tmp_path: Path) -> None:
    """A file, or everything in a folder, can be where identifiers belong."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state/ledger").write_text(ADDRESS)
    (tmp_path / "warehouse").write_text(ADDRESS)
    scanner = Scanner(PEOPLE)
    assert scanner.scan(tmp_path, [tmp_path / "state", tmp_path / "warehouse"]).leaks == []
    assert len(scanner.scan(tmp_path, [tmp_path / "state"]).leaks) == 1
