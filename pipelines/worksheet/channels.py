"""Which types of segment suit which channel: a suggestion while a segment is made, a warning when they do not meet.

Source of the pairs: S1 and S3 of the project's segmentation requirements (ACT-9): paid social goes by behaviour and
interest, e-mail by lifecycle and engagement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connectors.base import Connector, Kind

SUITED: Mapping[Kind, tuple[str, ...]] = {
    Kind.AD_PLATFORM: ("behavioural", "intent", "value"),
    Kind.EMAIL_TOOL: ("lifecycle", "behavioural", "rfm"),
}
SPOKEN: Mapping[Kind, str] = {Kind.AD_PLATFORM: "ads", Kind.EMAIL_TOOL: "e-mail"}


def suggestion(destinations: Sequence[str], kinds: Mapping[str, type[Connector]]) -> str:
    """Types that suit the destinations, in words; empty when nothing is suggested."""
    told = {
        SPOKEN[kinds[name].kind]: SUITED[kinds[name].kind]
        for name in destinations
        if name in kinds and kinds[name].kind in SUITED
    }
    return "; ".join(f"{channel} goes well with {', '.join(types)}" for channel, types in told.items())


def mismatches(
    types: Sequence[str], destinations: Sequence[str], kinds: Mapping[str, type[Connector]]
) -> Iterator[str]:
    """A sentence for each destination whose channel is seldom led by these types."""
    for name in destinations:
        kind = kinds[name].kind if name in kinds else None
        if kind is not None and kind in SUITED and not set(types) & set(SUITED[kind]):
            yield (
                f"{name} is {SPOKEN[kind]}, which goes well with {', '.join(SUITED[kind])}; this segment is "
                f"{', '.join(types)}: keep it if you mean it"
            )
