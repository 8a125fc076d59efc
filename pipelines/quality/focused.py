"""QUA-9 and QUA-10: neither nearly everybody, nor a rule that hardly anybody meets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipelines.quality import substantial
from pipelines.quality.criterion import Criterion, Doubt, Rule
from pipelines.quality.evidence import Evidence, Outcome, Splitting, Unknown

BROAD = 0.6
"""Share of the universe from which a segment is hardly one."""
SPREAD = 0.95
"""Share of the universe's spread of the goal metric from which its people are as unlike as everybody."""
MOST_CONDITIONS = 8
NARROWS = 0.95
"""Share of the people meeting everything else whom one condition may take away."""

BROAD_RULE = Rule(
    "QUA-9", "focused", f"warning above {BROAD:.0%} of the universe, or when its people's goal metric spreads "
    f"{SPREAD:.0%} as far as everybody's"
)  # fmt: skip
NARROW_RULE = Rule(
    "QUA-10", "not too narrow", f"as QUA-1; warning over {MOST_CONDITIONS} conditions, or when one takes away "
    f"{NARROWS:.0%} of those who meet the others"
)  # fmt: skip


def judge_breadth(found: Evidence) -> Criterion:
    """The share of the universe."""
    share = found.looked.sized.share
    return BROAD_RULE.answer(
        round(share, 6), f"{share:.1%} of the {found.segment.universe}", breadth_doubts(found)
    )


def breadth_doubts(found: Evidence) -> Iterator[Doubt]:
    """Nearly everybody, or people as unlike as everybody."""
    share = found.looked.sized.share
    if share > BROAD:
        says = (
            f"{share:.0%} of the {found.segment.universe}: what is done for nearly everybody needs no segment"
        )
        yield BROAD_RULE.warning(says + _split(found.splitting))
    spread = _spread(found.outcome)
    if spread is not None and spread >= SPREAD and not isinstance(found.outcome, Unknown):
        says = f"its people differ in {found.outcome.metric.name} {spread:.0%} as much as everybody does"
        yield BROAD_RULE.warning(says + _split(found.splitting))


def judge_narrowness(found: Evidence) -> Criterion:
    """How many conditions a person must meet."""
    conditions = found.looked.sized.conditions
    if conditions is None:
        return NARROW_RULE.unknown("its SQL is no plain list of conditions, so they are not counted")
    told = [*narrowness_doubts(found)]
    size = found.looked.sized.size
    if size < substantial.least_of(found.segment):
        told.insert(0, NARROW_RULE.error(f"its rule leaves {size:,} people"))
    fine = f"{len(conditions)} condition{'' if len(conditions) == 1 else 's'}"
    return NARROW_RULE.answer(len(conditions), fine, told)


def narrowness_doubts(found: Evidence) -> Iterator[Doubt]:
    """More conditions than anybody can say, or one that decides alone; the size itself is QUA-1's."""
    sized = found.looked.sized
    conditions = sized.conditions or ()
    if len(conditions) > MOST_CONDITIONS:
        yield NARROW_RULE.warning(
            f"{len(conditions)} conditions: hardly anybody can say who these people are"
        )
    # With entry and exit rules conditions are those of the SQL alone.
    by_rule = sized.size if sized.by_rule is None else sized.by_rule
    for one in conditions if len(conditions) > 1 else ():
        others = by_rule + one.only_this
        if others and one.only_this / others > NARROWS:
            share = one.only_this / others
            yield NARROW_RULE.warning(f"{one.says} takes away {share:.0%} of those who meet everything else")


def _spread(outcome: Outcome | Unknown) -> float | None:
    """Standard deviation of the goal metric within the segment over the universe's; None where either is unknown."""
    if isinstance(outcome, Unknown) or len(outcome.inside) < 2:
        return None
    everybody = float(np.nanstd(outcome.values))
    return float(outcome.inside.std()) / everybody if everybody else None


def _split(splitting: Splitting | Unknown) -> str:
    if isinstance(splitting, Unknown):
        return ""
    return (
        f"; it falls apart best at {splitting.feature} {splitting.bound:g} ({splitting.below:,} below, "
        f"{splitting.above:,} from there up: {splitting.gain:.0%} of the variance)"
    )
