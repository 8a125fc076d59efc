"""What every installed connector can do, read from what it declares: nobody has to sign in for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from connectors.base import Connector, Kind, Verdicts
from connectors.registry import available, load


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One connector under its default settings."""

    name: str
    title: str
    kind: Kind
    adds: bool
    removes: bool
    identifiers: tuple[str, ...]
    batch: int
    """People in one batch."""
    verdicts: Verdicts
    asynchronous: bool
    expiry_days: int | None
    """Days after which members leave unless they are sent again; None: never, unless an option says so."""
    min_size: int
    """Fewer people than this are useless there."""
    read_back: bool
    tells_unreachable: bool
    """It tells who unsubscribed or bounced: `turnout pull`."""
    forbids: tuple[str, ...]
    """Sensitive categories that the platform takes no audiences of."""


def all_capabilities() -> Iterator[Capabilities]:
    """Every installed connector, by name. Raises NotAConnector for a faulty announcement."""
    for name in available():
        yield capabilities_of(name, load(name))


def capabilities_of(name: str, connector: type[Connector]) -> Capabilities:
    """What a connector declares under its default settings."""
    # Nothing without a default is asked for, so the settings need not be complete.
    declared = connector.declare(connector.settings_type.model_construct())
    lifetime = declared.limits.expires_after
    return Capabilities(
        name=name,
        title=connector.title,
        kind=connector.kind,
        adds=True,
        removes=declared.limits.can_remove,
        identifiers=tuple(column.name for column in declared.identity.columns),
        batch=declared.limits.max_rows,
        verdicts=declared.limits.verdicts,
        asynchronous=declared.limits.asynchronous,
        expiry_days=None if lifetime is None else lifetime.days,
        min_size=declared.limits.min_size,
        read_back=connector.reads_back is not None,
        tells_unreachable=connector.tells_unreachable,
        forbids=tuple(sorted(connector.forbids)),
    )
