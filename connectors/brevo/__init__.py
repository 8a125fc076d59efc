"""Brevo: contacts in lists, by API v3."""

from connectors.brevo.connector import BrevoConnector

__all__ = ["BrevoConnector"]
