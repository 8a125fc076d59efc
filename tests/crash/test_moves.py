"""Who comes and goes, with the process killed at every moment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.crash.deaths import SURVIVED
from tests.crash.scenarios import MOVES
from tests.crash.tally import tell
from tests.crash.theatre import Theatre, plays

pytestmark = SURVIVED


@pytest.mark.parametrize(("kind", "name"), plays(MOVES))
def test_whoever_comes_or_goes_is_neither_lost_nor_kept(
    kind: str, name: str, theatre: Theatre, record_property: Any
) -> None:
    """Wherever the process dies while people come and go, what comes after leads to exactly the desired people."""
    tell(theatre.play(kind, MOVES.scenarios[name]), record_property)
