"""Progress of a push in the run's log: few lines, each with a number."""

from __future__ import annotations

import logging
import time

QUIET_SECONDS = 5.0
"""A line at most this often; each line is an event that Dagster stores."""


class Progress:
    """Called by the push after each request; see ``pipelines.delivery.model.Watch``."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._told = 0.0

    def __call__(self, destination: str, segment: str, op: str, done: int, total: int) -> None:
        """Tell, unless something was told a moment ago."""
        now = time.monotonic()
        if now - self._told < QUIET_SECONDS:
            return
        self._told = now
        self._log.info(f"{destination}/{segment}: {op}, {done} of {total} requests answered")
