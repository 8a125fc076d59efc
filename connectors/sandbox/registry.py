"""Every platform that is played in the common way; Meta, Mailchimp and the practice platform have their own."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.sandbox.ads.registry import AD_PLATFORMS
from connectors.sandbox.email.registry import EMAIL_PLATFORMS
from connectors.sandbox.played import PlayedPlatform
from connectors.sandbox.wire import Platform

PLAYED: Mapping[Platform, type[PlayedPlatform]] = {**AD_PLATFORMS, **EMAIL_PLATFORMS}
"""By name."""
