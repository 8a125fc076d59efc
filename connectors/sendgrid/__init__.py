"""SendGrid (Twilio) as a destination: contact lists of Marketing Campaigns, by its v3 API."""

from connectors.sendgrid.connector import SendGridConnector

__all__ = ["SendGridConnector"]
