"""The practice platform: from a call to a reply."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from connectors.sandbox.practice import audiences, jobs, rows, sessions, tokens
from connectors.sandbox.practice.audiences import PracticeAudience
from connectors.sandbox.practice.errors import NOT_FOUND, TERMS_NOT_ACCEPTED, PracticeRefusal, invalid
from connectors.sandbox.practice.requests import (
    CreateAudience,
    Delivering,
    EditMembers,
    OpenSession,
    SessionBatch,
    read,
)
from connectors.sandbox.practice.verdicts import refuse_whole, verdict
from connectors.sandbox.store import Store
from connectors.sandbox.switches import Switches, read_switches
from connectors.sandbox.wire import Call, Json, Reply, json_reply


@dataclass(frozen=True, slots=True)
class Context:
    """One call within its transaction."""

    db: sqlite3.Connection
    call: Call
    switches: Switches


class PracticeApi:
    """The platform: one account."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def handle(self, call: Call) -> Reply:
        """Answer one call, refusals included; what a refused call has changed is undone."""
        try:
            with self._store.writing() as db:
                jobs.run_due(db)
            with self._store.writing() as db:
                return self._answer(Context(db, call, read_switches(db)))
        except PracticeRefusal as refusal:
            return refusal.error.reply()
        except _AboutMembers as refusal:
            return refusal.error.reply(
                audience=str(refusal.audience.id), hidden=refusal.audience.errors_in_success
            )

    def _answer(self, context: Context) -> Reply:
        call = context.call
        if call.path == "/oauth/token":
            return tokens.give_out(context.db, call, context.switches)
        tokens.check(context.db, call, context.switches)
        for method, pattern, handler in ROUTES:
            match = pattern.fullmatch(call.path)
            if match and call.method == method:
                return handler(context, *match.groups())
        raise PracticeRefusal(NOT_FOUND)


class _AboutMembers(Exception):
    """A refusal of a call about an audience's members: the audience decides how errors are told."""

    def __init__(self, refusal: PracticeRefusal, audience: PracticeAudience) -> None:
        super().__init__(str(refusal))
        self.error = refusal.error
        self.audience = audience


def list_audiences(context: Context) -> Reply:
    """``GET /audiences?marker=``: the one that carries the mark, or none."""
    if set(context.call.query) != {"marker"}:
        raise PracticeRefusal(invalid("Ask for one marker."))
    found = audiences.find_marked(context.db, context.call.query["marker"])
    shown: list[Json] = [audiences.document(found)] if found else []
    return json_reply({"audiences": shown}, outcome=f"{len(shown)} audiences listed")


def create_audience(context: Context) -> Reply:
    """``POST /audiences``."""
    wish = read(context.call, CreateAudience)
    _require_terms(context)
    if audiences.find_marked(context.db, wish.marker) is not None:
        raise PracticeRefusal(invalid("marker: an audience carries it already"))
    made = audiences.create(context.db, wish)
    return json_reply(audiences.document(made), status=201, outcome="audience created", audience=str(made.id))


def read_audience(context: Context, audience_id: str) -> Reply:
    """``GET /audiences/{id}``."""
    found = audiences.require(context.db, audience_id)
    return json_reply(audiences.document(found), outcome="audience read", audience=audience_id)


def delete_audience(context: Context, audience_id: str) -> Reply:
    """``DELETE /audiences/{id}``."""
    audiences.delete(context.db, audiences.require(context.db, audience_id).id)
    return Reply(204, outcome="audience deleted", audience=audience_id)


def edit_members(context: Context, audience_id: str) -> Reply:
    """``POST /audiences/{id}/members``: applied at once."""
    audience = _taking(context, audience_id, "direct")
    try:
        wish = read(context.call, EditMembers)
        judged = _judged(context, audience, wish)
    except PracticeRefusal as refusal:
        raise _AboutMembers(refusal, audience) from None
    added, removed = rows.apply(context.db, audience, wish.op, judged, context.call.number)
    return json_reply(
        verdict(audience, judged, context.call.rejection),
        rows=len(wish.rows),
        outcome=f"{added} added, {removed} removed, {len(judged.faults)} refused",
        audience=audience_id,
    )


