"""Three kinds of connector to the remote platform: at once, by session, by asynchronous job."""

from __future__ import annotations

import http.client
import json
import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pyarrow as pa

from connectors.base import (
    Audience,
    AudienceGone,
    AudienceRequest,
    Batch,
    Connector,
    JobFailed,
    Kind,
    Limits,
    Receipt,
    Refused,
    RowsRefused,
    SyncOptions,
    Uncertain,
)
from connectors.identity import Identity
from connectors.people import Present
from tests.crash.platform import Handle

ROWS_OF_A_PART = 2
"""Rows in one request of a session."""
ROWS_OF_A_PAGE = 5
"""Members on one page of a list."""


class Wire:
    """Requests to the remote platform: one connection a thread, nothing repeated."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._of_thread = threading.local()

    def call(self, action: str, **body: Any) -> dict[str, Any]:
        """Ask, and read the answer. Raises Refused, RowsRefused, AudienceGone or Uncertain."""
        try:
            connection = self._connection()
            connection.request("POST", f"/{action}", json.dumps(body | {"pid": os.getpid()}))
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._of_thread.connection = None
            raise Uncertain("no answer") from error
        return self.read(answer.status, text)

    def read(self, status: int, text: bytes) -> dict[str, Any]:
        """What an answer says; a page is no answer."""
        try:
            said: dict[str, Any] = json.loads(text)
        except ValueError:
            raise Uncertain("the answer cannot be read") from None
        if status == 404:
            raise AudienceGone("the audience is not there any more")
        if status == 400:
            raise RowsRefused(said["error"], {int(n): why for n, why in said.get("rows", {}).items()})
        if status != 200:
            raise Refused(said["error"])
        return said

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            self._of_thread.connection = connection
        return connection


class CrashConnector(Connector):
    """What the three kinds share: opening, and reading rows and verdicts."""

    kind = Kind.AD_PLATFORM
    title = "Remote platform"
    consent = ("ads",)
    in_flight: ClassVar[int] = 1
    asynchronous: ClassVar[bool] = False
    ids_last: ClassVar[timedelta | None] = None
    lists_members = timedelta(0)

    def __init__(
        self, port: int, identity: Identity, max_rows: int, settles_after: timedelta = timedelta(0)
    ) -> None:
        super().__init__("platform", None)
        self.wire = Wire(port)
        self.identity = identity
        self.limits = Limits(
            max_rows=max_rows,
            max_in_flight=self.in_flight,
            asynchronous=self.asynchronous,
            settles_after=settles_after,
            exact_counts=True,
            ids_last=self.ids_last,
        )

    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        said = self.wire.call("open", known=request.known_id, marker=request.marker)
        return Audience(said["id"], request.name)

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        return self.edit(audience, handles(rows), batch)

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        return self.edit(audience, handles(rows), batch)

    def members(self, audience: Audience) -> Iterator[Sequence[Present]]:
        rows = self.wire.call("listing", audience=audience.id)["rows"]
        names = [column.name for column in self.identity.handle]
        for start in range(0, len(rows), ROWS_OF_A_PAGE):
            page = rows[start : start + ROWS_OF_A_PAGE]
            yield [Present(None, dict(zip(names, row, strict=True))) for row in page]

    def edit(self, audience: Audience, rows: list[Handle], batch: Batch) -> Receipt:
        """Change an audience in this kind's way."""
        raise NotImplementedError


class DirectConnector(CrashConnector):
    """One request a batch, applied when it is answered; two under way at once. Everybody has an id of its own."""

    in_flight = 2
    ids_last = timedelta(days=30)

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        receipt, known = super().add(audience, rows, batch), self._known(rows)
        learned = {n: remote_id(handle) for n, handle in enumerate(handles(rows)) if known[n] is None}
        return replace(receipt, learned=learned)

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        self._known(rows)
        return super().remove(audience, rows, batch)

    @staticmethod
    def _known(rows: pa.Table) -> list[str | None]:
        """The ids that are remembered. One that is somebody else's is a bug."""
        ids: list[str | None] = rows.column("remote_id").to_pylist()
        for known, handle in zip(ids, handles(rows), strict=True):
            # What others share is left out of a removal, so a part must do.
            assert known is None or all(part in known for part in handle if part)
        return ids

    def edit(self, audience: Audience, rows: list[Handle], batch: Batch) -> Receipt:
        said = self.wire.call("apply", op=batch.op, batch=batch.id, audience=audience.id, rows=rows)
        return Receipt("applied", batch.id, rejected_of(said), said["counted"])


class SessionConnector(CrashConnector):
    """A batch in several requests: a session is opened, filled part by part, and closed."""

    def edit(self, audience: Audience, rows: list[Handle], batch: Batch) -> Receipt:
        session = self.wire.call("begin", op=batch.op, batch=batch.id, audience=audience.id)["session"]
        rejected: dict[int, str] = {}
        counted = 0
        for start in range(0, len(rows), ROWS_OF_A_PART):
            part = rows[start : start + ROWS_OF_A_PART]
            try:
                said = self.wire.call("part", op=batch.op, session=session, rows=part)
            except Refused as error:
                raise self._of_the_batch(error, start) from error
            rejected |= {start + n: why for n, why in rejected_of(said).items()}
            counted += said["counted"]
        self.wire.call("finish", op=batch.op, session=session)
        return Receipt("applied", session, rejected, counted)

    @staticmethod
    def _of_the_batch(error: Refused, start: int) -> Exception:
        """A part's refusal, said of the batch: positions counted from its start, earlier parts applied already."""
        if isinstance(error, RowsRefused):
            return RowsRefused(str(error), {start + n: why for n, why in error.rows.items()})
        return error if start == 0 else Uncertain(f"{error} (earlier parts are applied)")


class JobConnector(CrashConnector):
    """A batch is accepted at once and worked off later; the verdict is asked for in the runs that follow."""

    in_flight = 2
    asynchronous = True

    def edit(self, audience: Audience, rows: list[Handle], batch: Batch) -> Receipt:
        said = self.wire.call("submit", op=batch.op, batch=batch.id, audience=audience.id, rows=rows)
        return Receipt("accepted", said["job"])

    def poll(self, audience: Audience, reference: str) -> Receipt:
        said = self.wire.call("poll", job=reference)
        if "failed" in said:
            raise JobFailed("the job failed")
        if "pending" in said:
            return Receipt("accepted", reference)
        return Receipt("applied", reference, rejected_of(said), said["counted"])


KINDS: dict[str, type[CrashConnector]] = {
    "direct": DirectConnector,
    "session": SessionConnector,
    "job": JobConnector,
}


def remote_id(handle: Handle) -> str:
    """The platform's own id of somebody."""
    return f"id of {handle[0]} {handle[1]}"


def handles(rows: pa.Table) -> list[Handle]:
    """The identifiers of rows, in order."""
    return list(zip(rows.column("EMAIL").to_pylist(), rows.column("PHONE").to_pylist(), strict=True))


def rejected_of(said: dict[str, Any]) -> dict[int, str]:
    """Row positions and reasons."""
    return {int(position): reason for position, reason in said["rejected"].items()}
