"""``--json`` of the commands about quality: one object a line, with keys that stay."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pipelines.insight.reaching import Reach
from pipelines.quality.card import Card
from pipelines.quality.coverage import Coverage
from pipelines.quality.evidence import Unknown
from pipelines.quality.growth import Grown
from pipelines.quality.mistakes import made


def of_card(card: Card) -> dict[str, Any]:
    """A segment's quality: shares from 0 to 1, ``measured`` in the unit of ``threshold``, null where unknown."""
    found = card.found
    sized = found.looked.sized
    life = found.life
    return {
        "segment": found.segment.name,
        "as_of": found.looked.as_of.isoformat(),
        "size": sized.size,
        "universe": sized.universe,
        "share": round(sized.share, 6),
        "owner": found.segment.owner,
        "goal": asdict(found.segment.goal) | {"by": found.segment.goal.by.isoformat()},
        "review_due": card.review_due.isoformat() if card.review_due else None,
        "computed": found.sizes[-1][0].isoformat() if found.sizes else None,
        "data": None if isinstance(found.data, Unknown) else found.data.grade,
        "criteria": [asdict(one) for one in card.criteria],
        "reach": [of_reach(one, sized.size) for one in found.looked.reach],
        "jaccard": {}
        if isinstance(life, Unknown)
        else {str(days): value for days, value in life.jaccard.items()},
        "findings": [asdict(one) for one in card.doubts],
        "errors": [asdict(one) for one in card.errors],
        "accepted": [asdict(one) | {"at": one.at.isoformat()} for one in card.accepted],
        "mistakes": [one.id for one in made(doubt.rule for doubt in card.doubts)],
        "sizes": [{"as_of": day.isoformat(), "size": size} for day, size in found.sizes],
    }


def of_reach(one: Reach, size: int) -> dict[str, Any]:
    """Whom a destination could be sent; ``matched`` is how many of them it may be expected to recognise."""
    return asdict(one) | {
        "share": round(one.reachable / size, 6) if size else 0.0,
        "matched": one.matched,
    }


def of_coverage(found: Coverage) -> dict[str, Any]:
    """What all segments together leave out."""
    return asdict(found) | {"as_of": found.as_of.isoformat()}


def of_growth(segment: str, one: Grown) -> dict[str, Any]:
    """One computed day of a segment; ``definition`` is the version that made it, null where that was not kept.

    ``composition`` has means of features, ``goal_metric`` the mean in the days after, null where it was not looked at.
    """
    return {
        "segment": segment,
        "as_of": one.as_of.isoformat(),
        "size": one.size,
        "universe": one.universe,
        "share": round(one.share, 6),
        "entered": one.entered,
        "left": one.left,
        "definition": one.definition,
        "composition": {name: round(mean, 4) for name, mean in one.composition.items()},
        "goal_metric": None if one.goal is None else round(one.goal, 4),
    }
