"""What an account takes at a moment: how much its windows leave, and how long it is closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.base import Window


@dataclass(frozen=True, slots=True)
class Room:
    """What a window takes now, and when it takes more."""

    window: Window
    left: int
    coming: tuple[tuple[float, int], ...] = ()
    """Seconds from now, ascending, and how many requests more may leave then; with ``left`` the window's whole."""


@dataclass(frozen=True, slots=True)
class BudgetState:
    """What an account takes at a moment, as far as this machine knows."""

    at: datetime
    rooms: tuple[Room, ...] = ()
    closed_until: datetime | None = None
    """Nothing is taken before; None: open."""
    closed_because: str = ""
    patience: timedelta = timedelta(minutes=2)
    """The longest wait for a turn; when it would be longer, the account's run ends."""
    seconds_each: float | None = None
    """How long answers took of late; None before the first."""
