"""Google Ads and Display & Video 360: Customer Match lists by the Data Manager API."""

from connectors.google.connector import GoogleConnector

__all__ = ["GoogleConnector"]
