"""What every test of the crash cases proves, and how long it may take."""

from __future__ import annotations

import pytest

SURVIVED = [
    pytest.mark.fault(
        "F37",
        injected="SIGKILL at boundaries of delivery, and from the platform while it has the request",
        outcome="nobody lost, nobody claimed who is not there; the next run ends with exactly the desired people",
    ),
    pytest.mark.fault(
        "F39",
        injected="the recovering run is killed too, at the same boundary or any other",
        outcome="the run after it ends with exactly the desired people",
    ),
    pytest.mark.fault(
        "F38",
        injected="SIGTERM at boundaries of delivery, by its default and as the interrupt that Dagster makes of it",
        outcome="the process has ended within ten seconds, and the next run ends with exactly the desired people",
    ),
    pytest.mark.timeout(1800),
    pytest.mark.promise("converges", "never_lost", "never_claimed", "closes"),
]
"""Marks of a test that plays scenarios with the process ended at every moment, in every way."""