def open_session(context: Context, audience_id: str) -> Reply:
    """``POST /audiences/{id}/sessions``."""
    audience = _taking(context, audience_id, "session")
    opened = sessions.open_session(context.db, audience, read(context.call, OpenSession).op)
    return json_reply({"session": str(opened)}, status=201, outcome="session opened", audience=audience_id)


def add_to_session(context: Context, audience_id: str, session_id: str) -> Reply:
    """``POST /audiences/{id}/sessions/{session}/batches``."""
    audience = _taking(context, audience_id, "session")
    try:
        batch = read(context.call, SessionBatch)
        answer, (added, removed) = sessions.receive(
            context.db, audience, session_id, batch, context.call.rejection, context.call.number
        )
    except PracticeRefusal as refusal:
        raise _AboutMembers(refusal, audience) from None
    return json_reply(
        answer, rows=len(batch.rows), outcome=f"{added} added, {removed} removed", audience=audience_id
    )


def start_job(context: Context, audience_id: str) -> Reply:
    """``POST /audiences/{id}/jobs``: taken now, applied later."""
    audience = _taking(context, audience_id, "job")
    try:
        wish = read(context.call, EditMembers)
        judged = _judged(context, audience, wish)
    except PracticeRefusal as refusal:
        raise _AboutMembers(refusal, audience) from None
    job = jobs.queue(
        context.db,
        audience,
        wish.op,
        judged,
        verdict(audience, judged, context.call.rejection),
        context.call.number,
        wait_seconds=context.switches.practice_job_seconds,
        fate=context.call.fate,
    )
    return json_reply(
        {"job": job, "status": "queued"},
        status=202,
        rows=len(wish.rows),
        outcome="job queued",
        audience=audience_id,
    )


def read_job(context: Context, audience_id: str, job_id: str) -> Reply:
    """``GET /audiences/{id}/jobs/{job}``."""
    found = jobs.read(context.db, audiences.require(context.db, audience_id), job_id)
    return json_reply(found, outcome=f"job is {found['status']}", audience=audience_id)


def _taking(context: Context, audience_id: str, delivery: Delivering) -> PracticeAudience:
    """The audience, if it takes members in this way."""
    audience = audiences.require(context.db, audience_id)
    _require_terms(context)
    if audience.delivery != delivery:
        raise PracticeRefusal(invalid(f"This audience takes members by {audience.delivery} only."))
    return audience


def _judged(context: Context, audience: PracticeAudience, wish: EditMembers) -> rows.Judged:
    refused = context.call.rejection.picks([row.model_dump() for row in wish.rows])
    judged = rows.judge(wish.rows, refused)
    refuse_whole(audience, judged)
    return judged


def _require_terms(context: Context) -> None:
    if not context.switches.practice_terms_accepted:
        raise PracticeRefusal(TERMS_NOT_ACCEPTED)


_AUDIENCE = "/audiences/([^/]+)"
ROUTES: tuple[tuple[str, re.Pattern[str], Callable[..., Reply]], ...] = (
    ("GET", re.compile("/audiences"), list_audiences),
    ("POST", re.compile("/audiences"), create_audience),
    ("GET", re.compile(_AUDIENCE), read_audience),
    ("DELETE", re.compile(_AUDIENCE), delete_audience),
    ("POST", re.compile(_AUDIENCE + "/members"), edit_members),
    ("POST", re.compile(_AUDIENCE + "/sessions"), open_session),
    ("POST", re.compile(_AUDIENCE + "/sessions/([^/]+)/batches"), add_to_session),
    ("POST", re.compile(_AUDIENCE + "/jobs"), start_job),
    ("GET", re.compile(_AUDIENCE + "/jobs/([^/]+)"), read_job),
)
