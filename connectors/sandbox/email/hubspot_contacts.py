"""HubSpot's contacts: found by a property that is unique, written in batches that may fail in part."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from connectors.sandbox import clock
from connectors.sandbox.email import fields, people, suppressions
from connectors.sandbox.email import hubspot_bodies as bodies
from connectors.sandbox.email.hubspot_words import moment, record_error
from connectors.sandbox.email.people import Consent, Known
from connectors.sandbox.email.platform import Context, EmailPlatform, Refusal
from connectors.sandbox.wire import Json, Reply, json_reply

OPTED_OUT = "unsubscribed"
"""Kind of suppression: people who left by themselves, from everything."""
BLOCKLIST = "gdpr"
"""Addresses that were erased before HubSpot knew them; nobody can be created under one any more."""
ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]{2,}")
OPT_OUT = re.compile(r"hs_email_optout(?:_([0-9]+))?")
MARKETABLE = "hs_marketable_status"
OWN = frozenset(
    {
        "email",
        "firstname",
        "lastname",
        "phone",
        "mobilephone",
        "company",
        "jobtitle",
        "website",
        "address",
        "city",
        "state",
        "zip",
        "country",
        "lifecyclestage",
        "hs_lead_status",
        MARKETABLE,
    }
)
"""Properties that every account has and that can be written, besides the opt-outs."""
READ_ONLY = frozenset({"hs_object_id", "createdate", "lastmodifieddate"})
SHOWN = ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname")
"""What a contact's document holds unless other properties are asked for."""


class _RecordRefused(Exception):
    """Raised for one record of a batch."""

    def __init__(self, category: str, code: str, message: str) -> None:
        super().__init__(code)
        self.category, self.code, self.message = category, code, message

    def entry(self, ids: list[str]) -> dict[str, Json]:
        """As it stands in ``errors``."""
        return record_error(self.category, self.code, self.message, ids)


