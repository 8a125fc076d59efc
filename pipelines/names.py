"""Names that operators write: one that is not defined is answered with the nearest that is."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches


class UnknownName(LookupError):
    """A segment, destination or audience that is not defined; the sentence names the nearest."""


def unknown_name(what: str, name: str, known: Sequence[str]) -> UnknownName:
    """The error to raise when ``name`` is none of the ``known`` names of such a thing."""
    close = get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    listed = ", ".join(sorted(set(known))) or "none are defined"
    return UnknownName(f"there is no {what} {name!r}{hint} Known: {listed}")
