"""What connectors are asked for, and people as most platforms want them hashed."""

from __future__ import annotations

from dataclasses import replace

from connectors.base import AudienceRequest

REQUEST = AudienceRequest("Lapsed", "turnout:lapsed", None)
MARY = "76365336b543faa970d4315c7d661e3aa5f722ccb5faf6c943edec83dcfb8113"
"""SHA-256 of ``mary.smith+news@gmail.com``."""
ANN = "f1904cf1a9d73a55fa5de0ac823c4403ded71afd4c3248d00bdcd0866552bb79"
"""SHA-256 of ``mary@example.com``."""


def known(audience_id: str) -> AudienceRequest:
    """The request for an audience whose id an earlier run has kept."""
    return replace(REQUEST, known_id=audience_id)
