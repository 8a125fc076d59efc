"""Ctrl-C ends a command in one way, whichever library it meets at work."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def told_once() -> Iterator[None]:
    """An interrupt leaves the block as KeyboardInterrupt, never as something else.

    DuckDB, when the signal comes in the midst of a query, raises a RuntimeError of its own instead.
    """
    came = False

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal came
        came = True
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    except RuntimeError as error:
        if not came:
            raise
        raise KeyboardInterrupt from error
    finally:
        signal.signal(signal.SIGINT, before)
