"""What may leave for Iterable: into lists, out of lists, and questions. Leaving a list unsubscribes from nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connectors.consent_guard import Call, ConsentGuard, ForbiddenRequest, Request, fields_in
from connectors.iterable.settings import NAMED

FORBIDDEN_FIELDS = frozenset(
    {
        "emailListIds",
        "unsubscribedChannelIds",
        "unsubscribedMessageTypeIds",
        "subscribedMessageTypeIds",
        "updateSubscriptionsRequests",
        "campaignId",  # counts somebody as having unsubscribed because of a campaign
        "preferUserId",  # lets an unknown id create a user; as a question it chooses what members are named by
        "createNewFields",  # a field that came about by mistake stays for ever
    }
)


def guard(create_missing: bool) -> ConsentGuard:
    """The guard of a project whose unknown people may be created, or not."""
    calls = (
        Call("GET", r"/api/lists"),
        Call("POST", r"/api/lists"),
        Call("POST", r"/api/lists/subscribe", {"updateExistingUsersOnly": not create_missing}),
        Call("POST", r"/api/lists/unsubscribe", {"channelUnsubscribe": False}),
        Call("GET", r"/api/lists/getUsers", asks={"preferUserId": frozenset({"true", "false"})}),
        Call("GET", r"/api/lists/[0-9]+/size"),
        Call("GET", r"/api/users/getByEmail"),
        Call("GET", r"/api/users/getFields"),
        Call("GET", r"/api/users/forgotten"),
    )
    only = {"channelUnsubscribe": frozenset[object]({False})}
    return ConsentGuard("Iterable", calls, FORBIDDEN_FIELDS, only, _attributes_name_nobody)


def _attributes_name_nobody(request: Request) -> Iterator[Request]:
    """An address or id among the attributes would change who somebody is."""
    for name, value in fields_in(request.body):
        if name == "dataFields" and isinstance(value, Mapping) and set(value) & set(NAMED.values()):
            raise ForbiddenRequest("Iterable: an attribute must not be an address or a user id")
    yield from ()
