"""Mailchimp: tags on the contacts of one list, by the Marketing API 3.0."""

from connectors.mailchimp.connector import MailchimpConnector

__all__ = ["MailchimpConnector"]
