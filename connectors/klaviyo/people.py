"""Profiles as Klaviyo takes and tells them, and where they stand in a batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from connectors.account import items_of, object_of
from connectors.email import UNKNOWN_PERSON, Person
from connectors.klaviyo.answers import attributes_of
from connectors.people import Unreachable
from connectors.rules import EMAIL

Profile = dict[str, Any]
"""A resource of a request."""

STANDARD = frozenset({"first_name", "last_name", "organization", "title", "locale", "image"})
"""Attributes that every profile has; any other name is a property of the account's own."""

REASONS: Mapping[str, Literal["unsubscribed", "bounced", "complained", "suppressed"]] = {
    "UNSUBSCRIBE": "unsubscribed",
    "HARD_BOUNCE": "bounced",
    "INVALID_EMAIL": "bounced",
    "SPAM_COMPLAINT": "complained",
    "USER_SUPPRESSED": "suppressed",
}


def described(person: Person, id_: str | None = None) -> Profile:
    """Somebody with their attributes: whoever has the id, else whoever has the address, who may be new."""
    attributes: dict[str, object] = {} if id_ else {"email": person.known_as["EMAIL"]}
    attributes |= {name: value for name, value in person.attributes.items() if name in STANDARD}
    own = {name: value for name, value in person.attributes.items() if name not in STANDARD}
    if own:
        attributes["properties"] = own
    return {"type": "profile", **({"id": id_} if id_ else {}), "attributes": attributes}


def texts_in(profiles: Iterable[Profile]) -> Iterator[str]:
    """What is sent of people, which an error's text may repeat."""
    for profile in profiles:
        attributes = profile["attributes"]
        for value in (profile.get("id"), *attributes.values(), *attributes.get("properties", {}).values()):
            if isinstance(value, str):
                yield value


def unknown(people: Sequence[Person], known: Mapping[int, str]) -> dict[int, str]:
    """Whom Klaviyo does not know."""
    return {person.position: UNKNOWN_PERSON for person in people if person.position not in known}


def learned(people: Sequence[Person], known: Mapping[int, str]) -> dict[int, str | None]:
    """Ids by position that differ from what is remembered."""
    ids = ((person, known.get(person.position)) for person in people)
    return {person.position: id_ for person, id_ in ids if id_ != person.id}


def by_position(rows: Mapping[int, str], positions: Sequence[int]) -> dict[int, str]:
    """Rows of a request as rows of the batch; one that the request did not have is nobody's."""
    return {positions[row]: reason for row, reason in rows.items() if row < len(positions)}


def address_of(profile: Mapping[str, Any]) -> str | None:
    """The address of a profile, normalised."""
    return EMAIL.normalise(str(attributes_of(profile).get("email") or ""))


def suppressions(profile: Mapping[str, Any]) -> Iterator[Unreachable]:
    """Why nobody writes to a profile."""
    attributes = attributes_of(profile)
    email = object_of(object_of(attributes.get("subscriptions")).get("email"))
    for suppression in items_of(object_of(email.get("marketing")).get("suppression")):
        yield Unreachable(
            REASONS.get(str(suppression.get("reason")), "suppressed"),
            _moment(suppression.get("timestamp")),
            email=address_of(profile),
            external_id=str(attributes.get("external_id") or "") or None,
        )


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None
