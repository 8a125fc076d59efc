"""Who asks for something, why, and what they let pass."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.delivery.guards import Overrides


@dataclass(frozen=True, slots=True)
class Operator:
    """Recorded with everything that is done for them."""

    who: str
    why: str
    accept_removals: bool = False
    accept_growth: bool = False

    @property
    def overrides(self) -> Overrides:
        """What they let pass, as guards take it."""
        return Overrides(self.accept_removals, self.accept_growth, self.who, self.why)
