"""Klaviyo: lists of an account."""

from connectors.klaviyo.connector import KlaviyoConnector

__all__ = ["KlaviyoConnector"]
