"""What Iterable's calls carry."""

from __future__ import annotations

from pydantic import Field

from connectors.sandbox.played import StrictRequest
from connectors.sandbox.wire import Json


class NewList(StrictRequest):
    """``POST /api/lists``."""

    name: str = Field(min_length=1)
    description: str = ""


class Who(StrictRequest):
    """A person by e-mail, by user id, or by both where the project knows both."""

    email: str | None = None
    userId: str | None = None


class Subscriber(Who):
    """One to put into a list."""

    dataFields: dict[str, Json] = Field(default={})
    mergeNestedObjects: bool = False
    preferUserId: bool = False


class Subscribe(StrictRequest):
    """``POST /api/lists/subscribe``."""

    listId: int
    subscribers: list[Subscriber] = Field(min_length=1)
    updateExistingUsersOnly: bool = False


class Unsubscribe(StrictRequest):
    """``POST /api/lists/unsubscribe``. Documents differ on what an absent ``channelUnsubscribe`` means: here it is the
    reading that does harm."""

    listId: int
    subscribers: list[Who] = Field(min_length=1)
    campaignId: int | None = None
    channelUnsubscribe: bool = True


class UserUpdate(Subscriber):
    """``POST /api/users/update``."""

    createNewFields: bool = True


class BulkUpdate(StrictRequest):
    """``POST /api/users/bulkUpdate``."""

    users: list[Subscriber] = Field(min_length=1)
    updateOnlyExisting: bool = False
    createNewFields: bool = True


class Subscriptions(Who):
    """``POST /api/users/updateSubscriptions``: what is given takes the place of what was there."""

    emailListIds: list[int] | None = None
    unsubscribedChannelIds: list[int] | None = None
    unsubscribedMessageTypeIds: list[int] | None = None
    subscribedMessageTypeIds: list[int] | None = None
    campaignId: int | None = None


class BulkSubscriptions(StrictRequest):
    """``POST /api/users/bulkUpdateSubscriptions``."""

    updateSubscriptionsRequests: list[Subscriptions] = Field(min_length=1)


class GroupPeople(StrictRequest):
    """``PUT /api/subscriptions/{group}/{id}``."""

    users: list[str] = Field(default=[])
    usersByUserId: list[str] = Field(default=[])
