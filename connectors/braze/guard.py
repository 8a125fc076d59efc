"""What may leave for Braze: custom attributes of people, and questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connectors.account import items_of
from connectors.consent_guard import Call, ConsentGuard, ForbiddenRequest, Request

IDENTIFIERS = frozenset({"external_id", "user_alias", "braze_id", "email", "phone"})
ONLY_EXISTING = "_update_existing_only"
FORBIDDEN_FIELDS = frozenset(
    {
        "email_subscribe",
        "push_subscribe",
        "subscription_groups",
        "subscription_group_id",
        "subscription_state",
        "email_open_tracking_disabled",
        "email_click_tracking_disabled",
        "marked_email_as_spam_at",
        "push_tokens",
        "push_token_import",
        "_merge_objects",  # of nested objects, which are never sent
    }
)


def guard(identifier: str, *, create_missing: bool) -> ConsentGuard:
    """The guard of a workspace whose people go by this identifier; any other would change who somebody is."""
    calls = (
        Call("POST", r"/users/track(/bulk)?"),
        Call("POST", r"/users/export/ids", {"fields_to_export": ["external_id"]}),
        Call("GET", r"/custom_attributes"),
        Call("GET", r"/email/(unsubscribes|hard_bounces)"),
    )
    allowed: frozenset[object] = frozenset({True, False} if create_missing else {True})
    never = FORBIDDEN_FIELDS | (IDENTIFIERS - {identifier})
    return ConsentGuard("Braze", calls, never, {ONLY_EXISTING: allowed}, _of_people)


def _of_people(request: Request) -> Iterator[Request]:
    """Attributes alone, and every object says whether it may create somebody: Braze's own default does."""
    body = request.body if isinstance(request.body, Mapping) else {}
    if request.path.startswith("/users/track") and set(body) != {"attributes"}:
        raise ForbiddenRequest("Braze: only attributes of people may be sent")
    if any(ONLY_EXISTING not in one for one in items_of(body.get("attributes"))):
        raise ForbiddenRequest(f"Braze: the field {ONLY_EXISTING!r} must be sent")
    yield from ()
