"""Rows and requests that fail, with the process killed at every moment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.crash.deaths import SURVIVED
from tests.crash.scenarios import REFUSALS
from tests.crash.tally import tell
from tests.crash.theatre import Theatre, plays

pytestmark = SURVIVED


@pytest.mark.parametrize(("kind", "name"), plays(REFUSALS))
def test_what_fails_is_neither_lost_nor_claimed(
    kind: str, name: str, theatre: Theatre, record_property: Any
) -> None:
    """Wherever the process dies while rows or requests fail, what comes after accounts for everybody."""
    tell(theatre.play(kind, REFUSALS.scenarios[name]), record_property)
