"""The ad platforms that this sandbox plays, besides Meta."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.sandbox.ads.criteo import CriteoPlatform
from connectors.sandbox.ads.google import GooglePlatform
from connectors.sandbox.ads.linkedin import LinkedInPlatform
from connectors.sandbox.ads.microsoft import MicrosoftPlatform
from connectors.sandbox.ads.pinterest import PinterestPlatform
from connectors.sandbox.ads.platform import AdPlatform
from connectors.sandbox.ads.reddit import RedditPlatform
from connectors.sandbox.ads.snapchat import SnapchatPlatform
from connectors.sandbox.ads.tiktok import TikTokPlatform
from connectors.sandbox.wire import Platform

_PLAYED: tuple[type[AdPlatform], ...] = (
    CriteoPlatform,
    GooglePlatform,
    LinkedInPlatform,
    MicrosoftPlatform,
    PinterestPlatform,
    RedditPlatform,
    SnapchatPlatform,
    TikTokPlatform,
)

AD_PLATFORMS: Mapping[Platform, type[AdPlatform]] = {played.platform: played for played in _PLAYED}
"""By name."""
