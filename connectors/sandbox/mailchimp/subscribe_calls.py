"""The bulk subscription of a list, which overwrites statuses where it is told to update."""

from __future__ import annotations

import sqlite3

from connectors.sandbox.mailchimp import addresses, contacts, documents, lists, segments
from connectors.sandbox.mailchimp.contacts import Contact
from connectors.sandbox.mailchimp.context import Context
from connectors.sandbox.mailchimp.errors import FieldFault, Problem, Refusal, invalid_field, member_exists
from connectors.sandbox.mailchimp.member_calls import check_address, give_tags, merge_values
from connectors.sandbox.mailchimp.requests import BatchSubscribe, BatchSubscribeQuery, SubscribedMember
from connectors.sandbox.wire import Json, Reply, json_reply


def batch_subscribe(context: Context, list_id: str) -> Reply:
    """``POST /lists/{list_id}``: up to 500 contacts; with ``update_existing`` their status is overwritten."""
    query, wish = context.query(BatchSubscribeQuery), context.body(BatchSubscribe)
    refused = context.call.rejection.picks([member.email_address for member in wish.members])
    created: list[Json] = []
    updated: list[Json] = []
    errors: list[Json] = []
    seen: set[str] = set()
    with context.store.writing() as db:
        lists.require(db, list_id)
        for position, row in enumerate(wish.members):
            member_hash = addresses.subscriber_hash(row.email_address)
            try:
                if position in refused:
                    raise Refusal(invalid_field("email_address", "This contact was refused."))
                if member_hash in seen and not query.skip_duplicate_check:
                    raise Refusal(Problem(400, "Invalid Resource", "Duplicate items found in request."))
                seen.add(member_hash)
                contact, is_new = _subscribe(db, context, list_id, row, wish, query)
            except Refusal as refusal:
                errors.append(_row_error(row, refusal.problem))
                continue
            (created if is_new else updated).append(documents.segment_member(contact))
    content: dict[str, Json] = {
        "new_members": created,
        "updated_members": updated,
        "errors": errors,
        "total_created": len(created),
        "total_updated": len(updated),
        "error_count": len(errors),
    }
    outcome = f"{len(created)} created, {len(updated)} updated, {len(errors)} refused"
    return json_reply(content, rows=len(wish.members), outcome=outcome)


def _subscribe(
    db: sqlite3.Connection,
    context: Context,
    list_id: str,
    row: SubscribedMember,
    wish: BatchSubscribe,
    query: BatchSubscribeQuery,
) -> tuple[Contact, bool]:
    check_address(context, row.email_address)
    contact = contacts.find(db, list_id, row.email_address)
    is_new = contact is None
    if contact is not None and not wish.update_existing:
        raise Refusal(member_exists(row.email_address))
    contacts.refuse_forgotten(db, list_id, row.email_address)
    accepted = merge_values(db, list_id, row, query, complete=is_new)
    if contact is None:
        contact = contacts.create(db, context.call.number, list_id, row.email_address, row.status)
    else:
        contact = contacts.change_status(db, context.call.number, contact, row.status)
    contact = contacts.write_fields(db, contact, row, accepted)
    if wish.sync_tags:
        for tag, _ in segments.of_contact(db, list_id, contact.hash):
            if tag.name not in row.tags:
                segments.take_out(db, tag, [contact.hash])
                segments.note_change(db, tag, context.call.number, 0, 1)
    give_tags(db, context.call.number, contact, row.tags)
    return contact, is_new


def _row_error(row: SubscribedMember, problem: Problem) -> Json:
    exists = problem.title == "Member Exists"
    fault = problem.faults[0] if problem.faults else FieldFault("", "")
    return {
        "email_address": row.email_address,
        "error": fault.message or problem.detail,
        "error_code": "ERROR_CONTACT_EXISTS" if exists else "ERROR_GENERIC",
        "field": fault.field,
        "field_message": fault.message,
    }
