"""Which definition made a segment's rows: a short digest of everything that decides who is in it."""

from __future__ import annotations

import hashlib
import json

from pipelines.segments.model import Segment

DIGITS = 12


def version_of(segment: Segment) -> str:
    """Twelve hexadecimal digits that change when another definition may give other people.

    The SQL, the universe, entry and exit, the day it is frozen on, everything below it and before it in its waterfall
    count; titles, goals and syncs do not. The SQL counts as it is written, so that a version can be found in the files'
    history.
    """
    damped = segment.entry_exit
    parts = {
        "universe": segment.universe,
        "sql": segment.sql.strip(),
        "entry and exit": damped
        and [damped.exit_when, damped.stay_days, damped.grace_days, damped.cooldown_days],
        "frozen on": str(segment.frozen_on),
        "after": [version_of(better) for better in segment.after],
        "layers": [version_of(layer) for layer in segment.builds_on],
    }
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:DIGITS]
