"""Meta (Facebook, Instagram): customer-file custom audiences by the Marketing API."""

from connectors.meta.connector import MetaConnector

__all__ = ["MetaConnector"]
