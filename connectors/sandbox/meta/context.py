"""What every handler of the Graph API gets, and the two checks that most of them share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connectors.sandbox.meta.errors import TERMS_NOT_ACCEPTED, GraphRefusal, invalid
from connectors.sandbox.meta.parameters import Parameters
from connectors.sandbox.store import Store
from connectors.sandbox.switches import Switches
from connectors.sandbox.wire import Call


@dataclass(frozen=True, slots=True)
class Context:
    """One call on its way through the platform."""

    store: Store
    call: Call
    parameters: Parameters
    switches: Switches

    def require_terms(self) -> None:
        """Raises GraphRefusal 200/1870090 while the Custom Audience terms are not accepted."""
        if not self.switches.meta_terms_accepted:
            raise GraphRefusal(TERMS_NOT_ACCEPTED)


def split_fields(wanted: str | None, known: Iterable[str], node: str) -> list[str]:
    """The names in a ``fields`` parameter. Raises GraphRefusal (#100) for one that the node does not have."""
    names = [name.strip() for name in (wanted or "").split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise GraphRefusal(invalid(f"Tried accessing nonexisting field ({name}) on node type ({node})"))
    return names
