"""Calls about the contacts of a list."""

from __future__ import annotations

import sqlite3

from connectors.sandbox.mailchimp import addresses, contacts, documents, lists, merge_fields, segments
from connectors.sandbox.mailchimp.contacts import Contact
from connectors.sandbox.mailchimp.context import Context
from connectors.sandbox.mailchimp.errors import (
    NOT_FOUND,
    Problem,
    Refusal,
    invalid_field,
    invalid_resource,
    member_exists,
)
from connectors.sandbox.mailchimp.field_selection import select
from connectors.sandbox.mailchimp.requests import (
    Fields,
    MemberFields,
    MembersQuery,
    NoQuery,
    Page,
    PatchMember,
    PostMember,
    PutMember,
    UpdateTags,
    WriteMemberQuery,
)
from connectors.sandbox.wire import Json, Reply, json_reply


def read_members(context: Context, list_id: str) -> Reply:
    """``GET /lists/{list_id}/members``; archived contacts only when asked for by status."""
    wish = context.query(MembersQuery)
    condition = """
        list_id = :list
          and case when :status is null then status <> 'archived' else status = :status end
          and (:since is null or last_changed >= :since)
          and (:before is null or last_changed < :before)
          and (:email_type is null or email_type = :email_type)
          and (not :vip_only or vip)
    """
    values = {
        "list": list_id,
        "status": wish.status,
        "since": wish.since_last_changed,
        "before": wish.before_last_changed,
        "email_type": wish.email_type,
        "vip_only": wish.vip_only,
    }
    order = f"{wish.sort_field or 'web_id'} {wish.sort_dir}, web_id"
    with context.store.reading() as db:
        lists.require(db, list_id)
        (total,) = db.execute(f"select count(*) from mailchimp_contacts where {condition}", values).fetchone()
        rows = db.execute(
            f"select * from mailchimp_contacts where {condition} order by {order} limit :count offset :offset",
            {**values, "count": wish.count, "offset": wish.offset},
        )
        shown: list[Json] = [documents.member(db, Contact(**dict(row))) for row in rows]
    document: dict[str, Json] = {"members": shown, "list_id": list_id, "total_items": total}
    return json_reply(select(document, wish), outcome=f"{len(shown)} of {total} contacts read")


def read_member(context: Context, list_id: str, name: str) -> Reply:
    """``GET /lists/{list_id}/members/{subscriber_hash}``."""
    wish = context.query(Fields)
    with context.store.reading() as db:
        document = documents.member(db, _require(db, list_id, name))
    return json_reply(select(document, wish), outcome="contact read")


def put_member(context: Context, list_id: str, name: str) -> Reply:
    """``PUT /lists/{list_id}/members/{subscriber_hash}``.

    ``status_if_new`` counts for new contacts only; ``status`` overwrites. A new contact's address must belong
    to the hash in the path: the real service is laxer, but a mismatch is always a caller's mistake.
    """
    query, wish = context.query(WriteMemberQuery), context.body(PutMember)
    with context.store.writing() as db:
        lists.require(db, list_id)
        check_address(context, wish.email_address)
        contact = contacts.find(db, list_id, name)
        if contact is None:
            if name not in (wish.email_address, addresses.subscriber_hash(wish.email_address)):
                raise Refusal(
                    invalid_field("email_address", "This address does not belong to the subscriber hash.")
                )
            contacts.refuse_forgotten(db, list_id, wish.email_address)
        accepted = merge_values(db, list_id, wish, query, complete=contact is None)
        if contact is None:
            status = wish.status or wish.status_if_new
            contact = contacts.create(db, context.call.number, list_id, wish.email_address, status)
            outcome = f"contact created as {status}"
        else:
            contact = _move(db, contact, wish.email_address)
            before = contact.status
            if wish.status is not None:
                contact = contacts.change_status(db, context.call.number, contact, wish.status)
            outcome = f"contact updated, status {before}" + (
                f" → {contact.status}" if contact.status != before else " kept"
            )
        document = documents.member(db, contacts.write_fields(db, contact, wish, accepted))
    return json_reply(document, rows=1, outcome=outcome)


def post_member(context: Context, list_id: str) -> Reply:
    """``POST /lists/{list_id}/members``: new contacts only."""
    query, wish = context.query(WriteMemberQuery), context.body(PostMember)
    with context.store.writing() as db:
        lists.require(db, list_id)
        check_address(context, wish.email_address)
        known = contacts.find(db, list_id, wish.email_address)
        if known is not None and known.status != "archived":
            raise Refusal(member_exists(wish.email_address))
        contacts.refuse_forgotten(db, list_id, wish.email_address)
        accepted = merge_values(db, list_id, wish, query, complete=True)
        if known is None:
            contact = contacts.create(db, context.call.number, list_id, wish.email_address, wish.status)
        else:
            contact = contacts.change_status(db, context.call.number, known, wish.status)
        contact = contacts.write_fields(db, contact, wish, accepted)
        give_tags(db, context.call.number, contact, wish.tags)
        document = documents.member(db, contact)
    return json_reply(document, rows=1, outcome=f"contact created as {wish.status}")


