"""The thread that works off Mailchimp batches, one at a time, while the server runs."""

from __future__ import annotations

import threading

from connectors.sandbox import clock
from connectors.sandbox.mailchimp import batches
from connectors.sandbox.mailchimp.api import MailchimpApi
from connectors.sandbox.store import Store
from connectors.sandbox.switches import read_switches

IDLE_SECONDS = 0.05


class BatchWorker:
    """Starts with the server, takes up what an earlier server left unfinished, stops with the server."""

    def __init__(self, store: Store, api: MailchimpApi) -> None:
        self._store = store
        self._api = api
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to work."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, name="sandbox-batches", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the operation under way and end."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while not self._stopping.is_set():
            batch = batches.next_unfinished(self._store)
            if batch is None:
                self._stopping.wait(IDLE_SECONDS)
                continue
            if batches.advance(self._store, batch, "preprocessing") and self._wait_before_start():
                batches.run(self._store, batch, self._api.perform, self._stopping.is_set)

    def _wait_before_start(self) -> bool:
        """Wait as long as the switch says at each moment, by the sandbox's clock; False when the server stops."""
        with self._store.reading() as db:
            began = clock.now(db)
        while not self._stopping.is_set():
            with self._store.reading() as db:
                left = began + read_switches(db).mailchimp_batch_seconds - clock.now(db)
            if left <= 0:
                return True
            self._stopping.wait(min(left, IDLE_SECONDS))
        return False
