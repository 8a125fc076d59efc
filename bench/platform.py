"""A connector for the sink: one hashed e-mail a person, a flat list a request, as lean as a platform can be."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import requests

from bench.warehouse import PURPOSE, SEGMENT
from connectors.base import (
    Audience,
    AudienceRequest,
    Batch,
    Connector,
    ConnectorSettings,
    Kind,
    Limits,
    Receipt,
    SyncOptions,
)
from connectors.http import Http
from connectors.identity import Column, Identity
from connectors.rules.email import EMAIL
from pipelines.delivery.delivery import deliver
from pipelines.delivery.guards import Bounds
from pipelines.delivery.model import Account, Delivery, Push, Run
from pipelines.segments.model import Sync
from pipelines.warehouse import DuckDBEngine

PORT = 8799


class SinkConnector(Connector):
    """Adds and removes by one POST each."""

    kind = Kind.AD_PLATFORM
    title = "Sink"
    settings_type = ConnectorSettings
    consent = (PURPOSE,)
    identity = Identity("sink", 1, (Column("EMAIL", EMAIL, "sha256_hex", identifies=True),))

    def __init__(self, max_in_flight: int, max_rows: int = 10_000) -> None:
        super().__init__("sink", None)
        self.limits = Limits(max_rows=max_rows, max_in_flight=max_in_flight)
        self.http = Http(f"http://127.0.0.1:{PORT}", lambda request: request, max_in_flight, "Sink")

    def open_audience(self, request: AudienceRequest, options: SyncOptions) -> Audience:
        return Audience("1", request.name)

    def add(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        return self._post("/add", rows)

    def remove(self, audience: Audience, rows: pa.Table, batch: Batch) -> Receipt:
        return self._post("/remove", rows)

    def _post(self, path: str, rows: pa.Table) -> Receipt:
        data = rows.column("EMAIL").to_pylist()
        self.http.send("POST", path, lambda answer: None, body=lambda attempt: {"data": data})
        return Receipt("applied")


@contextmanager
def sink(latency: float) -> Iterator[None]:
    """The sink's process, ready to answer."""
    process = subprocess.Popen([sys.executable, "-m", "bench.sink", str(PORT), str(latency)])
    try:
        for _ in range(100):
            try:
                requests.post(f"http://127.0.0.1:{PORT}/", data=b"", timeout=5)
                break
            except requests.ConnectionError:
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


def push(
    warehouse: Path, state: Path, *, max_in_flight: int = 16, memory: str = "300MB", max_rows: int = 10_000
) -> Delivery:
    """One push of the benchmark's segment."""
    connector = SinkConnector(max_in_flight, max_rows)
    account = Account(
        connector,
        lambda: DuckDBEngine(warehouse, read_only=True, memory_limit=memory),
        state,
        lock_wait_seconds=0,
        retry_rejected_after=timedelta(days=7),
        duckdb_config={"memory_limit": memory},
    )
    bounds = Bounds(max_removed=1.0, max_growth=1e9, floor=0, max_age_days=100_000)
    today = date.today()
    one = Push(SEGMENT, Sync("sink", "Everybody"), SyncOptions(), bounds)
    delivery = deliver(account, [one], Run("bench", today))[0]
    connector.close()
    if not delivery.ok:
        raise SystemExit(f"the push failed: {delivery.sentence} {delivery.errors}")
    return delivery
