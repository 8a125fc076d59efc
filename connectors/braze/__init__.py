"""Braze: boolean custom attributes on the profiles of one workspace."""

from connectors.braze.connector import BrazeConnector

__all__ = ["BrazeConnector"]
