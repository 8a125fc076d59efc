"""How a fault plays out: whether the request is applied, what is answered, and how the answer travels."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from connectors.sandbox import clock
from connectors.sandbox.faults import refusals
from connectors.sandbox.faults import rules as fault
from connectors.sandbox.faults.incidents import audience_of
from connectors.sandbox.wire import Call, JobFate, Reply, RowRejection

MEGABYTE = 1024 * 1024


class Stage(Protocol):
    """The platform that a fault plays on."""

    async def apply(self, call: Call) -> Reply:
        """Let the platform handle the call."""
        ...

    async def rehearse(self, call: Call) -> Reply:
        """What the platform would answer; nothing is changed."""
        ...

    async def happen(self, rule: fault.Fault, call: Call) -> None:
        """Let something happen to the account or the audience first."""
        ...

    async def now(self) -> float:
        """The sandbox's clock."""
        ...


class Manner(StrEnum):
    """How an answer travels."""

    ANSWER = "answer"
    DRIP = "drip"
    CLOSE = "close"
    RESET = "reset"
    BREAK = "break"
    """Half of it, then a reset."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A reply and the manner of its delivery; where the manner is to close or reset, nobody gets the reply."""

    reply: Reply
    manner: Manner = Manner.ANSWER
    seconds_per_byte: float = 0


NOTHING_APPLIED = Reply(0, outcome="nothing applied")
LATER = Reply(0, outcome="applied later")


async def carry_out(rule: fault.Fault | None, call: Call, stage: Stage) -> Delivery:
    """Let one request meet its fault, or none."""
    match rule:
        case None | fault.LateCopy():
            return Delivery(await stage.apply(call))
        case fault.Delay(seconds=seconds):
            await asyncio.sleep(seconds)
            return Delivery(await stage.apply(call))
        case fault.Twice():
            await stage.apply(call)
            return Delivery(await stage.apply(call))
        case fault.LostAnswer():
            return Delivery(await stage.apply(call), Manner.CLOSE)
        case fault.Reset():
            return Delivery(NOTHING_APPLIED, Manner.RESET)
        case fault.ResetMidway():
            return Delivery(await stage.apply(call), Manner.BREAK)
        case fault.Timeout(seconds=seconds, applied=applied):
            reply = await stage.apply(call) if applied else NOTHING_APPLIED
            await asyncio.sleep(seconds)
            return Delivery(reply, Manner.CLOSE)
        case fault.SlowDrip(seconds_per_byte=seconds):
            return Delivery(await stage.apply(call), Manner.DRIP, seconds)
        case fault.HeldBack():
            return Delivery(LATER, Manner.CLOSE)
        case fault.OutOfOrder():
            return Delivery(await stage.rehearse(call))
    changed = _changed(rule, call)
    if changed is not None:
        return Delivery(await stage.apply(changed))
    return Delivery(await _instead(rule, call, stage))


def _changed(rule: fault.Fault, call: Call) -> Call | None:
    """The call with an order to the platform in it; None for rules that give none."""
    match rule:
        case fault.RejectRows():
            rejection = RowRejection(
                frozenset(rule.positions), rule.share, rule.seed, tuple(rule.holding), rule.unnamed
            )
            return replace(call, rejection=rejection)
        case fault.JobLate(seconds=seconds):
            return replace(call, fate=JobFate(seconds_later=seconds))
        case fault.JobFails(seconds=seconds):
            return replace(call, fate=JobFate(seconds_later=seconds, fails=True))
        case fault.JobNeverEnds():
            return replace(call, fate=JobFate(never_ends=True))
    return None


async def _instead(rule: fault.Fault, call: Call, stage: Stage) -> Reply:
    """The answer that comes in the place of the platform's own, or the platform's own after something happened."""
    words = refusals.WORDS[call.platform]
    match rule:
        case fault.RateLimited():
            return refusals.throttled(rule)
        case fault.QuotaGone():
            left = clock.seconds_until_tomorrow(await stage.now())
            return refusals.quota_gone(call.platform, left)
        case fault.ServerError(status=status, applied=applied):
            done = await stage.apply(call) if applied else NOTHING_APPLIED
            return _posing_as(done, words.server_error(status))
        case fault.Html(status=status, applied=applied):
            done = await stage.apply(call) if applied else NOTHING_APPLIED
            return _posing_as(
                done, Reply(status, refusals.HTML_PAGE, content_type="text/html; charset=utf-8")
            )
        case fault.BrokenAnswer(empty=empty):
            done = _with_body(await stage.apply(call))
            return replace(done, body=b"" if empty else done.body[: len(done.body) // 2])
        case fault.HugeAnswer():
            return _inflated(_with_body(await stage.apply(call)), rule)
        case fault.ErrorInSuccess(code=code):
            return words.error_in_success(code)
        case fault.ExpireToken():
            return words.signed_out(expired=True)
        case fault.AudienceDeleted(really=False):
            return words.gone(audience_of(call) or "", call.method)
        case fault.AudienceFlagged():
            return refusals.flagged()
        case fault.TermsNotAccepted():
            return words.terms()
        case fault.Refuse():
            return refusals.refused(rule)
        case fault.Redirect(location=location, status=status):
            return Reply(status, headers={"Location": location}, outcome="redirected")
        case fault.AudienceDeleted() | fault.MembersLost() | fault.TokensEnd() | fault.RefreshRotated():
            await stage.happen(rule, call)
            return await stage.apply(call)
    raise AssertionError(f"no effect is written for {rule.__class__.__name__}")


def _posing_as(done: Reply, shown: Reply) -> Reply:
    """The answer shown, with the log's summary of what was really done."""
    return replace(shown, outcome=done.outcome, rows=done.rows, audience=done.audience)


def _with_body(done: Reply) -> Reply:
    """A success that should have a body: that of a 204 has none, whatever becomes of it."""
    return replace(done, status=200) if done.status < 300 else done


def _inflated(done: Reply, rule: fault.HugeAnswer) -> Reply:
    """The answer at its size."""
    size = rule.megabytes * MEGABYTE
    match rule.shape:
        case "padded":
            return replace(done, body=done.body + b" " * size)
        case "nested":
            half = size // 2
            return replace(done, body=b"[" * half + b"]" * half)
        case "gzip":
            packed = b"".join(_packed(done.body, rule.megabytes))
            return replace(done, body=packed, headers={**done.headers, "Content-Encoding": "gzip"})


def _packed(body: bytes, megabytes: int) -> Iterator[bytes]:
    """The body and so much space behind it, compressed without ever being held unpacked."""
    press = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    yield press.compress(body)
    space = b" " * MEGABYTE
    for _ in range(megabytes):
        yield press.compress(space)
    yield press.flush()
