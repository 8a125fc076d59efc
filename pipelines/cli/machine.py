"""``--json``: one object a line, with keys that stay."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

import orjson

from pipelines.delivery.entries import Decision, Rejected
from pipelines.delivery.holds import Hold
from pipelines.delivery.looking_back import Move
from pipelines.delivery.model import Delivery
from pipelines.insight.backtesting import Backtest
from pipelines.insight.cells import cell
from pipelines.insight.explaining import Explained
from pipelines.insight.previewing import Preview
from pipelines.insight.profiling import Profiled
from pipelines.insight.why import Why
from pipelines.pulling import Pulled
from pipelines.review.applying import AppliedAudience
from pipelines.segments.run import Computed, Failed
from pipelines.segments.version import version_of
from pipelines.sources.model import LoadReport


def write(objects: Iterable[Mapping[str, Any]]) -> None:
    """Objects to standard output, a line each."""
    for one in objects:
        sys.stdout.write(orjson.dumps(one).decode() + "\n")


def of_segment(outcome: Computed | Failed) -> dict[str, Any]:
    """A computed segment; ``share`` is of its universe, 0 to 1. A failed one has ``error`` and no size."""
    if isinstance(outcome, Failed):
        return {
            "name": outcome.name,
            "as_of": outcome.as_of.isoformat(),
            "definition": None,
            "size": None,
            "share": None,
            "error": str(outcome.error),
        }
    profile = outcome.profile
    return {
        "name": profile.segment,
        "as_of": profile.as_of.isoformat(),
        "definition": version_of(outcome.segment),
        "size": profile.size,
        "share": profile.share,
        "error": None,
    }


def of_source(report: LoadReport) -> dict[str, Any]:
    """What became of a source."""
    return {
        "source": report.source,
        "contract": report.contract,
        "rows": report.rows,
        "seconds": report.seconds,
        "error": report.error,
    }


def of_plan(delivery: Delivery) -> dict[str, Any]:
    """What a push would do; counts are people, ``held`` is what the platform holds before it."""
    return {
        "destination": delivery.destination,
        "segment": delivery.segment,
        "as_of": delivery.as_of.isoformat() if delivery.as_of else None,
        "desired": delivery.desired,
        "adds": delivery.adds,
        "removes": delivery.removes,
        "held": delivery.held,
        "kept": delivery.kept,
        "kept_back": delivery.kept_back,
        "resends": delivery.resends,
        "updates": delivery.updates,
        "asserted": delivery.asserted,
        "withheld": sum(delivery.withheld.values()),
        "withheld_by_reason": delivery.withheld,
        "rejected": delivery.rejected,
        "rejected_by_reason": delivery.rejected_reasons,
        "verdict": delivery.verdict,
        "sentence": delivery.sentence,
    }


def of_push(delivery: Delivery) -> dict[str, Any]:
    """What a push did: the plan's keys, with what was done; ``held`` is what the platform holds after it."""
    return of_plan(delivery) | {
        "status": delivery.status,
        "added": delivery.added,
        "removed": delivery.removed,
        "held_before": delivery.held_before,
        "leaving": delivery.leaving,
        "dropped": delivery.dropped,
        "awaited": delivery.awaited,
        "uncertain": delivery.uncertain,
        "uncertain_desired": delivery.uncertain_desired,
        "uncertain_held": delivery.uncertain_held,
        "rejected_unnamed": delivery.rejected_unnamed,
        "requests": delivery.requests,
        "run_id": delivery.run_id,
        "audience": delivery.audience,
        "audience_id": delivery.audience_id,
        "url": delivery.url,
        "errors": list(delivery.errors),
        "notes": list(delivery.notes),
    }


def of_applied(one: AppliedAudience) -> dict[str, Any]:
    """What became of an audience of a plan; the counts are 0 where nothing was sent or looked at."""
    done = one.delivery
    return {
        "destination": one.destination,
        "segment": one.segment,
        "outcome": one.outcome,
        "sentence": one.sentence,
        "run_id": done.run_id if done else None,
        "added": done.added if done else 0,
        "removed": done.removed if done else 0,
        "rejected": done.rejected if done else 0,
        "uncertain": done.uncertain if done else 0,
        "held": done.held if done else 0,
        "requests": done.requests if done else 0,
    }


def of_hold(hold: Hold) -> dict[str, Any]:
    """An audience on hold; ``undoes`` is when the push ran that was taken back, null for a hold by itself."""
    return {
        "destination": hold.destination,
        "segment": hold.segment,
        "at": hold.at.isoformat(),
        "who": hold.who,
        "why": hold.why,
        "undoes": hold.undoes.isoformat() if hold.undoes else None,
    }


def of_decision(one: Decision) -> dict[str, Any]:
    """What an operator decided."""
    return {
        "at": one.at.isoformat(),
        "destination": one.destination,
        "segment": one.segment,
        "decision": one.decision,
        "who": one.who,
        "why": one.why,
    }


