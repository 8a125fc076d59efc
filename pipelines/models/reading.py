"""Segments that read scores: of models that there are, and as sensitive as what is predicted."""

from __future__ import annotations

from dataclasses import replace

from pipelines.models import registry
from pipelines.segments.errors import SegmentError, nearest
from pipelines.segments.load import BrokenSegment, Loaded
from pipelines.segments.model import Segment
from pipelines.segments.predictions import models_read


def with_models(definition: Loaded) -> Loaded:
    """The segment with the policy of the models that it reads, or its failure when it reads one that is not there."""
    if isinstance(definition, BrokenSegment):
        return definition
    try:
        named = models_read(definition)
        if not named:
            return definition
        _refuse_unknown(definition, named)
    except SegmentError as error:
        return BrokenSegment(definition.name, definition.path, error)
    policy = [*definition.policy, *(category for name in named for category in registry.load(name).policy)]
    return replace(definition, policy=tuple(dict.fromkeys(policy)))


def _refuse_unknown(segment: Segment, named: tuple[str, ...]) -> None:
    known = registry.available()
    for name in named:
        if name not in known:
            close = nearest(name, known)
            raise SegmentError(
                segment.path,
                f"it reads scores of {name!r}, and there is no such model",
                nearest=close,
                expected=None if close else f"one of {', '.join(known)}",
            )
