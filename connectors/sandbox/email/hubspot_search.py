"""HubSpot's search for contacts: filters that all must hold, by record id, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.sandbox.email import hubspot_bodies as bodies
from connectors.sandbox.email import people
from connectors.sandbox.email.hubspot_contacts import ContactCalls
from connectors.sandbox.email.people import Known
from connectors.sandbox.email.platform import Context
from connectors.sandbox.wire import Json, Reply, json_reply


class SearchCalls(ContactCalls):
    """What HubSpot answers to a search."""

    def search_contacts(self, context: Context) -> Reply:
        """``POST …/contacts/search``: in the order of record ids, the only one that is played."""
        wish = self.read(context.call, bodies.ContactSearch)
        if wish.sorts not in ([], ["hs_object_id"]):
            raise self.invalid("Only hs_object_id is sorted by here.")
        if not wish.after.isdecimal():
            raise self.invalid("after is none of ours")
        found: list[Json] = [
            self._document(context, person, wish.properties)
            for person in sorted(people.listed(context.db, self.platform), key=lambda known: int(known.id))
            if self._is_meant(context, person, wish.filterGroups)
        ]
        start = int(wish.after)
        page = found[start : start + wish.limit]
        content: dict[str, Json] = {"total": len(found), "results": page}
        if start + len(page) < len(found):
            content["paging"] = {"next": {"after": str(start + len(page))}}
        return json_reply(content, outcome=f"{len(page)} contacts found")

    def _is_meant(self, context: Context, person: Known, groups: list[bodies.FilterGroup]) -> bool:
        """Whether all filters of one group hold."""
        named = [condition.propertyName for group in groups for condition in group.filters]
        values = dict(self._document(context, person, named)["properties"])  # type: ignore[arg-type]
        values["lastmodifieddate"] = int(1_000 * self._changed_at(context, person))
        return any(all(_holds(each, values) for each in group.filters) for group in groups) or not groups

    def _changed_at(self, context: Context, person: Known) -> float:
        """When anything of the contact changed, what they agreed to included."""
        (agreed,) = context.db.execute(
            "select coalesce(max(at), 0) from email_consent_changes where tool = ? and person = ?",
            (self.platform.value, person.id),
        ).fetchone()
        away = [
            at for email, _, at in people.suppressions(context.db, self.platform) if email == person.email
        ]
        return max(person.changed_at, float(agreed), *away)


def _holds(condition: bodies.Condition, values: Mapping[str, Json]) -> bool:
    """Filters with a value are about texts that must be equal, or about numbers."""
    value = values.get(condition.propertyName)
    if value is None:
        return False
    match condition.operator:
        case "HAS_PROPERTY":
            return True
        case "EQ":
            return str(value) == condition.value
        case "GT":
            return int(str(value)) > int(condition.value)
        case "GTE":
            return int(str(value)) >= int(condition.value)
