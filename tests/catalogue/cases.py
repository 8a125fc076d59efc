"""Parameters from tables whose rows say which bad inputs they prove."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

_ENTRIES = re.compile(r"(?:B\d{2,3} )*")


def named(table: Mapping[str, Any]) -> list[Any]:
    """One case a row of ``{"B56 B57 what it is": (values, …)}``, marked by the entries that its name begins with."""
    return [
        pytest.param(*(values if isinstance(values, tuple) else (values,)), id=name, marks=_marks(name))
        for name, values in table.items()
    ]


def listed(rows: Iterable[tuple[Any, ...]]) -> list[Any]:
    """One case a row of ``("B56 B57", values, …)``, marked by its first value, which the test is not given."""
    return [pytest.param(*values, marks=_marks(f"{entries} ")) for entries, *values in rows]


def _marks(name: str) -> list[Any]:
    """The mark for the entries at the beginning of a name; none when it begins with none."""
    found = _ENTRIES.match(name)
    return [pytest.mark.bad_input(*found[0].split())] if found and found[0] else []
