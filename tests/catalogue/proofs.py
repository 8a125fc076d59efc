"""Which tests prove which entries: read from the markers of the collected test suite."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from tests.catalogue.entries import Kind


@dataclass(frozen=True, slots=True)
class Proof:
    """One test function that carries a marker for one entry."""

    kind: Kind
    id: str
    file: str
    test: str
    injected: str | None = None
    """How a fault is brought about (faults only)."""
    outcome: str | None = None
    """What must come of it (faults only)."""


Proofs = Counter[Proof]
"""Each proof with the number of its cases: one, or as many parameters as carry the marker."""


class CannotCollect(Exception):
    """pytest could not collect the suite; the text is what it said."""


@dataclass(slots=True, eq=False)
class Collector:
    """A pytest plugin that keeps what the markers of all items say."""

    found: Proofs = field(default_factory=Counter)

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Note every catalogue marker of one test, or of one case of it."""
        self.found.update(set(_proofs_of(item)))


def _proofs_of(item: pytest.Item) -> Iterator[Proof]:
    file, _, test = item.nodeid.partition("[")[0].partition("::")
    for kind in Kind:
        for marker in item.iter_markers(kind.value):
            for id_ in marker.args:
                yield Proof(
                    kind,
                    str(id_),
                    file,
                    test.replace("::", "."),
                    marker.kwargs.get("injected"),
                    marker.kwargs.get("outcome"),
                )


def collect(arguments: Sequence[str] = ()) -> Proofs:
    """The proofs in the whole suite, or in what ``arguments`` name. Raises CannotCollect.

    Runs pytest in this process, which must not be running it already.
    """
    collector = Collector()
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = pytest.main(
            ["--collect-only", "-qq", "-p", "no:cacheprovider", *arguments], plugins=[collector]
        )
    if code != pytest.ExitCode.OK:
        raise CannotCollect(said.getvalue())
    return collector.found
