"""How a fault plays out: whether the request is applied, what is answered, and how the answer travels."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from connectors.sandbox.faults import refusals
from connectors.sandbox.faults import rules as fault
from connectors.sandbox.wire import Call, Reply, RowRejection

Apply = Callable[[Call], Awaitable[Reply]]


class Manner(StrEnum):
    """How an answer travels."""

    ANSWER = "answer"
    DRIP = "drip"
    CLOSE = "close"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A reply and the manner of its delivery; where the manner is to close or reset, nobody gets the reply."""

    reply: Reply
    manner: Manner = Manner.ANSWER
    seconds_per_byte: float = 0


NOTHING_APPLIED = Reply(0, outcome="nothing applied")


async def carry_out(rule: fault.Fault | None, call: Call, apply: Apply) -> Delivery:
    """Let one request meet its fault, or none."""
    match rule:
        case None | fault.LateCopy():
            return Delivery(await apply(call))
        case fault.Delay(seconds=seconds):
            await asyncio.sleep(seconds)
            return Delivery(await apply(call))
        case fault.Twice():
            await apply(call)
            return Delivery(await apply(call))
        case fault.RejectRows(positions=positions, share=share, seed=seed):
            rejection = RowRejection(frozenset(positions), share, seed)
            return Delivery(await apply(replace(call, rejection=rejection)))
        case fault.LostAnswer():
            return Delivery(await apply(call), Manner.CLOSE)
        case fault.Reset():
            return Delivery(NOTHING_APPLIED, Manner.RESET)
        case fault.Timeout(seconds=seconds, applied=applied):
            reply = await apply(call) if applied else NOTHING_APPLIED
            await asyncio.sleep(seconds)
            return Delivery(reply, Manner.CLOSE)
        case fault.SlowDrip(seconds_per_byte=seconds):
            return Delivery(await apply(call), Manner.DRIP, seconds)
    return Delivery(await _instead(rule, call, apply))


async def _instead(rule: fault.Fault, call: Call, apply: Apply) -> Reply:
    """The answer that comes in the place of the platform's own."""
    match rule:
        case fault.RateLimited():
            return refusals.throttled(rule)
        case fault.ServerError(status=status, applied=applied):
            done = await apply(call) if applied else NOTHING_APPLIED
            return _posing_as(done, refusals.server_error(call.platform, status))
        case fault.Html(status=status, applied=applied):
            done = await apply(call) if applied else NOTHING_APPLIED
            return _posing_as(
                done, Reply(status, refusals.HTML_PAGE, content_type="text/html; charset=utf-8")
            )
        case fault.BrokenAnswer(empty=empty):
            done = await apply(call)
            return replace(done, body=b"" if empty else done.body[: len(done.body) // 2])
        case fault.HugeAnswer(megabytes=megabytes):
            done = await apply(call)
            return replace(done, body=done.body + b" " * (megabytes * 1024 * 1024))
        case fault.ErrorInSuccess(code=code):
            return refusals.error_in_success(call.platform, code)
        case fault.ExpireToken():
            return refusals.expired(call.platform)
        case fault.AudienceDeleted():
            return refusals.gone(call)
        case fault.AudienceFlagged():
            return refusals.flagged()
        case fault.TermsNotAccepted():
            return refusals.terms_not_accepted(call.platform)
        case fault.Refuse():
            return refusals.refused(rule)
        case fault.Redirect(location=location, status=status):
            return Reply(status, headers={"Location": location}, outcome="redirected")
    raise AssertionError(f"no effect is written for {rule.__class__.__name__}")


def _posing_as(done: Reply, shown: Reply) -> Reply:
    """The answer shown, with the log's summary of what was really done."""
    return replace(shown, outcome=done.outcome, rows=done.rows, audience=done.audience)
