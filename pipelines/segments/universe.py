"""The populations of which a segment can be a share."""

from __future__ import annotations

from collections.abc import Mapping

UNIVERSES: Mapping[str, str] = {
    "customers": "everybody who has a row in features on that day",
}
"""Every universe that a segment may declare, and who is in it."""
