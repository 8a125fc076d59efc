"""ActiveCampaign as a destination: tags of contacts, by its API v3."""

from connectors.activecampaign.connector import ActiveCampaignConnector

__all__ = ["ActiveCampaignConnector"]
