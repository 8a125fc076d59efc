"""Which definition made a segment's rows: a short digest of everything that decides who is in it."""

from __future__ import annotations

import hashlib
import json

from pipelines.segments.model import Segment

DIGITS = 12


def version_of(segment: Segment) -> str:
    """Twelve hexadecimal digits that change when another definition may give other people.

    The SQL, the universe and everything below it count; titles, goals, syncs and comments in the header do not. The SQL
    counts as it is written, so that a version can be found in the files' history.
    """
    parts = [segment.universe, segment.sql.strip(), *(version_of(layer) for layer in segment.builds_on)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:DIGITS]
