"""One audience and its edges: read, change, delete, edit users, replace users, look at sessions."""

from __future__ import annotations

import sqlite3

from connectors.sandbox import clock
from connectors.sandbox.meta import audiences, members, sessions
from connectors.sandbox.meta.audiences import AudienceRecord
from connectors.sandbox.meta.context import Context, split_fields
from connectors.sandbox.meta.errors import (
    FLAGGED,
    UPDATE_IN_PROGRESS,
    GraphRefusal,
    invalid,
    missing_object,
    update_failed,
)
from connectors.sandbox.meta.requests import (
    EditUsers,
    ListSessions,
    ReadNode,
    ReplaceUsers,
    UpdateAudience,
)
from connectors.sandbox.meta.rows import Rows, judge
from connectors.sandbox.meta.sessions import Totals
from connectors.sandbox.wire import Json, Reply, json_reply


def read_audience(context: Context, audience_id: str) -> Reply:
    """``GET /<audience_id>``: the id alone unless ``fields`` asks for more."""
    names = split_fields(context.parameters.model(ReadNode).fields, audiences.FIELDS, "CustomAudience")
    with context.store.writing() as db:
        audience = _present(db, context, audience_id)
        now = clock.now(db)
    return json_reply(
        audiences.read_fields(audience, names, now), outcome="audience read", audience=audience_id
    )


def update_audience(context: Context, audience_id: str) -> Reply:
    """``POST /<audience_id>``."""
    wish = context.parameters.model(UpdateAudience)
    with context.store.writing() as db:
        audiences.update(db, _present(db, context, audience_id), wish)
    return json_reply({"success": True}, outcome="audience changed", audience=audience_id)


def delete_audience(context: Context, audience_id: str) -> Reply:
    """``DELETE /<audience_id>``."""
    with context.store.writing() as db:
        audiences.delete(db, _present(db, context, audience_id).id)
    return json_reply({"success": True}, outcome="audience deleted", audience=audience_id)


def add_users(context: Context, audience_id: str) -> Reply:
    """``POST /<audience_id>/users``."""
    return _edit_users(context, audience_id, adding=True)


def remove_users(context: Context, audience_id: str) -> Reply:
    """``DELETE /<audience_id>/users``."""
    return _edit_users(context, audience_id, adding=False)


def _edit_users(context: Context, audience_id: str, *, adding: bool) -> Reply:
    wish = context.parameters.model(EditUsers)
    context.require_terms()
    rows = judge(wish.payload, context.call.rejection)
    with context.store.writing() as db:
        audience = _editable(db, context, audience_id, rows)
        if audience.replace_session is not None:
            raise GraphRefusal(UPDATE_IN_PROGRESS)
        totals = sessions.anonymous(rows)
        if wish.session is not None:
            totals = sessions.receive(db, audience.account, audience.id, wish.session, rows, replaces=False)
        added = removed = 0
        if adding:
            added = members.add(db, audience.id, rows.members)
            if audience.retention_days is not None:
                members.renew(db, audience.id, rows.members)
        else:
            removed = members.remove(db, audience.id, rows.members)
        busy = context.switches.meta_processing_seconds
        audiences.note_content_change(db, audience, context.call.number, added, removed, busy)
    return _upload_reply(audience_id, rows, totals, added, removed)


