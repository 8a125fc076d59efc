"""The ad account and its edges: list and create audiences, terms, and the opt-out from all of them."""

from __future__ import annotations

from urllib.parse import urlencode

from connectors.sandbox import clock
from connectors.sandbox.accounts import SANDBOX_META_AD_ACCOUNT, SANDBOX_META_BUSINESS
from connectors.sandbox.meta import audiences, members
from connectors.sandbox.meta.context import Context, split_fields
from connectors.sandbox.meta.errors import TOO_MUCH, GraphRefusal, invalid
from connectors.sandbox.meta.requests import CreateAudience, ListEdge, ReadNode, RemoveEverywhere
from connectors.sandbox.meta.rows import judge
from connectors.sandbox.wire import Json, Reply, json_reply

LARGEST_PAGE = 500
"""Above it the platform answers code 1; 20 is what its pages suggest."""


def read_account(context: Context) -> Reply:
    """``GET /act_<id>``."""
    accepted = context.switches.meta_terms_accepted
    values: dict[str, Json] = {
        "id": SANDBOX_META_AD_ACCOUNT,
        "account_id": SANDBOX_META_AD_ACCOUNT.removeprefix("act_"),
        "name": "Sandbox ad account",
        "account_status": 1,
        "currency": "USD",
        "timezone_name": "America/New_York",
        "business": {"id": SANDBOX_META_BUSINESS, "name": "Sandbox business"},
        "tos_accepted": {"web_custom_audience_tos": 1, "custom_audience_tos": int(accepted)},
    }
    names = split_fields(context.parameters.model(ReadNode).fields, values, "AdAccount")
    return json_reply({name: values[name] for name in ["id", *names]}, outcome="account read")


def read_terms(context: Context) -> Reply:
    """``GET /act_<id>/customaudiencestos``."""
    context.parameters.model(ListEdge)
    terms: list[Json] = []
    if context.switches.meta_terms_accepted:
        terms = [
            {"id": "1", "content": "Customer List Custom Audiences Terms", "type": "CUSTOM_AUDIENCE_TOS"}
        ]
    return json_reply({"data": terms}, outcome="terms read")


def list_audiences(context: Context) -> Reply:
    """``GET /act_<id>/customaudiences``: newest first, paged by cursor."""
    wish = context.parameters.model(ListEdge)
    names = split_fields(wish.fields, audiences.FIELDS, "CustomAudience")
    if wish.limit > LARGEST_PAGE:
        raise GraphRefusal(TOO_MUCH)
    if wish.after is not None and not wish.after.isdecimal():
        raise GraphRefusal(invalid("Invalid cursors values"))
    below = int(wish.after) if wish.after else None
    with context.store.reading() as db:
        found = audiences.page(db, SANDBOX_META_AD_ACCOUNT, below=below, limit=wish.limit + 1)
        total = audiences.count(db, SANDBOX_META_AD_ACCOUNT)
        now = clock.now(db)
    shown = found[: wish.limit]
    content: dict[str, Json] = {"data": [audiences.read_fields(audience, names, now) for audience in shown]}
    if shown:
        cursors: dict[str, Json] = {"before": str(shown[0].id), "after": str(shown[-1].id)}
        paging: dict[str, Json] = {"cursors": cursors}
        if len(found) > wish.limit:
            paging["next"] = _next_page(context, wish, str(shown[-1].id))
        content["paging"] = paging
    if wish.summary:
        content["summary"] = {"total_count": total}
    return json_reply(content, outcome=f"{len(shown)} audiences listed")


def _next_page(context: Context, wish: ListEdge, after: str) -> str:
    query = {"limit": str(wish.limit), "after": after}
    if wish.fields is not None:
        query["fields"] = wish.fields
    token = context.call.query.get("access_token")
    if token is not None:
        query["access_token"] = token
    return f"{context.call.base_url}{context.call.path}?{urlencode(query)}"


def create_audience(context: Context) -> Reply:
    """``POST /act_<id>/customaudiences``."""
    wish = context.parameters.model(CreateAudience)
    context.require_terms()
    with context.store.writing() as db:
        audience_id, created = audiences.create(db, SANDBOX_META_AD_ACCOUNT, wish)
    outcome = "audience created" if created else "audience fetched by name"
    return json_reply({"id": str(audience_id)}, outcome=outcome, audience=str(audience_id))


def remove_everywhere(context: Context) -> Reply:
    """``DELETE /act_<id>/usersofanyaudience``: people who opted out leave every customer-file audience."""
    wish = context.parameters.model(RemoveEverywhere)
    context.require_terms()
    rows = judge(wish.payload, context.call.rejection)
    removed_in_all = 0
    with context.store.writing() as db:
        for audience in audiences.page(
            db, SANDBOX_META_AD_ACCOUNT, below=None, limit=audiences.MAX_AUDIENCES
        ):
            removed = members.remove(db, audience.id, rows.members)
            if removed:
                audiences.note_content_change(db, audience, context.call.number, 0, removed, 0)
            removed_in_all += removed
    content = {
        "num_received": rows.received,
        "num_invalid_entries": rows.invalid,
        "invalid_entry_samples": rows.samples,
    }
    outcome = f"{removed_in_all} removed in all audiences, {rows.invalid} invalid"
    return json_reply(content, rows=rows.received, outcome=outcome)
