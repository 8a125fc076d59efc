"""Rules, warehouse, ledger and late copies, with the process killed at every moment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.crash.deaths import SURVIVED
from tests.crash.scenarios import FOUNDATIONS
from tests.crash.tally import tell
from tests.crash.theatre import Theatre, plays

pytestmark = SURVIVED


@pytest.mark.parametrize(("kind", "name"), plays(FOUNDATIONS))
def test_what_everything_stands_on_survives(
    kind: str, name: str, theatre: Theatre, record_property: Any
) -> None:
    """Wherever the process dies while the ground moves, what comes after leads to exactly the desired people."""
    tell(theatre.play(kind, FOUNDATIONS.scenarios[name]), record_property)