class ContactCalls(EmailPlatform):
    """What HubSpot answers about contacts."""

    def upsert_contacts(self, context: Context) -> Reply:
        """``POST …/batch/upsert``: who is not there is created."""
        return self._write_batch(context, create=True)

    def update_contacts(self, context: Context) -> Reply:
        """``POST …/batch/update``: who is not there is an error."""
        return self._write_batch(context, create=False)

    def read_contacts(self, context: Context) -> Reply:
        """``POST …/batch/read``; those who are not there come in one error."""
        wish = self.read(context.call, bodies.ReadBatch)
        found = {item.id: self._find(context, wish.idProperty, item.id) for item in wish.inputs}
        missing = [name for name, person in found.items() if person is None]
        shown: list[Json] = [self._document(context, p, wish.properties) for p in found.values() if p]
        message = "Could not get some CONTACT objects, they may be deleted or not exist."
        errors = [record_error("OBJECT_NOT_FOUND", "OBJECT_NOT_FOUND", message, missing)] if missing else []
        return _batch_reply(context, shown, errors, len(wish.inputs), f"{len(shown)} contacts read")

    def archive_contacts(self, context: Context) -> Reply:
        """``POST …/batch/archive``: whoever is there is deleted."""
        wish = self.read(context.call, bodies.ArchiveBatch)
        for item in wish.inputs:
            people.delete(context.db, self.platform, item.id)
        return Reply(204, rows=len(wish.inputs), outcome="contacts archived")

    def create_contact(self, context: Context) -> Reply:
        """``POST …/contacts``: 409 where somebody has the address."""
        wish = self.read(context.call, bodies.ContactProperties)
        try:
            person = self._create(context, wish.properties)
        except _RecordRefused as refused:
            raise self._whole(refused) from None
        return json_reply(self._document(context, person), status=201, outcome="contact created", rows=1)

    def read_contact(self, context: Context, contact: str) -> Reply:
        """``GET …/contacts/{id}``, also by another property."""
        asked = self.query(context, "idProperty", "properties", "archived")
        person = self._require(context, asked.get("idProperty"), contact)
        shown = self._document(context, person, [n for n in asked.get("properties", "").split(",") if n])
        return json_reply(shown, outcome="contact read")

    def change_contact(self, context: Context, contact: str) -> Reply:
        """``PATCH …/contacts/{id}``."""
        asked = self.query(context, "idProperty")
        wish = self.read(context.call, bodies.ContactProperties)
        try:
            changed = self._change(
                context, self._require(context, asked.get("idProperty"), contact), wish.properties
            )
        except _RecordRefused as refused:
            raise self._whole(refused) from None
        return json_reply(self._document(context, changed), outcome="contact changed", rows=1)

    def archive_contact(self, context: Context, contact: str) -> Reply:
        """``DELETE …/contacts/{id}``; 204 also for whoever is not there."""
        people.delete(context.db, self.platform, contact)
        return Reply(204, outcome="contact archived")

    def erase_contact(self, context: Context) -> Reply:
        """``POST …/gdpr-delete``: for good; an address that nobody has is blocked for ever."""
        wish = self.read(context.call, bodies.Erasure)
        person = self._find(context, wish.idProperty, wish.objectId)
        if person is not None:
            people.delete(context.db, self.platform, person.id)
        elif wish.idProperty == "email":
            people.suppress(context.db, self.platform, wish.objectId, BLOCKLIST)
        return Reply(204, outcome="contact erased" if person else "nobody to erase")

    def invalid(self, message: str) -> Refusal:
        """A call that is wrong as a whole."""
        return Refusal(self.words.refused(400, "VALIDATION_ERROR", message))

    def _write_batch(self, context: Context, *, create: bool) -> Reply:
        inputs = self.read(context.call, bodies.ContactBatch).inputs
        names = [(item.idProperty, item.id.strip().lower()) for item in inputs]
        if len(set(names)) < len(names):
            raise self.invalid("Duplicate IDs found in batch input.")
        picked = context.call.rejection.picks([item.model_dump() for item in inputs])
        shown: list[Json] = []
        errors = []
        for position, item in enumerate(inputs):
            try:
                if position in picked:
                    raise _RecordRefused(
                        "VALIDATION_ERROR", "VALIDATION_RULE", "A validation rule of this account refused it."
                    )
                person, new = self._write(context, item, create=create)
            except _RecordRefused as refused:
                unnamed = position in picked and context.call.rejection.unnamed
                errors.append(refused.entry([] if unnamed else [item.id]))
                continue
            document = self._document(context, person, list(item.properties))
            shown.append({**document, "new": new} if create else document)
        outcome = f"{len(shown)} contacts written, {len(errors)} refused"
        return _batch_reply(context, shown, errors, len(inputs), outcome)

    def _write(self, context: Context, item: bodies.ContactInput, *, create: bool) -> tuple[Known, bool]:
        person = self._find(context, item.idProperty, item.id)
        if person is not None:
            return self._change(context, person, item.properties), False
        if not create or item.idProperty in (None, "hs_object_id"):
            raise _RecordRefused("OBJECT_NOT_FOUND", "OBJECT_NOT_FOUND", "The contact does not exist.")
        return self._create(context, {str(item.idProperty): item.id, **item.properties}), True

    def _create(self, context: Context, properties: Mapping[str, str]) -> Known:
        number = people.next_number(context.db, self.platform)
        person = people.create(context.db, self.platform, self.new_id(number))
        try:
            return self._change(context, person, properties)
        except _RecordRefused:
            people.delete(context.db, self.platform, person.id)
            raise

    def _change(self, context: Context, person: Known, properties: Mapping[str, str]) -> Known:
        self._check(context, person, properties)
        plain: dict[str, Json] = {}
        identifiers: dict[str, str | None] = {}
        for name, value in properties.items():
            if name in ("email", "phone"):
                identifiers[name] = value.strip() or None
            elif name == MARKETABLE:
                self._agree(context, person, "marketing", "subscribed" if value == "true" else "unknown")
            elif opt_out := OPT_OUT.fullmatch(name):
                self._opt(context, person, opt_out[1], out=value == "true")
            else:
                plain[name] = value or None
        people.update(context.db, self.platform, person, attributes=plain, **identifiers)
        changed = people.find(context.db, self.platform, "id", person.id)
        assert changed is not None, "it was there a moment ago"
        return changed

    def _check(self, context: Context, person: Known, properties: Mapping[str, str]) -> None:
        """Raises _RecordRefused for the first property that is wrong."""
        unique = self.unique_properties(context)
        defined = {field.name for field in fields.listed(context.db, self.platform)}
        for name, value in properties.items():
            if name in READ_ONLY:
                raise _RecordRefused("VALIDATION_ERROR", "READ_ONLY_VALUE", f"{name} is read only")
            if name not in OWN | defined and not OPT_OUT.fullmatch(name):
                raise _RecordRefused(
                    "VALIDATION_ERROR", "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'
                )
            if name == "email" and value.strip():
                self._check_address(context, value.strip())
            holder = self._find(context, name, value) if name in unique and value.strip() else None
            if holder is not None and holder.id != person.id:
                raise _RecordRefused("CONFLICT", "CONFLICT", "Another contact has this value already.")

    def _check_address(self, context: Context, address: str) -> None:
        if not ADDRESS.fullmatch(address):
            raise _RecordRefused("VALIDATION_ERROR", "INVALID_EMAIL", "The email address is invalid")
        blocked = {email for email, _, _ in people.suppressions(context.db, self.platform, BLOCKLIST)}
        if address.lower() in blocked:
            raise _RecordRefused("VALIDATION_ERROR", "GDPR_BLOCKLIST", "The address was erased for good.")

    def unique_properties(self, context: Context) -> frozenset[str]:
        """Properties that a contact can be found by."""
        defined = fields.listed(context.db, self.platform)
        return frozenset({"email"} | {field.name for field in defined if field.document["hasUniqueValue"]})

    def _find(self, context: Context, prop: str | None, value: str) -> Known | None:
        if prop in (None, "hs_object_id"):
            return people.find(context.db, self.platform, "id", value)
        if prop not in self.unique_properties(context):
            raise self.invalid("idProperty is no property with unique values")
        if prop == "email":
            return people.find(context.db, self.platform, "email", value.strip())
        return fields.holder(context.db, self.platform, str(prop), value)

    def _require(self, context: Context, prop: str | None, value: str) -> Known:
        person = self._find(context, prop, value)
        if person is None:
            raise Refusal(self.words.refused(404, "OBJECT_NOT_FOUND", "resource not found"))
        return person

    def _whole(self, refused: _RecordRefused) -> Refusal:
        status = 409 if refused.category == "CONFLICT" else 400
        return Refusal(self.words.refused(status, refused.category, refused.message))

    def has_left(self, context: Context, person: str, email: str | None) -> bool:
        """Whether a person wants nothing at all, by a request or by themselves."""
        alone = {address for address, _, _ in people.suppressions(context.db, self.platform, OPTED_OUT)}
        return email in alone or people.consent(context.db, self.platform, person) == "unsubscribed"

    def _opt(self, context: Context, person: Known, subscription: str | None, *, out: bool) -> None:
        """An opt-out by property; taken back, nobody knows what the person wants."""
        channel = f"subscription:{subscription}" if subscription else "email"
        if out:
            self._agree(context, person, channel, "unsubscribed")
        elif subscription is None and person.email:
            suppressions.lift(
                context.db, self.platform, person.email, OPTED_OUT, context.call.number, channel
            )
        elif people.consent(context.db, self.platform, person.id, channel) == "unsubscribed":
            self._agree(context, person, channel, "unknown")

    def _agree(self, context: Context, person: Known, channel: str, state: Consent) -> None:
        people.set_consent(context.db, self.platform, person.id, state, context.call.number, channel)

    def _document(self, context: Context, person: Known, asked: Sequence[str] = ()) -> dict[str, Json]:
        def agreed(channel: str) -> str:
            return people.consent(context.db, self.platform, person.id, channel)

        values: dict[str, Json] = {
            **person.attributes,
            "email": person.email,
            "phone": person.phone,
            "hs_object_id": person.id,
            "createdate": moment(person.created_at),
            "lastmodifieddate": moment(person.changed_at),
            MARKETABLE: "true" if agreed("marketing") == "subscribed" else "false",
        }
        for name in asked:
            if opt_out := OPT_OUT.fullmatch(name):
                everything = self.has_left(context, person.id, person.email)
                left = agreed(f"subscription:{opt_out[1]}") == "unsubscribed" if opt_out[1] else everything
                values[name] = "true" if left else None
        return {
            "id": person.id,
            "properties": {name: values.get(name) for name in (*SHOWN, *asked)},
            "createdAt": moment(person.created_at),
            "updatedAt": moment(person.changed_at),
            "archived": False,
        }


def _batch_reply(
    context: Context, shown: list[Json], errors: Sequence[Json], rows: int, outcome: str
) -> Reply:
    now = moment(clock.now(context.db))
    content: dict[str, Json] = {"status": "COMPLETE", "results": shown, "startedAt": now, "completedAt": now}
    if errors:
        content |= {"numErrors": len(errors), "errors": list(errors)}
    return json_reply(content, status=207 if errors else 200, rows=rows, outcome=outcome)
