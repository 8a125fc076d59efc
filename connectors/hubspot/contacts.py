"""Contacts of a HubSpot account: looked up, written and searched, a hundred in a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from connectors.account import items_of, object_of
from connectors.base import ActionNeeded, AudienceGone, Refused
from connectors.email import UNKNOWN_PERSON, Person, Value
from connectors.hubspot.answers import ADDRESSES, REASONS, REFUSED, contacts_of, row_errors
from connectors.parts import portions
from connectors.people import Unreachable
from connectors.wire import Answer

AT_ONCE = 100
FOUND_AT_ONCE = 200
"""A page of a search, which HubSpot ends after 10,000 contacts: each page is a search of its own, by record id."""

Writing = Literal["update", "upsert"]
"""By record id, of contacts that are there; by address, which creates them."""
Reason = Literal["unsubscribed", "bounced", "suppressed"]

SEARCHES: Sequence[tuple[Reason, Mapping[str, str]]] = (
    ("unsubscribed", {"propertyName": "hs_email_optout", "operator": "EQ", "value": "true"}),
    ("bounced", {"propertyName": "hs_email_hard_bounce_reason_enum", "operator": "HAS_PROPERTY"}),
    ("suppressed", {"propertyName": "hs_email_quarantined", "operator": "EQ", "value": "true"}),
)


@dataclass(frozen=True, slots=True)
class Written:
    """What became of contacts that were to be written, by position."""

    ids: dict[int, str] = field(default_factory=dict)
    rejected: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Contacts:
    """The contacts."""

    ask: Callable[..., Answer]
    """Sends one request, as `AccountConnector.ask`."""
    path: str

    def ids(self, addresses: Sequence[str]) -> dict[str, str]:
        """Record ids by address, a contact's further addresses included; one request."""
        body = self._read(addresses, idProperty="email")
        if {category for _, category in row_errors(body)} - REASONS.keys():
            raise Refused("HubSpot: some contacts could not be looked up; nothing was changed")
        return {address: record for record, known in contacts_of(body) for address in known}

    def addresses(self, records: Sequence[str]) -> dict[str, list[str]]:
        """Addresses by record id, the first one first."""
        parts = [self._read(part) for part in portions(records, AT_ONCE)]
        return {record: known for part in parts for record, known in contacts_of(part)}

    def write(self, how: Writing, people: Mapping[str, Person]) -> Written:
        """Set attributes of people by record id or address. No list changes, so a refusal is one of the batch."""
        outcome = Written()
        for part in portions(list(people.items()), AT_ONCE):
            inputs = [_input(how, key, person) for key, person in part]
            sent = [text for one in inputs for text in (one["id"], *one["properties"].values())]
            try:
                answer = self.ask("POST", f"{self.path}/batch/{how}", {"inputs": inputs}, sent=sent)
            except AudienceGone:  # said of contacts: none of them is there
                outcome.rejected.update({person.position: UNKNOWN_PERSON for _, person in part})
                continue
            body = object_of(answer)
            refused = dict(row_errors(body))
            known = {key: record for record, also in contacts_of(body) for key in (record, *also)}
            for key, person in part:
                # 200: all were written, though one that was merged may come back with its new id.
                record = known.get(key, key if how == "update" and answer.status == 200 else None)
                if record is None or key in refused:
                    outcome.rejected[person.position] = REASONS.get(refused.get(key, ""), REFUSED)
                else:
                    outcome.ids[person.position] = record
        return outcome

    def unreachable(self, since: datetime | None) -> Iterator[Unreachable]:
        """Contacts who opted out of all e-mail, bounced or are quarantined, and have changed since."""
        for reason, condition in SEARCHES:
            last = "0"
            while True:
                answer = self.ask("POST", f"{self.path}/search", _search(condition, since, last))
                page = list(items_of(object_of(answer).get("results")))
                for _, addresses in contacts_of({"results": page}):
                    yield from (Unreachable(reason, None, address) for address in addresses)
                if len(page) < FOUND_AT_ONCE:
                    break
                last = _following(str(page[-1].get("id")), last)

    def _read(self, keys: Sequence[str], **more: str) -> dict[str, Any]:
        inputs = [{"id": key} for key in keys]
        body = {**more, "properties": ADDRESSES, "propertiesWithHistory": [], "inputs": inputs}
        try:
            return object_of(self.ask("POST", f"{self.path}/batch/read", body, sent=keys))
        except AudienceGone:  # said of contacts: none of them is there
            return {}


def _input(how: Writing, key: str, person: Person) -> dict[str, Any]:
    properties = {name: _text(value) for name, value in person.attributes.items()}
    if how == "update":
        return {"id": key, "properties": properties}
    return {"idProperty": "email", "id": key, "properties": {**properties, "email": key}}


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _search(condition: Mapping[str, str], since: datetime | None, after: str) -> dict[str, Any]:
    filters = [condition, {"propertyName": "hs_object_id", "operator": "GT", "value": after}]
    if since is not None:
        moment = str(int(since.timestamp() * 1_000))
        filters.append({"propertyName": "lastmodifieddate", "operator": "GTE", "value": moment})
    return {
        "filterGroups": [{"filters": filters}],
        "sorts": ["hs_object_id"],
        "properties": ADDRESSES,
        "limit": FOUND_AT_ONCE,
    }


def _following(ending: str, last: str) -> str:
    """The record id that ends a page. Raises ActionNeeded for one that does not go on."""
    if not ending.isdecimal() or int(ending) <= int(last):
        raise ActionNeeded("HubSpot: the search for contacts is not in the order of their ids")
    return ending
