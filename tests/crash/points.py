"""The crash points, read from the code: every commit to journal or ledger, every request to a platform.

Nothing is listed by hand, so a boundary that somebody adds is a point at once, and the test of this list fails
until a scenario passes there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOMS = [Path(__file__).parents[2] / "pipelines" / room for room in ("delivery", "erasure")]

MOMENTS_OF_A_COMMIT = ("before", "open", "after")
MOMENTS_OF_A_REQUEST = ("before", "answered")

STORES = {
    "self._file": "journal",
    "self.file": "journal",
    "self.journal": "journal",
    "self": "ledger",
    "ledger": "ledger",
    "self.ledger": "ledger",
    "self.store": "ledger",
    "outbox.ledger": "ledger",
}
"""Whose ``commit`` is called, by the expression before the dot."""

VARIABLES = {"op": ("add", "remove"), "batch.op": ("add", "remove")}
"""What the expressions inside a boundary's name can be."""

STORES_OWN = ("journal_file.py", "boundaries.py")
"""Where commits and requests are made of boundaries, for every name."""


class UnknownBoundary(Exception):
    """A boundary whose name can't be told from the code; this module has to learn it."""


def crash_points() -> frozenset[str]:
    """The names of all boundaries of delivery, ``store.step.moment``.

    Raises UnknownBoundary for a call that is not understood, so that none is passed over in silence.
    """
    return frozenset(
        point
        for room in ROOMS
        for path in sorted(room.rglob("*.py"))
        if path.name not in STORES_OWN
        for point in points_of(path)
    )


def points_of(path: Path) -> Iterator[str]:
    """The boundaries in one file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield from _points_of_call(path, node)


def _points_of_call(path: Path, call: ast.Call) -> Iterator[str]:
    called = ast.unparse(call.func)
    receiver, _, name = called.rpartition(".")
    if name == "commit" and call.args:
        if receiver not in STORES:
            raise UnknownBoundary(f"{path.name}:{call.lineno}: whose commit is {called}? Say it in STORES")
        for step in _texts(path, call.args[0]):
            yield from (f"{STORES[receiver]}.{step}.{moment}" for moment in MOMENTS_OF_A_COMMIT)
    elif called in ("request", "boundaries.request"):
        for step in _texts(path, call.args[0]):
            yield from (f"platform.{step}.{moment}" for moment in MOMENTS_OF_A_REQUEST)
    elif called in ("reached", "boundaries.reached") and not _is_of_any_commit(call.args[0]):
        yield from _texts(path, call.args[0])


def _is_of_any_commit(name: ast.expr) -> bool:
    """``reached(f"ledger.{name}.open")``: the moment inside every commit, counted with each of them."""
    return ast.unparse(name).strip("f'\"").endswith("{name}.open")


def _texts(path: Path, name: ast.expr) -> list[str]:
    """Every text that a boundary's name can be."""
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        return [name.value]
    if isinstance(name, ast.JoinedStr):
        texts = [""]
        for part in name.values:
            choices: tuple[str, ...] = ()
            if isinstance(part, ast.Constant):
                choices = (str(part.value),)
            elif isinstance(part, ast.FormattedValue):
                choices = VARIABLES.get(ast.unparse(part.value), ())
            texts = [text + choice for text in texts for choice in choices]
        if texts:
            return texts
    raise UnknownBoundary(
        f"{path.name}:{name.lineno}: the name {ast.unparse(name)} can't be read from the code"
    )