def patch_member(context: Context, list_id: str, name: str) -> Reply:
    """``PATCH /lists/{list_id}/members/{subscriber_hash}``."""
    query, wish = context.query(WriteMemberQuery), context.body(PatchMember)
    with context.store.writing() as db:
        contact = _require(db, list_id, name)
        if wish.email_address is not None:
            check_address(context, wish.email_address)
            contact = _move(db, contact, wish.email_address)
        accepted = merge_values(db, list_id, wish, query, complete=False)
        if wish.status is not None:
            contact = contacts.change_status(db, context.call.number, contact, wish.status)
        document = documents.member(db, contacts.write_fields(db, contact, wish, accepted))
    return json_reply(document, rows=1, outcome=f"contact changed, status {contact.status}")


def archive_member(context: Context, list_id: str, name: str) -> Reply:
    """``DELETE /lists/{list_id}/members/{subscriber_hash}``: the contact is archived, not erased."""
    context.expect_nothing()
    with context.store.writing() as db:
        contact = _require(db, list_id, name)
        if contact.status == "archived":
            raise Refusal(Problem(405, "Method Not Allowed", "This list member cannot be removed."))
        contacts.change_status(db, context.call.number, contact, "archived")
    return Reply(204, rows=1, outcome="contact archived")


def forget_member(context: Context, list_id: str, name: str) -> Reply:
    """``POST /lists/{list_id}/members/{subscriber_hash}/actions/delete-permanent``."""
    context.expect_nothing()
    with context.store.writing() as db:
        contact = _require(db, list_id, name)
        for tag, _ in segments.of_contact(db, list_id, contact.hash):
            removed = segments.take_out(db, tag, [contact.hash])
            segments.note_change(db, tag, context.call.number, 0, len(removed))
        contacts.forget(db, contact)
    return Reply(204, rows=1, outcome="contact permanently deleted")


def read_tags(context: Context, list_id: str, name: str) -> Reply:
    """``GET /lists/{list_id}/members/{subscriber_hash}/tags``."""
    wish = context.query(Page)
    with context.store.reading() as db:
        tags = segments.of_contact(db, list_id, _require(db, list_id, name).hash)
    shown: list[Json] = [
        {"id": tag.id, "name": tag.name, "date_added": added_at}
        for tag, added_at in tags[wish.offset : wish.offset + wish.count]
    ]
    document: dict[str, Json] = {"tags": shown, "total_items": len(tags)}
    return json_reply(select(document, wish), outcome=f"{len(shown)} tags read")


def update_tags(context: Context, list_id: str, name: str) -> Reply:
    """``POST /lists/{list_id}/members/{subscriber_hash}/tags``: an unknown active tag is created."""
    context.query(NoQuery)
    wish = context.body(UpdateTags)
    with context.store.writing() as db:
        contact = _require(db, list_id, name)
        on = [change.name for change in wish.tags if change.status == "active"]
        off = [change.name for change in wish.tags if change.status == "inactive"]
        give_tags(db, context.call.number, contact, on)
        for tag, _ in segments.of_contact(db, list_id, contact.hash):
            if tag.name in off:
                removed = segments.take_out(db, tag, [contact.hash])
                segments.note_change(db, tag, context.call.number, 0, len(removed))
    return Reply(204, rows=1, outcome=f"{len(on)} tags on, {len(off)} off")


def _require(db: sqlite3.Connection, list_id: str, name: str) -> Contact:
    lists.require(db, list_id)
    contact = contacts.find(db, list_id, name)
    if contact is None:
        raise Refusal(NOT_FOUND)
    return contact


def check_address(context: Context, email: str) -> None:
    """Raises Refusal (400) for an address that the platform does not take."""
    fault = addresses.fault_of(email, refuse_reserved=context.switches.mailchimp_refuses_reserved_domains)
    if fault is not None:
        raise Refusal(invalid_resource(fault))
    if 0 in context.call.rejection.picks([email]) and context.call.method == "PUT":
        raise Refusal(invalid_field("email_address", "This contact was refused."))


def _move(db: sqlite3.Connection, contact: Contact, email: str) -> Contact:
    if addresses.subscriber_hash(email) == contact.hash:
        return contact
    if contacts.find(db, contact.list_id, email) is not None:
        raise Refusal(member_exists(email))
    contacts.refuse_forgotten(db, contact.list_id, email)
    return contacts.change_address(db, contact, email)


def merge_values(
    db: sqlite3.Connection, list_id: str, wish: MemberFields, query: WriteMemberQuery, *, complete: bool
) -> dict[str, Json]:
    """The merge values to keep. Raises Refusal (400) unless validation is skipped."""
    return merge_fields.accepted_values(
        merge_fields.of_list(db, list_id),
        wish.merge_fields,
        complete=complete,
        skip_validation=query.skip_merge_validation,
    )


def give_tags(db: sqlite3.Connection, request: int, contact: Contact, names: list[str]) -> None:
    """Tag a contact; tags that don't exist yet are made."""
    for name in names:
        tag = segments.by_name(db, contact.list_id, name) or segments.create(db, contact.list_id, name, None)
        segments.refuse_saved(tag)
        added = segments.put_in(db, tag, [contact.hash])
        segments.note_change(db, tag, request, len(added), 0)
