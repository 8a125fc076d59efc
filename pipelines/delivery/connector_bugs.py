"""A connector that fails in a way that it does not declare: its audience's failure, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.base import Connector, DeliveryError


@contextmanager
def told_by_kind(connector: Connector) -> Iterator[None]:
    """Turn what a connector should not raise into a DeliveryError that names its kind.

    The text is left out: a library's message may quote a row, an address or a credential.
    """
    try:
        yield
    except DeliveryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the neighbours are pushed
        raise DeliveryError(f"{type(error).__name__} in the {connector.title} connector") from None
