"""Iterable: static lists of one project's users."""

from connectors.iterable.connector import IterableConnector

__all__ = ["IterableConnector"]
