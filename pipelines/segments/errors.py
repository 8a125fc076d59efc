"""What is wrong with a segment, said so that its author can repair it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class SegmentError(Exception):
    """A segment that cannot be loaded or computed.

    The message reads ``folder/file.sql:line:column: what was found; what was meant or expected; what to do``.
    It never holds a value from the warehouse, only what the segment's own file says.
    """

    def __init__(
        self,
        path: Path,
        found: str,
        *,
        line: int | None = None,
        column: int | None = None,
        nearest: str | None = None,
        expected: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.path = path
        self.line = line
        self.column = column
        self.found = found
        self.nearest = nearest
        self.expected = expected
        self.fix = fix
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        # The folder and the file say enough, and keep a machine's own paths out of logs and pages.
        place = "/".join([self.path.parent.name, self.path.name]).lstrip("/")
        for number in (self.line, self.column):
            if number is not None:
                place += f":{number}"
        parts = [
            self.found,
            f"did you mean {self.nearest!r}?" if self.nearest else None,
            f"expected {self.expected}" if self.expected else None,
            self.fix,
        ]
        return f"{place}: " + "; ".join(part for part in parts if part)


def nearest(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """The known name that looks most like ``name``, None when nothing comes as close as ``likeness``."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=likeness)
    return by_lower[close[0]] if close else None
