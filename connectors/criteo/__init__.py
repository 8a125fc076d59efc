"""Criteo: contact lists of an advertiser."""

from connectors.criteo.connector import CriteoConnector, CriteoOptions

__all__ = ["CriteoConnector", "CriteoOptions"]
