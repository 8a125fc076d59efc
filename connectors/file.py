"""Audiences as JSON Lines files: for dry runs, for inspection, and for tools that pick up files.

One folder an audience: ``members.jsonl`` holds who is in it now, ``changes.jsonl`` every change in order,
``audience.json`` its name and our mark. A batch is applied whole or not at all: the changes are written and
synced first, then the new member file replaces the old one by renaming.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, ClassVar, Literal

import orjson
import pyarrow as pa
from pydantic import Field

from connectors.base import (
    Audience,
    AudienceGone,
    AudienceRequest,
    Batch,
    Connector,
    ConnectorSettings,
    Declared,
    DeliveryError,
    Finding,
    Kind,
    Limits,
    ReadBack,
    Receipt,
    Refused,
    Reported,
    SyncOptions,
    Verdicts,
)
from connectors.identity import Column, Identity
from connectors.rules import EMAIL, EXTERNAL_ID, phone_e164
from connectors.settings import DefaultCountry

MEMBERS, CHANGES, ABOUT = "members.jsonl", "changes.jsonl", "audience.json"


class FileSettings(ConnectorSettings):
    """Settings of a folder of audiences."""

    folder: Path = Field(
        Path(".turnout/files"), description="Folder that holds one folder an audience; made when missing."
    )
    consent: tuple[str, ...] = Field(
        ("profiling",),
        description='Purposes a person must have granted to be written, as JSON, e.g. `["email_marketing"]`.',
    )
    default_country: DefaultCountry = None


class FileConnector(Connector):
    """A local folder as a destination."""

    kind: ClassVar[Kind] = Kind.FILE
    title: ClassVar[str] = "JSON Lines files"
    settings_type: ClassVar[type[ConnectorSettings]] = FileSettings
    consent: tuple[str, ...] = ("profiling",)
    reads_back = ReadBack(lag=timedelta(0))
    limits = Limits(max_rows=100_000, max_in_flight=1, verdicts=Verdicts.PER_ROW)

    def __init__(self, destination: str, settings: FileSettings) -> None:
        super().__init__(destination, settings)
        self.consent = settings.consent
        self.identity = self.declare(settings).identity
        self._folder = settings.folder
        self._lock = threading.Lock()

    @classmethod
    def declare(cls, settings: FileSettings) -> Declared:
        """Everything a person is known by."""
        columns = (
            Column("external_id", EXTERNAL_ID, "plain", identifies=True),
            Column("email_sha256", EMAIL, "sha256_hex", identifies=True),
            Column("phone_sha256", phone_e164(settings.default_country), "sha256_hex", identifies=True),
        )
        return Declared(cls.limits, Identity("file", 1, columns))

    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        """The audience's folder; raises AudienceGone when the known one was deleted, Refused when disk refuses."""
        with self._lock, _disk_trouble():
            if request.known_id is not None:
                known = self._folder / request.known_id
                if not (known / ABOUT).is_file():
                    raise AudienceGone(f"the folder of audience {request.name!r} is gone")
                return self._audience(known, created=False)
            found = self._find(request.marker)
            return self._audience(found, created=False) if found else self._create(request)

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Write members that are not there yet."""
        return self._apply(audience, rows, batch)

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        """Drop members that are there."""
        return self._apply(audience, rows, batch)

    def read_back(self, audience: Audience) -> Reported:
        """The lines of the member file."""
        path = self._folder / audience.id / MEMBERS
        with self._lock, _disk_trouble():
            if not path.is_file():
                raise AudienceGone(f"the folder of audience {audience.name!r} is gone")
            with path.open("rb") as members:
                size = sum(1 for _ in members)
        return Reported(size, size)

    def examine(self) -> Iterator[Finding]:
        """Whether the folder can be written."""
        try:
            with _disk_trouble():
                self._folder.mkdir(parents=True, exist_ok=True)
            yield Finding("folder", True, "it can be written")
        except DeliveryError as error:
            yield Finding("folder", False, str(error))

    def _apply(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        folder = self._folder / audience.id
        lines = [orjson.dumps(row) + b"\n" for row in rows.to_pylist()]
        with self._lock, _disk_trouble():
            if not (folder / ABOUT).is_file():
                raise AudienceGone(f"the folder of audience {audience.name!r} is gone")
            changed = _rewrite(folder / MEMBERS, lines, batch)
            _append(folder / CHANGES, changed, batch)
            os.replace(folder / f"{MEMBERS}.new", folder / MEMBERS)
            _sync_folder(folder)
        return Receipt("applied", reference=batch.id)

    def _find(self, marker: str) -> Path | None:
        if not self._folder.is_dir():
            return None
        for about in sorted(self._folder.glob(f"*/{ABOUT}")):
            if orjson.loads(about.read_bytes())["marker"] == marker:
                return about.parent
        return None

    def _create(self, request: AudienceRequest) -> Audience:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        plain = re.sub(r"[^a-z0-9._-]+", "-", request.name.lower()).strip("-.") or "audience"
        folder = self._folder / plain
        number = 1
        while folder.exists():
            number += 1
            folder = self._folder / f"{plain}-{number}"
        folder.mkdir(mode=0o700)
        _write(folder / MEMBERS, b"")
        _write(folder / ABOUT, orjson.dumps({"name": request.name, "marker": request.marker}))
        _sync_folder(folder)
        _sync_folder(self._folder)
        return self._audience(folder, created=True)

    def _audience(self, folder: Path, *, created: bool) -> Audience:
        name = orjson.loads((folder / ABOUT).read_bytes())["name"]
        return Audience(folder.name, name, (folder / MEMBERS).resolve().as_uri(), created)


def _rewrite(members: Path, lines: list[bytes], batch: Batch) -> list[bytes]:
    """Write the member file as it will be beside the old one; answers the lines that change.

    Memory holds the batch, not the audience.
    """
    named = dict.fromkeys(lines, False)
    with _private(Path(f"{members}.new"), "wb") as new, members.open("rb") as old:
        for line in old:
            if line in named:
                named[line] = True
            if batch.op == "add" or line not in named:
                new.write(line)
        changed = [line for line, was_there in named.items() if was_there is (batch.op == "remove")]
        if batch.op == "add":
            new.writelines(changed)
        _sync(new)
    return changed


def _append(changes: Path, changed: list[bytes], batch: Batch) -> None:
    head = orjson.dumps({"batch": batch.id, "op": batch.op})[:-1] + b',"member":'
    with _private(changes, "ab+") as log:
        if not _ends_whole(log):  # a crash cut the last line short
            log.write(b"\n")
        log.writelines(head + line.rstrip(b"\n") + b"}\n" for line in changed)
        _sync(log)


def _ends_whole(log: BinaryIO) -> bool:
    if log.seek(0, os.SEEK_END) == 0:
        return True
    log.seek(-1, os.SEEK_END)
    return log.read(1) == b"\n"


def _private(path: Path, mode: Literal["wb", "ab+"]) -> BinaryIO:
    """A file that only its owner can read."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _write(path: Path, content: bytes) -> None:
    with _private(path, "wb") as file:
        file.write(content)
        _sync(file)


def _sync_folder(folder: Path) -> None:
    """Make a renaming in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _disk_trouble() -> Iterator[None]:
    """Before the renaming nothing is applied, so whatever the disk refuses was not."""
    try:
        yield
    except OSError as error:
        raise Refused(f"the disk refused: {error.strerror or type(error).__name__}") from None
