"""Evidence about a segment, with what a test wants to be otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.insight.looking import Preview
from pipelines.insight.reaching import Reach
from pipelines.quality.evidence import Evidence, Outcome
from pipelines.quality.metrics import metric_of
from pipelines.warehouse.sizing import Sized
from tests.segments.test_linting import SEGMENT, TODAY

DAY = date(2017, 12, 31)
AMOUNT = metric_of("spend_30d", ())
RATE = metric_of("retention_30d", ())


def found(size: int = 200, universe: int = 1_000, reach: tuple[Reach, ...] = (), **changes: Any) -> Evidence:
    """A segment of so many people; other evidence by name, ``segment_`` before fields of the segment."""
    people = pa.table({"person_no": pa.array(range(size), pa.int32())})
    sized = Sized(people, universe, (), changes.pop("conditions", ()), changes.pop("overlaps", ()))
    own = {
        name.removeprefix("segment_"): changes.pop(name)
        for name in list(changes)
        if name.startswith("segment_")
    }
    return Evidence(replace(SEGMENT, **own), Preview("regulars", DAY, sized, reach), TODAY, **changes)


def outcome(inside: list[float], outside: list[float], *, rate: bool = False) -> Outcome:
    """The goal metric of members and of everybody else; ``nan`` where it is not known."""
    metric = RATE if rate else AMOUNT
    assert metric is not None
    member = np.array([True] * len(inside) + [False] * len(outside))
    return Outcome(metric, date(2017, 12, 1), np.array([*inside, *outside], dtype=np.float64), member)