def of_rejected(one: Rejected) -> dict[str, Any]:
    """Rows that a platform does not take, for one reason."""
    return {
        "destination": one.destination,
        "segment": one.segment,
        "reason": one.reason,
        "people": one.people,
        "since": one.since.isoformat(),
    }


def of_move(audience: str, move: Move) -> dict[str, Any]:
    """People who were sent to an audience or out of it; ``op`` is add or remove."""
    return {
        "audience": audience,
        "at": move.at.isoformat(),
        "op": move.op,
        "why": move.why,
        "outcome": move.outcome,
        "people": move.people,
    }


def of_pulled(one: Pulled, *, honoured: bool) -> dict[str, Any]:
    """What an email tool told; ``honoured`` when people have been brought up to date with it."""
    return {
        "destination": one.destination,
        "since": one.since.isoformat() if one.since else None,
        "new": sum(one.new.values()),
        "new_by_reason": one.new,
        "total": one.total,
        "newest": one.newest.isoformat() if one.newest else None,
        "honoured": honoured,
        "error": one.error,
    }


def of_explained(answer: Explained) -> dict[str, Any]:
    """Why one person is in a segment, or is not; they are not named."""
    conditions = answer.conditions
    return {
        "segment": answer.segment,
        "as_of": answer.as_of.isoformat(),
        "member": answer.is_member,
        "since": answer.since.isoformat() if answer.since else None,
        "conditions": None
        if conditions is None
        else [
            {
                "condition": one.says,
                "holds": one.holds,
                "values": {k: _plain(v) for k, v in one.values.items()},
            }
            for one in conditions
        ],
        "scores": [asdict(one) for one in answer.scores],
        "audiences": [of_why(one) for one in answer.audiences],
        "damped": None if answer.damped is None else {k: _plain(v) for k, v in asdict(answer.damped).items()},
        "taken_by": answer.taken_by,
        "waterfall": answer.waterfall,
        "sentence": answer.sentence,
    }


def of_preview(answer: Preview) -> dict[str, Any]:
    """A segment that was run and not kept, in numbers; null stands for a breakdown's count of too few people."""
    sized, floor = answer.sized, answer.floor
    return {
        "segment": answer.segment,
        "as_of": answer.as_of.isoformat(),
        "size": sized.size,
        "universe": sized.universe,
        "share": round(sized.share, 6),
        "by_rule": sized.by_rule,
        "conditions": None
        if sized.conditions is None
        else [asdict(one) | {"only_this": cell(one.only_this, floor)} for one in sized.conditions],
        "layers": [asdict(one) | {"shared": cell(one.shared, floor)} for one in sized.layers],
        "taken": [asdict(one) for one in sized.taken],
        "overlaps": [
            asdict(one) | ({"shared": None, "jaccard": None} if cell(one.shared, floor) is None else {})
            for one in sized.overlaps
        ],
        "floor": floor,
        "reach": [asdict(one) for one in answer.reach],
    }


def of_profile(answer: Profiled) -> dict[str, Any]:
    """How a segment's people differ from everybody, in numbers."""
    return {
        "segment": answer.segment,
        "as_of": answer.as_of.isoformat(),
        "persona": answer.persona,
        "persona_line": answer.persona_line,
        "sentence": answer.sentence,
        "traits": [asdict(one) for one in answer.traits],
        "unshown": [asdict(one) | {"people": f"fewer than {answer.floor}"} for one in answer.unshown],
    }


def of_backtest(answer: Backtest) -> dict[str, Any]:
    """How a segment would have lived, day by day; shares from 0 to 1."""
    return {
        "segment": answer.segment,
        "mean_size": round(answer.mean_size, 2),
        "changes": answer.changes,
        "turnover": round(answer.turnover, 6),
        "flap": round(answer.flap, 6),
        "jaccard": round(answer.jaccard, 6),
        "days": [asdict(one) | {"as_of": one.as_of.isoformat()} for one in answer.days],
    }


def _plain(value: object) -> object:
    """A feature's value as JSON has it: numbers, true, false, nothing; days and everything else as text."""
    if isinstance(value, Decimal):
        return float(value)
    return value if value is None or isinstance(value, str | int | float) else str(value)


def of_why(answer: Why) -> dict[str, Any]:
    """Where one person stands with one audience; they are not named."""
    standing = answer.standing
    audience = f"{answer.destination}/{answer.segment}"
    return {
        "audience": audience,
        "as_of": answer.as_of.isoformat() if answer.as_of else None,
        "wanted": answer.wanted,
        "excluded_by": list(answer.excluded_by),
        "held": standing.held if standing else "no",
        "withheld": answer.withheld,
        "sentence": answer.sentence,
        "moves": [of_move(audience, move) for move in standing.moves] if standing else [],
    }
