"""Calls about segments: make them, read them, and put contacts in or take them out in bulk."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import orjson

from connectors.sandbox.mailchimp import addresses, contacts, documents, lists, segments
from connectors.sandbox.mailchimp.contacts import Contact
from connectors.sandbox.mailchimp.context import Context
from connectors.sandbox.mailchimp.errors import NOT_FOUND, Refusal, invalid_field
from connectors.sandbox.mailchimp.field_selection import select
from connectors.sandbox.mailchimp.requests import (
    AddSegmentMember,
    CreateSegment,
    EditSegment,
    InclusionQuery,
    NoQuery,
    SegmentMembersQuery,
    SegmentQuery,
    SegmentsQuery,
    UpdateSegment,
)
from connectors.sandbox.mailchimp.segments import Segment
from connectors.sandbox.wire import Json, Reply, json_reply

NOT_IN_LIST = "Email address is not a contact of this list."
ARCHIVED = "Email address belongs to an archived contact."
REFUSED = "Email address was refused."


@dataclass(frozen=True, slots=True)
class Sorted:
    """Addresses of one array: the hashes that can be used and the reasons for the others."""

    usable: list[str]
    faults: dict[str, list[str]]


def create_segment(context: Context, list_id: str) -> Reply:
    """``POST /lists/{list_id}/segments``: static or saved, never both."""
    context.query(NoQuery)
    wish = context.body(CreateSegment)
    if (wish.static_segment is None) == (wish.options is None):
        raise Refusal(invalid_field("static_segment", "Give either static_segment or options, and not both."))
    with context.store.writing() as db:
        lists.require(db, list_id)
        options = wish.options.model_dump() if wish.options else None
        segment = segments.create(db, list_id, wish.name, options)
        found = _sort(db, list_id, wish.static_segment or [], frozenset())
        added = segments.put_in(db, segment, found.usable)
        segments.note_change(db, segment, context.call.number, len(added), 0)
        document = documents.segment(db, segments.require(db, list_id, str(segment.id)), _everybody())
    return json_reply(document, outcome=f"segment created with {len(added)}", audience=str(segment.id))


def read_segments(context: Context, list_id: str) -> Reply:
    """``GET /lists/{list_id}/segments``."""
    wish = context.query(SegmentsQuery)
    with context.store.reading() as db:
        lists.require(db, list_id)
        kept = [segment for segment in segments.of_list(db, list_id) if _wanted(segment, wish)]
        shown: list[Json] = [
            documents.segment(db, segment, wish) for segment in kept[wish.offset : wish.offset + wish.count]
        ]
    document: dict[str, Json] = {"segments": shown, "list_id": list_id, "total_items": len(kept)}
    return json_reply(select(document, wish), outcome=f"{len(shown)} of {len(kept)} segments read")


def read_segment(context: Context, list_id: str, segment_id: str) -> Reply:
    """``GET /lists/{list_id}/segments/{segment_id}``."""
    wish = context.query(SegmentQuery)
    with context.store.reading() as db:
        document = documents.segment(db, segments.require(db, list_id, segment_id), wish)
    return json_reply(select(document, wish), outcome="segment read", audience=segment_id)


def update_segment(context: Context, list_id: str, segment_id: str) -> Reply:
    """``PATCH /lists/{list_id}/segments/{segment_id}``: ``static_segment`` replaces all members."""
    context.query(NoQuery)
    wish = context.body(UpdateSegment)
    added: list[str] = []
    removed: list[str] = []
    with context.store.writing() as db:
        segment = segments.require(db, list_id, segment_id)
        if wish.name is not None:
            segments.rename(db, segment, wish.name)
        if wish.static_segment is not None:
            segments.refuse_saved(segment)
            found = _sort(db, list_id, wish.static_segment, frozenset())
            present = db.execute(
                "select hash from mailchimp_segment_members where segment_id = ?", (segment.id,)
            ).fetchall()
            leaving = [member_hash for (member_hash,) in present if member_hash not in set(found.usable)]
            removed = segments.take_out(db, segment, leaving)
            added = segments.put_in(db, segment, found.usable)
            segments.note_change(db, segment, context.call.number, len(added), len(removed))
        document = documents.segment(db, segments.require(db, list_id, segment_id), _everybody())
    outcome = f"segment changed, {len(added)} added, {len(removed)} removed"
    return json_reply(document, outcome=outcome, audience=segment_id)


def delete_segment(context: Context, list_id: str, segment_id: str) -> Reply:
    """``DELETE /lists/{list_id}/segments/{segment_id}``."""
    context.expect_nothing()
    with context.store.writing() as db:
        segments.delete(db, segments.require(db, list_id, segment_id))
    return Reply(204, outcome="segment deleted", audience=segment_id)


def edit_segment(context: Context, list_id: str, segment_id: str) -> Reply:
    """``POST /lists/{list_id}/segments/{segment_id}``: a 200 can hold failures, in ``errors``."""
    context.query(NoQuery)
    wish = context.body(EditSegment)
    sent = [*wish.members_to_add, *wish.members_to_remove]
    rejection = context.call.rejection
    refused = rejection.picks(sent)
    with context.store.writing() as db:
        segment = segments.require(db, list_id, segment_id)
        segments.refuse_saved(segment)
        first_removal = len(wish.members_to_add)
        to_add = _sort(db, list_id, wish.members_to_add, refused)
        to_remove = _sort(
            db,
            list_id,
            wish.members_to_remove,
            frozenset(position - first_removal for position in refused if position >= first_removal),
            archived_usable=True,
        )
        added = segments.put_in(db, segment, to_add.usable)
        removed = segments.take_out(db, segment, to_remove.usable)
        segments.note_change(db, segment, context.call.number, len(added), len(removed))
        content: dict[str, Json] = {
            "members_added": _documents(db, list_id, added),
            "members_removed": _documents(db, list_id, removed),
            "total_added": len(added),
            "total_removed": len(removed),
        }
    faults = [
        *({"email_addresses": emails, "error": reason} for reason, emails in to_add.faults.items()),
        *({"email_addresses": emails, "error": reason} for reason, emails in to_remove.faults.items()),
    ]
    error_count = sum(len(fault["email_addresses"]) for fault in faults)
    outcome = f"{len(added)} added, {len(removed)} removed, {error_count} refused"
    return json_reply(
        {**content, "errors": [] if rejection.unnamed else faults, "error_count": error_count},
        rows=len(sent),
        outcome=outcome,
        audience=segment_id,
    )


def read_segment_members(context: Context, list_id: str, segment_id: str) -> Reply:
    """``GET /lists/{list_id}/segments/{segment_id}/members``: without its flags only the subscribed are shown."""
    wish = context.query(SegmentMembersQuery)
    with context.store.reading() as db:
        segment = segments.require(db, list_id, segment_id)
        total = segments.visible_count(db, segment, wish)
        rows = db.execute(
            """
            select contacts.*
            from mailchimp_segment_members as members
            join mailchimp_contacts as contacts on contacts.hash = members.hash and contacts.list_id = ?
            where members.segment_id = ?
              and contacts.status in (select value from json_each(?))
            order by members.hash
            limit ? offset ?
            """,
            (
                list_id,
                segment.id,
                orjson.dumps(segments.visible_statuses(wish)).decode(),
                wish.count,
                wish.offset,
            ),
        )
        shown: list[Json] = [documents.segment_member(Contact(**dict(row))) for row in rows]
    document: dict[str, Json] = {"members": shown, "total_items": total}
    outcome = f"{len(shown)} of {total} members read"
    return json_reply(select(document, wish), outcome=outcome, audience=segment_id)


def add_segment_member(context: Context, list_id: str, segment_id: str) -> Reply:
    """``POST /lists/{list_id}/segments/{segment_id}/members``."""
    context.query(NoQuery)
    wish = context.body(AddSegmentMember)
    with context.store.writing() as db:
        segment = segments.require(db, list_id, segment_id)
        segments.refuse_saved(segment)
        found = _sort(db, list_id, [wish.email_address], frozenset())
        if not found.usable:
            raise Refusal(invalid_field("email_address", next(iter(found.faults))))
        added = segments.put_in(db, segment, found.usable)
        segments.note_change(db, segment, context.call.number, len(added), 0)
        (document,) = _documents(db, list_id, found.usable)
    return json_reply(document, rows=1, outcome=f"{len(added)} added", audience=segment_id)


def remove_segment_member(context: Context, list_id: str, segment_id: str, name: str) -> Reply:
    """``DELETE /lists/{list_id}/segments/{segment_id}/members/{subscriber_hash}``."""
    context.expect_nothing()
    with context.store.writing() as db:
        segment = segments.require(db, list_id, segment_id)
        segments.refuse_saved(segment)
        contact = contacts.find(db, list_id, name)
        if contact is None or not segments.take_out(db, segment, [contact.hash]):
            raise Refusal(NOT_FOUND)
        segments.note_change(db, segment, context.call.number, 0, 1)
    return Reply(204, rows=1, outcome="1 removed", audience=segment_id)


def _sort(
    db: sqlite3.Connection,
    list_id: str,
    emails: list[str],
    refused: frozenset[int],
    *,
    archived_usable: bool = False,
) -> Sorted:
    """Addresses by what can be done with them, looked up all at once."""
    hashes = {email: addresses.subscriber_hash(email) for email in emails}
    statuses = dict(
        db.execute(
            """
            select hash, status
            from mailchimp_contacts
            where list_id = ?
              and hash in (select value from json_each(?))
            """,
            (list_id, orjson.dumps(list(hashes.values())).decode()),
        ).fetchall()
    )
    usable: list[str] = []
    faults: dict[str, list[str]] = {}
    for position, email in enumerate(emails):
        status = statuses.get(hashes[email])
        if position in refused:
            faults.setdefault(REFUSED, []).append(email)
        elif status is None:
            faults.setdefault(NOT_IN_LIST, []).append(email)
        elif status == "archived" and not archived_usable:
            faults.setdefault(ARCHIVED, []).append(email)
        else:
            usable.append(hashes[email])
    return Sorted(usable, faults)


def _documents(db: sqlite3.Connection, list_id: str, hashes: list[str]) -> list[Json]:
    rows = db.execute(
        """
        select *
        from mailchimp_contacts
        where list_id = ?
          and hash in (select value from json_each(?))
        """,
        (list_id, orjson.dumps(hashes).decode()),
    )
    return [documents.segment_member(Contact(**dict(row))) for row in rows]


def _wanted(segment: Segment, wish: SegmentsQuery) -> bool:
    return (
        wish.type in (None, segment.type)
        and (wish.since_created_at is None or segment.created_at >= wish.since_created_at)
        and (wish.before_created_at is None or segment.created_at < wish.before_created_at)
        and (wish.since_updated_at is None or segment.updated_at >= wish.since_updated_at)
        and (wish.before_updated_at is None or segment.updated_at < wish.before_updated_at)
    )


def _everybody() -> InclusionQuery:
    return InclusionQuery(include_cleaned=True, include_transactional=True, include_unsubscribed=True)
