"""Guards, opt-outs, resync and renaming, with the process killed at every moment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.crash.deaths import SURVIVED
from tests.crash.scenarios import DECISIONS
from tests.crash.tally import tell
from tests.crash.theatre import Theatre, plays

pytestmark = SURVIVED


@pytest.mark.parametrize(("kind", "name"), plays(DECISIONS))
def test_what_people_decide_survives(kind: str, name: str, theatre: Theatre, record_property: Any) -> None:
    """Wherever the process dies while it carries out what people decided, what comes after carries it out."""
    tell(theatre.play(kind, DECISIONS.scenarios[name]), record_property)
