"""Customer.io: manual segments of a workspace."""

from connectors.customerio.connector import CustomerioConnector

__all__ = ["CustomerioConnector"]
