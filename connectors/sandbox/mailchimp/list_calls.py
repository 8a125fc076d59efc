"""Calls about the account, its lists, their merge fields and tags."""

from __future__ import annotations

from connectors.sandbox.accounts import SANDBOX_MAILCHIMP_LIST_NAME
from connectors.sandbox.mailchimp import documents, lists, merge_fields, segments
from connectors.sandbox.mailchimp.addresses import subscriber_hash
from connectors.sandbox.mailchimp.contacts import Contact
from connectors.sandbox.mailchimp.context import Context
from connectors.sandbox.mailchimp.field_selection import select
from connectors.sandbox.mailchimp.requests import (
    CreateMergeField,
    Fields,
    ListQuery,
    ListsQuery,
    MergeFieldsQuery,
    NoQuery,
    SearchMembersQuery,
    TagSearchQuery,
    UpdateMergeField,
)
from connectors.sandbox.wire import Json, Reply, json_reply


def ping(context: Context) -> Reply:
    """``GET /ping``."""
    context.expect_nothing()
    return json_reply({"health_status": "Everything's Chimpy!"}, outcome="key checked")


def read_root(context: Context) -> Reply:
    """``GET /``."""
    document: dict[str, Json] = {
        "account_id": "sandbox0000000000000000000",
        "login_id": "sandbox",
        "account_name": "Sandbox",
        "email": "sandbox@example.com",
        "role": "owner",
        "pro_enabled": False,
    }
    return json_reply(select(document, context.query(Fields)), outcome="account read")


def read_lists(context: Context) -> Reply:
    """``GET /lists``."""
    wish = context.query(ListsQuery)
    with context.store.reading() as db:
        rows = db.execute(
            """
            select *
            from mailchimp_lists
            where ? is null or id in (select list_id from mailchimp_contacts where hash = ?)
            order by created_at, id
            """,
            (wish.email, subscriber_hash(wish.email or "")),
        ).fetchall()
        shown = rows[wish.offset : wish.offset + wish.count]
        found: list[Json] = [
            documents.audience_list(db, row, total_contacts=wish.include_total_contacts) for row in shown
        ]
    document: dict[str, Json] = {
        "lists": found,
        "total_items": len(rows),
        "constraints": {
            "may_create": False,
            "max_instances": 1,
            "current_total_instances": len(rows),
        },
    }
    return json_reply(select(document, wish), outcome=f"{len(found)} lists read")


def read_list(context: Context, list_id: str) -> Reply:
    """``GET /lists/{list_id}``."""
    wish = context.query(ListQuery)
    with context.store.reading() as db:
        row = lists.require(db, list_id)
        document = documents.audience_list(db, row, total_contacts=wish.include_total_contacts)
    return json_reply(select(document, wish), outcome=f"list {SANDBOX_MAILCHIMP_LIST_NAME} read")


def search_tags(context: Context, list_id: str) -> Reply:
    """``GET /lists/{list_id}/tag-search``: tags whose name begins with what was given."""
    wish = context.query(TagSearchQuery)
    with context.store.reading() as db:
        lists.require(db, list_id)
        tags: list[Json] = [
            {"id": tag.id, "name": tag.name}
            for tag in segments.of_list(db, list_id)
            if tag.type == "static" and tag.name.lower().startswith(wish.name.lower())
        ]
    return json_reply({"tags": tags, "total_items": len(tags)}, outcome=f"{len(tags)} tags found")


def read_merge_fields(context: Context, list_id: str) -> Reply:
    """``GET /lists/{list_id}/merge-fields``."""
    wish = context.query(MergeFieldsQuery)
    with context.store.reading() as db:
        lists.require(db, list_id)
        fields = merge_fields.of_list(db, list_id)
    kept = [
        field
        for field in fields
        if wish.type in (None, field.type) and wish.required in (None, bool(field.required))
    ]
    shown: list[Json] = [
        documents.merge_field(field) for field in kept[wish.offset : wish.offset + wish.count]
    ]
    document: dict[str, Json] = {"merge_fields": shown, "list_id": list_id, "total_items": len(kept)}
    return json_reply(select(document, wish), outcome=f"{len(shown)} merge fields read")


def create_merge_field(context: Context, list_id: str) -> Reply:
    """``POST /lists/{list_id}/merge-fields``."""
    context.query(NoQuery)
    wish = context.body(CreateMergeField)
    with context.store.writing() as db:
        lists.require(db, list_id)
        document = documents.merge_field(merge_fields.create(db, list_id, wish))
    return json_reply(document, outcome="merge field created")


def read_merge_field(context: Context, list_id: str, merge_id: str) -> Reply:
    """``GET /lists/{list_id}/merge-fields/{merge_id}``."""
    wish = context.query(Fields)
    with context.store.reading() as db:
        lists.require(db, list_id)
        document = documents.merge_field(merge_fields.require(db, list_id, merge_id))
    return json_reply(select(document, wish), outcome="merge field read")


def update_merge_field(context: Context, list_id: str, merge_id: str) -> Reply:
    """``PATCH /lists/{list_id}/merge-fields/{merge_id}``."""
    context.query(NoQuery)
    wish = context.body(UpdateMergeField)
    with context.store.writing() as db:
        lists.require(db, list_id)
        merge_fields.update(db, merge_fields.require(db, list_id, merge_id), wish)
        document = documents.merge_field(merge_fields.require(db, list_id, merge_id))
    return json_reply(document, outcome="merge field changed")


def delete_merge_field(context: Context, list_id: str, merge_id: str) -> Reply:
    """``DELETE /lists/{list_id}/merge-fields/{merge_id}``."""
    context.expect_nothing()
    with context.store.writing() as db:
        lists.require(db, list_id)
        merge_fields.delete(db, merge_fields.require(db, list_id, merge_id))
    return Reply(204, outcome="merge field deleted")


def search_members(context: Context) -> Reply:
    """``GET /search-members``: an exact address, or a part of one."""
    wish = context.query(SearchMembersQuery)
    with context.store.reading() as db:
        rows = db.execute(
            """
            select *
            from mailchimp_contacts
            where (:list is null or list_id = :list)
              and instr(lower(email), lower(:text)) > 0
            order by hash
            limit 30
            """,
            {"list": wish.list_id, "text": wish.query},
        )
        found = [documents.member(db, Contact(**dict(row))) for row in rows]
    exact: list[Json] = [m for m in found if str(m["email_address"]).lower() == wish.query.lower()]
    partial: list[Json] = [m for m in found if str(m["email_address"]).lower() != wish.query.lower()]
    document: dict[str, Json] = {
        "exact_matches": {"members": exact, "total_items": len(exact)},
        "full_search": {"members": partial, "total_items": len(partial)},
    }
    return json_reply(select(document, wish), outcome=f"{len(found)} contacts found")
