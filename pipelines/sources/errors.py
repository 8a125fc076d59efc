"""What is wrong with a source, said so that its owner can repair it; never with a value from its rows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SourceError(Exception):
    """A source that cannot be loaded, or a declaration that cannot be read.

    The message reads ``where: what was found; what to do``. Rows are named by number only.
    """

    def __init__(self, where: str, found: str, fix: str | None = None) -> None:
        self.where = where
        self.found = found
        self.fix = fix
        super().__init__(f"{where}: {found}" + (f"; {fix}" if fix else ""))


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """``did you mean 'x'?`` for the known name that looks most like ``name``, None when nothing is close."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.6)
    return f"did you mean {by_lower[close[0]]!r}?" if close else None


def row_list(rows: Iterable[str]) -> str:
    """Row numbers as prose: ``rows 3, 17 and 20``."""
    listed = list(rows)
    if len(listed) == 1:
        return f"row {listed[0]}"
    return f"rows {', '.join(listed[:-1])} and {listed[-1]}"
