"""ActiveCampaign's contacts: created or updated one by one, tagged by associations with ids of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable

from connectors.sandbox.email import activecampaign_bodies as bodies
from connectors.sandbox.email import activecampaign_standing as standing
from connectors.sandbox.email import fields, lists, people, places
from connectors.sandbox.email.activecampaign_imports import ImportCalls
from connectors.sandbox.email.activecampaign_standing import ADDRESS, TOOL, Kind
from connectors.sandbox.email.activecampaign_words import moment
from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.email.people import Known
from connectors.sandbox.email.places import Place
from connectors.sandbox.email.platform import Context, Refusal
from connectors.sandbox.wire import Json, Reply, json_reply

PAGE = 100
USUAL_PAGE = 20
ANY = "-1"


class ContactCalls(ImportCalls):
    """What ActiveCampaign answers about contacts."""

    def sync_contact(self, context: Context) -> Reply:
        """``POST /contact/sync``: 201 for a new contact, 200 for one that was there by this address."""
        wish = self._contact_body(context)
        email = self._address(wish)
        known = people.find(context.db, TOOL, "email", email)
        return self._written(
            context, self._write(context, known, wish, email), wish, status=200 if known else 201
        )

    def create_contact(self, context: Context) -> Reply:
        """``POST /contacts``: 422 where somebody has the address."""
        wish = self._contact_body(context)
        email = self._address(wish)
        if people.find(context.db, TOOL, "email", email):
            title = "Email address already exists in the system"
            raise Refusal(self.words.listed(422, "duplicate", title, "/data/attributes/email"))
        return self._written(context, self._write(context, None, wish, email), wish, status=201)

    def change_contact(self, context: Context, contact: str) -> Reply:
        """``PUT /contacts/{id}``."""
        known = self.contact(context, contact)
        wish = self._contact_body(context)
        email = self._address(wish) if wish.email is not None else known.email
        holder = people.find(context.db, TOOL, "email", email) if email else None
        if holder is not None and holder.id != known.id:
            title = "Email address already exists in the system"
            raise Refusal(self.words.listed(422, "duplicate", title, "/data/attributes/email"))
        return self._written(context, self._write(context, known, wish, email), wish, status=200)

    def read_contact(self, context: Context, contact: str) -> Reply:
        """``GET /contacts/{id}``."""
        known = self.contact(context, contact)
        content = {"contact": contact_document(known), "fieldValues": _field_values(known)}
        return json_reply(content, outcome="contact read")

    def delete_contact(self, context: Context, contact: str) -> Reply:
        """``DELETE /contacts/{id}``: for good."""
        people.delete(context.db, TOOL, self.contact(context, contact).id)
        return json_reply({}, outcome="contact deleted")

    def list_contacts(self, context: Context) -> Reply:
        """``GET /contacts``: by id, everybody or those with a tag, in a list, of a status."""
        asked = self.query(
            context,
            "email",
            "search",
            "tagid",
            "listid",
            "status",
            "limit",
            "offset",
            "id_greater",
            "orders[id]",
        )
        limit, offset = self.page_of(context)
        after = asked.get("id_greater", "")
        if not re.fullmatch(r"[0-9]{0,18}", after) or asked.get("orders[id]", "ASC") != "ASC":
            raise self.invalid("id_greater is an id, and contacts are ordered by id, ASC")
        if "tagid" in asked and set(asked) <= {"tagid", "limit", "offset", "id_greater", "orders[id]"}:
            tag = self.named(context, "tag", asked["tagid"])
            page = places.by_person(context.db, tag, after, offset + limit)
            found = [self.contact(context, place.person) for place in page]
            total = tag.size
        elif set(asked) <= {"limit", "offset", "id_greater", "orders[id]"}:
            found = people.listed(context.db, TOOL, after=after, limit=offset + limit)
            total = people.count(context.db, TOOL)
        else:
            found = list(self._chosen(context, self._candidates(context, after)))
            total = len(found)
        shown: list[Json] = [contact_document(known) for known in found[offset : offset + limit]]
        content: dict[str, Json] = {"scoreValues": [], "contacts": shown, "meta": {"total": str(total)}}
        return json_reply(content, outcome=f"{len(shown)} contacts listed")

    def tags_of_contact(self, context: Context, contact: str) -> Reply:
        """``GET /contacts/{id}/contactTags``: the associations by which tags are taken off."""
        known = self.contact(context, contact)
        tags = {each.id for each in standing.of_kind(context.db, "tag")}
        shown = [
            _association(place)
            for place in places.of_person(context.db, TOOL, known.id)
            if place.list in tags
        ]
        return json_reply({"contactTags": shown}, outcome=f"{len(shown)} tags of a contact")

    def add_tag(self, context: Context) -> Reply:
        """``POST /contactTags``: 201, or 200 where the contact had the tag."""
        wish = self.read(context.call, bodies.ContactTagBody).contactTag
        known = people.find(context.db, TOOL, "id", str(wish.contact))
        if known is None:
            raise Refusal(self.words.absent("Contact"))
        tag = lists.find(context.db, TOOL, str(wish.tag))
        if tag is None or tag.document["kind"] != "tag":
            raise Refusal(self.words.absent("Tag"))
        if context.call.rejection.picks([{**wish.model_dump(), "email": known.email}]):
            raise self.invalid("The contact cannot be tagged")
        come = lists.add(context.db, tag, [known.id], context.call.number)
        (place,) = (p for p in places.of_person(context.db, TOOL, known.id) if p.list == tag.id)
        return json_reply(
            {"contacts": [contact_document(known)], "contactTag": _association(place)},
            status=201 if come else 200,
            outcome=f"{len(come)} added",
            rows=1,
            audience=tag.id,
        )

    def remove_tag(self, context: Context, association: str) -> Reply:
        """``DELETE /contactTags/{id}``: by the association's id, not the tag's."""
        place = places.numbered(context.db, TOOL, int(association))
        tag = lists.find(context.db, TOOL, place.list) if place else None
        if place is None or tag is None or tag.document["kind"] != "tag":
            raise Refusal(self.words.no_result("SubscriberTag", association))
        lists.remove(context.db, tag, [place.person], context.call.number)
        return json_reply({}, outcome="1 removed", rows=1, audience=tag.id)

    def lists_of_contact(self, context: Context, contact: str) -> Reply:
        """``GET /contacts/{id}/contactLists``: what the contact said to each list."""
        known = self.contact(context, contact)
        shown: list[Json] = []
        for found in standing.of_kind(context.db, "list"):
            status = standing.status(context.db, known, found)
            if status is not None:
                shown.append(_listed(known, found, status))
        return json_reply({"contactLists": shown}, outcome=f"{len(shown)} lists of a contact")

    def set_status(self, context: Context) -> Reply:
        """``POST /contactLists``: subscribes, also whoever had unsubscribed, or unsubscribes."""
        wish = self.read(context.call, bodies.ContactListBody).contactList
        known = people.find(context.db, TOOL, "id", str(wish.contact))
        if known is None:
            raise Refusal(self.words.absent("Contact"))
        found = self.named(context, "list", str(wish.list))
        change = standing.activate if wish.status == standing.ACTIVE else standing.unsubscribe
        change(context.db, known, found, context.call.number)
        content = {"contacts": [contact_document(known)], "contactList": _listed(known, found, wish.status)}
        return json_reply(content, outcome="status set", rows=1, audience=found.id)

    def contact(self, context: Context, number: str) -> Known:
        """One contact by id. Raises Refusal."""
        known = people.find(context.db, TOOL, "id", number)
        if known is None:
            raise Refusal(self.words.no_result("Subscriber", number))
        return known

    def named(self, context: Context, kind: Kind, number: str) -> EmailList:
        """One tag or list by id. Raises Refusal."""
        found = lists.find(context.db, TOOL, number)
        if found is None or found.document["kind"] != kind:
            raise Refusal(self.words.no_result(kind.capitalize(), number[:18]))
        return found

    def page_of(self, context: Context) -> tuple[int, int]:
        """``limit`` and ``offset``. Raises Refusal."""
        limit = context.call.query.get("limit", str(USUAL_PAGE))
        offset = context.call.query.get("offset", "0")
        if not all(re.fullmatch(r"[0-9]{1,9}", number) for number in (limit, offset)):
            raise self.invalid("limit and offset are numbers")
        if not 1 <= int(limit) <= PAGE:
            raise self.invalid(f"limit is from 1 to {PAGE}")
        return int(limit), int(offset)

    def invalid(self, title: str) -> Refusal:
        """422."""
        return Refusal(self.words.refused(422, "invalid", title))

    def _contact_body(self, context: Context) -> bodies.ContactFields:
        wish = self.read(context.call, bodies.ContactBody).contact
        known = {field.id for field in fields.listed(context.db, TOOL)}
        if any(str(value.field) not in known for value in wish.fieldValues):
            raise self.invalid("The custom field does not exist")
        if context.call.rejection.picks([wish.model_dump()]):
            raise self.invalid("The contact is not valid")
        return wish

    def _address(self, wish: bodies.ContactFields) -> str:
        email = (wish.email or "").strip()
        if not ADDRESS.fullmatch(email):
            title = "Contact Email Address is not valid" if email else "Contact must have an email address"
            raise Refusal(self.words.listed(422, "email_invalid", title, "/data/attributes/email"))
        return email

    def _write(
        self, context: Context, known: Known | None, wish: bodies.ContactFields, email: str | None
    ) -> Known:
        if known is None:
            number = people.next_number(context.db, TOOL)
            known = people.create(context.db, TOOL, self.new_id(number), email=email)
        given = {"firstName": wish.firstName, "lastName": wish.lastName}
        values: dict[str, Json] = {name: value for name, value in given.items() if value is not None}
        values |= {f"field:{each.field}": each.value for each in wish.fieldValues}
        phone = wish.phone if wish.phone is not None else known.phone
        people.update(context.db, TOOL, known, attributes=values, email=email, phone=phone)
        return self.contact(context, known.id)

    def _written(self, context: Context, known: Known, wish: bodies.ContactFields, *, status: int) -> Reply:
        sent = {f"{each.field}" for each in wish.fieldValues}
        shown = [value for value in _field_values(known) if value["field"] in sent]
        content = {"fieldValues": shown, "contact": contact_document(known)}
        outcome = "contact created" if status == 201 else "contact updated"
        return json_reply(content, status=status, outcome=outcome, rows=1)

    def _candidates(self, context: Context, after: str) -> list[Known]:
        """Everybody after an id, or the one with the address that is asked for."""
        email = context.call.query.get("email")
        if email is None:
            return people.listed(context.db, TOOL, after=after)
        known = people.find(context.db, TOOL, "email", email.strip())
        return [known] if known and known.id > after else []

    def _chosen(self, context: Context, everybody: Iterable[Known]) -> Iterable[Known]:
        """Those whom the filters leave."""
        asked = context.call.query
        every = standing.of_kind(context.db, "list")
        among = [self.named(context, "list", asked["listid"])] if "listid" in asked else every
        tag = self.named(context, "tag", asked["tagid"]).id if "tagid" in asked else None
        wanted = asked.get("status", ANY)
        if wanted not in (ANY, "0", "1", "2", "3"):
            raise self.invalid("status is from -1 to 3")
        for known in everybody:
            if asked.get("search", "").lower() not in (known.email or ""):
                continue
            if tag is not None and tag not in lists.of_person(context.db, TOOL, known.id):
                continue
            states = {str(standing.status(context.db, known, found)) for found in among} - {"None"}
            if "listid" not in asked and (everywhere := standing.overall(context.db, known)):
                states.add(str(everywhere))
            if wanted in states or (wanted == ANY and ("listid" not in asked or states)):
                yield known


def contact_document(known: Known) -> dict[str, Json]:
    """A contact as answers show it; fields of its own kind come apart."""
    return {
        "id": known.id,
        "email": known.email,
        "phone": known.phone or "",
        "firstName": known.attributes.get("firstName", ""),
        "lastName": known.attributes.get("lastName", ""),
        "cdate": moment(known.created_at),
        "udate": moment(known.changed_at),
        "deleted": "0",
    }


def _field_values(known: Known) -> list[dict[str, Json]]:
    return [
        {"contact": known.id, "field": name.removeprefix("field:"), "value": value}
        for name, value in known.attributes.items()
        if name.startswith("field:")
    ]


def _association(place: Place) -> dict[str, Json]:
    return {
        "id": str(place.number),
        "contact": place.person,
        "tag": place.list,
        "cdate": moment(place.added_at),
    }


def _listed(known: Known, found: EmailList, status: int) -> dict[str, Json]:
    return {
        "id": f"{found.id}{known.id}",
        "contact": known.id,
        "list": found.id,
        "status": str(status),
    }
