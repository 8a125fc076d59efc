"""The email and CRM tools that this sandbox plays, besides Mailchimp."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.sandbox.email.activecampaign import ActiveCampaignPlatform
from connectors.sandbox.email.braze import BrazePlatform
from connectors.sandbox.email.brevo import BrevoPlatform
from connectors.sandbox.email.customerio import CustomerIoPlatform
from connectors.sandbox.email.hubspot import HubSpotPlatform
from connectors.sandbox.email.iterable import IterablePlatform
from connectors.sandbox.email.klaviyo import KlaviyoPlatform
from connectors.sandbox.email.platform import EmailPlatform
from connectors.sandbox.email.sendgrid import SendGridPlatform
from connectors.sandbox.wire import Platform

_PLAYED: tuple[type[EmailPlatform], ...] = (
    ActiveCampaignPlatform,
    BrazePlatform,
    BrevoPlatform,
    CustomerIoPlatform,
    HubSpotPlatform,
    IterablePlatform,
    KlaviyoPlatform,
    SendGridPlatform,
)

EMAIL_PLATFORMS: Mapping[Platform, type[EmailPlatform]] = {played.platform: played for played in _PLAYED}
"""By name."""