def replace_users(context: Context, audience_id: str) -> Reply:
    """``POST /<audience_id>/usersreplace``: rows gather apart and take over with the last batch."""
    wish = context.parameters.model(ReplaceUsers)
    context.require_terms()
    rows = judge(wish.payload, context.call.rejection)
    with context.store.writing() as db:
        audience = _editable(db, context, audience_id, rows)
        session_id = wish.session.session_id
        if audience.replace_session not in (None, session_id):
            raise GraphRefusal(UPDATE_IN_PROGRESS)
        if audience.replace_session is None and wish.session.batch_seq == 1:
            status = audiences.operation_status(audience, clock.now(db))
            if status != 200:
                raise GraphRefusal(
                    update_failed(1870145, f"The audience's operation status is {status}; it must be 200.")
                )
        totals = sessions.receive(db, audience.account, audience.id, wish.session, rows, replaces=True)
        _stage(db, audience, session_id, rows)
        added = removed = 0
        if wish.session.last_batch_flag:
            added, removed = members.swap_staged(db, audience.id)
            db.execute("update meta_audiences set replace_session = null where id = ?", (audience.id,))
            busy = context.switches.meta_processing_seconds
            audiences.note_content_change(db, audience, context.call.number, added, removed, busy)
    return _upload_reply(audience_id, rows, totals, added, removed)


def _stage(db: sqlite3.Connection, audience: AudienceRecord, session_id: int, rows: Rows) -> None:
    if audience.replace_session is None:
        members.discard_staged(db, audience.id)
        db.execute("update meta_audiences set replace_session = ? where id = ?", (session_id, audience.id))
    members.add(db, audience.id, rows.members, staged=True)


def list_sessions(context: Context, audience_id: str) -> Reply:
    """``GET /<audience_id>/sessions``."""
    wish = context.parameters.model(ListSessions)
    names = split_fields(wish.fields, sessions.SESSION_FIELDS, "CustomAudienceSession")
    with context.store.writing() as db:
        audience = _present(db, context, audience_id)
        found = sessions.read(db, audience.account, audience.id, wish.session_id)
    shown: list[Json] = [
        {name: session[name] for name in names or session if name in session}
        for session in found[: wish.limit]
    ]
    content: dict[str, Json] = {"data": shown}
    if wish.summary:
        content["summary"] = {"total_count": len(found)}
    return json_reply(content, outcome=f"{len(shown)} sessions listed", audience=audience_id)


def _present(db: sqlite3.Connection, context: Context, audience_id: str) -> AudienceRecord:
    """The audience, after time has done its work on it: expired members, an abandoned replacement."""
    audience = audiences.find(db, audience_id)
    if audience is None:
        raise GraphRefusal(missing_object(audience_id, context.call.method))
    if audience.retention_days is not None:
        gone = members.expire(db, audience.id, audience.retention_days)
        if gone:
            audiences.note_content_change(db, audience, context.call.number, 0, gone, 0)
    if audience.replace_session is not None and _abandoned(db, audience):
        members.discard_staged(db, audience.id)
        db.execute(
            "update meta_audiences set replace_session = null, replace_failed = 1 where id = ?",
            (audience.id,),
        )
    return audiences.find(db, audience_id) or audience


def _abandoned(db: sqlite3.Connection, audience: AudienceRecord) -> bool:
    row = db.execute(
        "select started_at from meta_sessions where account = ? and session_id = ?",
        (audience.account, audience.replace_session),
    ).fetchone()
    return row is None or clock.now(db) - row["started_at"] > sessions.WINDOW_SECONDS


def _editable(db: sqlite3.Connection, context: Context, audience_id: str, rows: Rows) -> AudienceRecord:
    audience = _present(db, context, audience_id)
    if audience.flagged:
        raise GraphRefusal(FLAGGED)
    if "LOOKALIKE_VALUE" in rows.columns and not audience.is_value_based:
        raise GraphRefusal(invalid("LOOKALIKE_VALUE can be sent only to a value based audience"))
    return audience


def _upload_reply(audience_id: str, rows: Rows, totals: Totals, added: int, removed: int) -> Reply:
    content = {
        "audience_id": audience_id,
        "session_id": str(totals.session_id),
        "num_received": totals.received,
        "num_invalid_entries": totals.invalid,
        "invalid_entry_samples": rows.samples,
    }
    outcome = f"{added} added, {removed} removed, {rows.invalid} invalid"
    return json_reply(content, rows=rows.received, outcome=outcome, audience=audience_id)
