"""What the contract needs of a connector under test: the connector, and a platform that can be steered and asked."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import pyarrow as pa

from connectors.base import Audience, Connector, SyncOptions


class Trouble(StrEnum):
    """What a platform can be told to do to membership requests."""

    THROTTLED = "429 with Retry-After 7, nothing applied"
    ANSWER_LOST = "applied, then the connection closes without an answer"
    BROKEN_ANSWER = "applied, then an empty 200"
    HTML_PAGE = "a gateway's HTML page with status 502"
    SIGNED_OUT = "the credential is refused"
    SECOND_ROW_REFUSED = "the row at position 1 is not taken, the others are"


class Rig(Protocol):
    """A connector and its platform, fresh for each test."""

    connector: Connector
    options: SyncOptions
    pauses: list[float]
    """Seconds the connector has slept, in a time that costs nothing (``FastTime``)."""
    secrets: tuple[str, ...]
    """Texts that must not appear in an error."""

    def people(self, count: int) -> pa.Table:
        """Distinct people as the engine would hand them to ``add``."""
        ...

    def members(self, audience: Audience) -> int:
        """How many people the platform itself holds in the audience."""
        ...

    def requests(self) -> int:
        """How many membership requests have reached the platform."""
        ...

    def cause(self, trouble: Trouble, times: int | None) -> bool:
        """Let the next ``times`` membership requests (None: all) meet trouble; False if it cannot happen here."""
        ...

    def delete(self, audience: Audience) -> None:
        """Delete the audience behind the connector's back."""
        ...

    def unreachable(self) -> Connector | None:
        """The same connector for an address where nobody listens; None if it needs no network."""
        ...
