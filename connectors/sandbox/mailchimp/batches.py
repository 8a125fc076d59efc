"""Batch operations: jobs that run one after the other and leave an archive of results behind."""

from __future__ import annotations

import gzip
import io
import secrets
import sqlite3
import tarfile
from collections.abc import Callable
from dataclasses import dataclass

import orjson
from pydantic import TypeAdapter

from connectors.sandbox import clock
from connectors.sandbox.mailchimp.contacts import moment
from connectors.sandbox.mailchimp.errors import INTERNAL_ERROR, NOT_FOUND, TOO_MANY_BATCHES, Refusal
from connectors.sandbox.mailchimp.requests import MAX_PENDING_BATCHES, Operation
from connectors.sandbox.store import Store
from connectors.sandbox.wire import ORDINARY, JobFate, Json, Reply

RESULTS_PER_FILE = 100
UNFINISHED = ("pending", "preprocessing", "started", "finalizing")

_OPERATIONS = TypeAdapter(list[Operation])


@dataclass(frozen=True, slots=True)
class BatchJob:
    """One job as stored."""

    id: str
    position: int
    status: str
    operations: str
    total_operations: int
    finished_operations: int
    errored_operations: int
    submitted_at: str
    completed_at: str | None
    results: bytes | None


def submit(db: sqlite3.Connection, operations: list[Operation], fate: JobFate) -> BatchJob:
    """Queue a job. Raises Refusal (429) when 500 are waiting already."""
    (waiting,) = db.execute("select count(*) from mailchimp_batches where status <> 'finished'").fetchone()
    if waiting >= MAX_PENDING_BATCHES:
        raise Refusal(TOO_MANY_BATCHES)
    batch_id = secrets.token_hex(5)
    db.execute(
        """
        insert into mailchimp_batches (id, position, status, operations, total_operations, submitted_at)
        values (?, (select coalesce(max(position) + 1, 1) from mailchimp_batches), 'pending', ?, ?, ?)
        """,
        (batch_id, _OPERATIONS.dump_json(operations).decode(), len(operations), moment()),
    )
    if fate != ORDINARY:
        starts_at = None if fate.never_ends else clock.now(db) + fate.seconds_later
        db.execute("insert into mailchimp_batch_fates values (?, ?, ?)", (batch_id, starts_at, fate.fails))
    return require(db, batch_id)


def require(db: sqlite3.Connection, batch_id: str) -> BatchJob:
    """One job. Raises Refusal (404)."""
    row = db.execute("select * from mailchimp_batches where id = ?", (batch_id,)).fetchone()
    if row is None:
        raise Refusal(NOT_FOUND)
    return BatchJob(**dict(row))


def page(db: sqlite3.Connection, count: int, offset: int) -> tuple[list[BatchJob], int]:
    """Jobs, newest first, and how many there are in all."""
    (total,) = db.execute("select count(*) from mailchimp_batches").fetchone()
    rows = db.execute(
        "select * from mailchimp_batches order by position desc limit ? offset ?", (count, offset)
    )
    return [BatchJob(**dict(row)) for row in rows], total


def delete(db: sqlite3.Connection, batch: BatchJob) -> None:
    """Stop the job where it is and discard its results."""
    db.execute("delete from mailchimp_batches where id = ?", (batch.id,))


def next_unfinished(store: Store) -> BatchJob | None:
    """The job whose turn it is: batches run one at a time, in the order they came; a fault can hold one back."""
    with store.reading() as db:
        row = db.execute(
            """
            select batches.*
            from mailchimp_batches as batches
            left join mailchimp_batch_fates as fates on fates.batch = batches.id
            where batches.status <> 'finished'
              and (fates.batch is null or fates.starts_at <= ?)
            order by batches.position
            limit 1
            """,
            (clock.now(db),),
        ).fetchone()
    return BatchJob(**dict(row)) if row else None


def advance(store: Store, batch: BatchJob, status: str) -> bool:
    """Move a job to its next status; False when it was deleted meanwhile."""
    with store.writing() as db:
        return bool(
            db.execute("update mailchimp_batches set status = ? where id = ?", (status, batch.id)).rowcount
        )


def run(
    store: Store, batch: BatchJob, perform: Callable[[Operation], Reply], stopping: Callable[[], bool]
) -> None:
    """Perform every operation and keep the results. A job that was cut short runs again from the start.

    A job that a fault lets fail performs nothing: each operation's result is an internal error.
    """
    if _fails(store, batch):
        perform = _fail
    operations = _OPERATIONS.validate_json(batch.operations)
    results: list[dict[str, Json]] = []
    errored = 0
    if not advance(store, batch, "started"):
        return
    for number, operation in enumerate(operations, start=1):
        if stopping():
            return
        reply = perform(operation)
        errored += reply.status >= 400
        results.append(
            {
                "status_code": reply.status,
                "operation_id": operation.operation_id,
                "response": reply.body.decode() if reply.body else "",
            }
        )
        if number % RESULTS_PER_FILE == 0 and not _note_progress(store, batch, number, errored):
            return
    if not advance(store, batch, "finalizing"):
        return
    with store.writing() as db:
        db.execute(
            """
            update mailchimp_batches
            set status = 'finished', finished_operations = ?, errored_operations = ?, completed_at = ?, results = ?
            where id = ?
            """,
            (len(operations), errored, moment(), archive(batch.id, results), batch.id),
        )


def _fails(store: Store, batch: BatchJob) -> bool:
    with store.reading() as db:
        row = db.execute("select fails from mailchimp_batch_fates where batch = ?", (batch.id,)).fetchone()
    return row is not None and bool(row["fails"])


def _fail(_: Operation) -> Reply:
    return INTERNAL_ERROR.reply()


def _note_progress(store: Store, batch: BatchJob, finished: int, errored: int) -> bool:
    with store.writing() as db:
        return bool(
            db.execute(
                "update mailchimp_batches set finished_operations = ?, errored_operations = ? where id = ?",
                (finished, errored, batch.id),
            ).rowcount
        )


def archive(batch_id: str, results: list[dict[str, Json]]) -> bytes:
    """A gzipped tar: a folder, and in it JSON files with results in an order of their own.

    The real archive promises no order either, so results are dealt out to the files like cards.
    """
    files = max(1, -(-len(results) // RESULTS_PER_FILE))
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        folder = tarfile.TarInfo("./")
        folder.type = tarfile.DIRTYPE
        folder.mode = 0o755
        tar.addfile(folder)
        for number in range(files):
            content = orjson.dumps(results[number::files])
            entry = tarfile.TarInfo(f"./{batch_id}-{number}.json")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), compresslevel=1)
