"""HubSpot: contacts in static lists, by the CRM API."""

from connectors.hubspot.connector import HubSpotConnector

__all__ = ["HubSpotConnector"]
