"""Calls about batches, and the signed address from which their results are fetched."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sqlite3

from connectors.sandbox import clock
from connectors.sandbox.mailchimp import batches
from connectors.sandbox.mailchimp.batches import BatchJob
from connectors.sandbox.mailchimp.context import Context
from connectors.sandbox.mailchimp.field_selection import select
from connectors.sandbox.mailchimp.requests import CreateBatch, Fields, NoQuery, Page
from connectors.sandbox.store import Store
from connectors.sandbox.wire import Call, Json, Reply, json_reply

RESULT_URL_SECONDS = 600
"""An address for results works this long; reading the batch again gives a new one."""


def create_batch(context: Context) -> Reply:
    """``POST /batches``."""
    context.query(NoQuery)
    wish = context.body(CreateBatch)
    with context.store.writing() as db:
        document = _document(db, context.call, batches.submit(db, wish.operations, context.call.fate))
    return json_reply(document, rows=len(wish.operations), outcome=f"batch of {len(wish.operations)} queued")


def read_batches(context: Context) -> Reply:
    """``GET /batches``."""
    wish = context.query(Page)
    with context.store.writing() as db:
        found, total = batches.page(db, wish.count, wish.offset)
        shown: list[Json] = [_document(db, context.call, batch) for batch in found]
    document: dict[str, Json] = {"batches": shown, "total_items": total}
    return json_reply(select(document, wish), outcome=f"{len(shown)} of {total} batches read")


def read_batch(context: Context, batch_id: str) -> Reply:
    """``GET /batches/{batch_id}``."""
    wish = context.query(Fields)
    with context.store.writing() as db:
        batch = batches.require(db, batch_id)
        document = _document(db, context.call, batch)
    return json_reply(select(document, wish), outcome=f"batch is {batch.status}")


def delete_batch(context: Context, batch_id: str) -> Reply:
    """``DELETE /batches/{batch_id}``."""
    context.expect_nothing()
    with context.store.writing() as db:
        batches.delete(db, batches.require(db, batch_id))
    return Reply(204, outcome="batch deleted")


def fetch_results(store: Store, call: Call, batch_id: str) -> Reply:
    """The archive behind ``response_body_url``: no key, but a signature that ends after ten minutes."""
    expires = call.query.get("expires", "")
    with store.writing() as db:
        wanted = _signature(db, batch_id, expires)
        now = clock.now(db)
        row = db.execute("select results from mailchimp_batches where id = ?", (batch_id,)).fetchone()
    signed = hmac.compare_digest(wanted.encode(), call.query.get("signature", "").encode())
    if not signed or not expires.isdecimal() or int(expires) < now:
        denied = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
        return Reply(403, denied, content_type="application/xml", outcome="refused: results link expired")
    if row is None or row["results"] is None:
        missing = b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"
        return Reply(404, missing, content_type="application/xml", outcome="refused: no results")
    return Reply(200, row["results"], content_type="application/x-gzip", outcome="batch results fetched")


def _document(db: sqlite3.Connection, call: Call, batch: BatchJob) -> dict[str, Json]:
    document: dict[str, Json] = {
        "id": batch.id,
        "status": batch.status,
        "total_operations": batch.total_operations,
        "finished_operations": batch.finished_operations,
        "errored_operations": batch.errored_operations,
        "submitted_at": batch.submitted_at,
        "response_body_url": "",
    }
    if batch.completed_at is not None:
        expires = str(int(clock.now(db)) + RESULT_URL_SECONDS)
        signature = _signature(db, batch.id, expires)
        host = call.base_url.removesuffix("/3.0")
        document["completed_at"] = batch.completed_at
        document["response_body_url"] = (
            f"{host}/batch-results/{batch.id}.tar.gz?expires={expires}&signature={signature}"
        )
    return document


def _signature(db: sqlite3.Connection, batch_id: str, expires: str) -> str:
    db.execute("insert or ignore into secrets values ('batch results', ?)", (secrets.token_bytes(32),))
    (key,) = db.execute("select value from secrets where name = 'batch results'").fetchone()
    return hmac.new(key, f"{batch_id}:{expires}".encode(), hashlib.sha256).hexdigest()
