"""Who comes and goes, with the process killed at every moment."""

from __future__ import annotations

from typing import Any

import pytest

from tests.crash.scenarios import MOVES
from tests.crash.tally import tell
from tests.crash.theatre import Theatre, plays


@pytest.mark.fault(
    "F37",
    injected="SIGKILL at boundaries of delivery, and from the platform while it has the request",
    outcome="nobody lost, nobody claimed who is not there; the next run ends with exactly the desired people",
)
@pytest.mark.fault(
    "F39",
    injected="the recovering run is killed too, at the same boundary or any other",
    outcome="the run after it ends with exactly the desired people",
)
@pytest.mark.fault(
    "F38",
    injected="SIGTERM at boundaries of delivery, by its default and as the interrupt that Dagster makes of it",
    outcome="the process has ended within ten seconds, and the next run ends with exactly the desired people",
)
@pytest.mark.timeout(1800)
@pytest.mark.promise("converges", "never_lost", "never_claimed", "closes")
@pytest.mark.parametrize(("kind", "name"), plays(MOVES))
def test_whoever_comes_or_goes_is_neither_lost_nor_kept(
    kind: str, name: str, theatre: Theatre, record_property: Any
) -> None:
    """Wherever the process dies while people come and go, what comes after leads to exactly the desired people."""
    tell(theatre.play(kind, MOVES.scenarios[name]), record_property)
