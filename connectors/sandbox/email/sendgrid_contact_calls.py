"""SendGrid's calls about contacts: upserts and exports that are done later, look-ups, deletions."""

from __future__ import annotations

import re

from connectors.sandbox import clock
from connectors.sandbox.email import fields, lists, people, sendgrid_contacts
from connectors.sandbox.email.people import Known
from connectors.sandbox.email.platform import Context, Refusal, Routes
from connectors.sandbox.email.sendgrid_account import DAY, SendGridAccount
from connectors.sandbox.email.sendgrid_bodies import (
    ContactsBody,
    EraseBody,
    ExportBody,
    SoughtEmails,
    SoughtIdentifiers,
    SoughtIds,
    WrittenContact,
)
from connectors.sandbox.email.sendgrid_contacts import EMAIL, IDENTIFIERS
from connectors.sandbox.email.sendgrid_words import error, errors
from connectors.sandbox.wire import Json, Reply, json_reply

MAX_UPSERT_BYTES = 6_000_000
MAX_ERASE_BYTES = 256 * 1024
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
CONTACTS = "/v3/marketing/contacts"


class ContactCalls(SendGridAccount):
    """Contacts and the jobs about them."""

    @property
    def contact_routes(self) -> Routes:
        """All calls about contacts; words come before ids."""
        one = CONTACTS + "/([0-9a-f-]{36})"
        return (
            ("PUT", re.compile(CONTACTS), self.upsert),
            ("GET", re.compile(CONTACTS), self.recent),
            ("DELETE", re.compile(CONTACTS), self.delete),
            ("GET", re.compile(CONTACTS + "/count"), self.count),
            ("POST", re.compile(CONTACTS + "/batch"), self.by_ids),
            ("POST", re.compile(CONTACTS + "/search/emails"), self.search_emails),
            ("POST", re.compile(CONTACTS + "/search/identifiers/([a-z_]+)"), self.search_identifiers),
            ("GET", re.compile(CONTACTS + "/imports/([^/]+)"), self.read_job),
            ("POST", re.compile(CONTACTS + "/exports"), self.export),
            ("GET", re.compile(CONTACTS + "/exports/([^/]+)"), self.read_export),
            ("GET", re.compile(one), self.read_contact),
            ("POST", re.compile("/v3/recipients/erasejob"), self.erase),
        )

    # --- writing ---------------------------------------------------------------------------------------------

    def upsert(self, context: Context) -> Reply:
        """``PUT /v3/marketing/contacts``: one wrong address refuses all; what else is wrong shows in the job."""
        call = context.call
        if len(call.body) > MAX_UPSERT_BYTES:
            raise Refusal(self.words.refused(413, "", "request body too large"))
        wish = self.read(call, ContactsBody)
        defined = {one.id for one in fields.listed(context.db, self.platform)}
        wrong = [
            error(problem, f"contacts[{number}].{place}")
            for number, contact in enumerate(wish.contacts)
            for place, problem in _problems(contact, defined)
        ]
        if wrong:
            raise Refusal(errors(wrong))
        targets: list[Json] = [self._target(context, one) for one in wish.list_ids]
        rows: list[Json] = [one.model_dump(exclude_unset=True) for one in wish.contacts]
        payload: dict[str, Json] = {
            "contacts": rows,
            "lists": targets,
            "refused": [*sorted(call.rejection.picks(rows))],
            "unnamed": call.rejection.unnamed,
        }
        job = self.take(context, "upsert", payload, len(rows))
        audience = str(targets[0]) if targets else None
        return json_reply(
            {"job_id": job}, status=202, outcome="upsert taken", audience=audience, rows=len(rows)
        )

    def delete(self, context: Context) -> Reply:
        """``DELETE /v3/marketing/contacts``: some people, or everybody."""
        ids = [one for one in context.call.query.get("ids", "").split(",") if one]
        everybody = context.call.query.get("delete_all_contacts") == "true"
        if everybody == bool(ids):
            raise Refusal(errors([error("either ids or delete_all_contacts must be set", "ids")]))
        payload: dict[str, Json] = {"ids": [*ids], "everybody": everybody}
        return json_reply(
            {"job_id": self.take(context, "delete", payload, len(ids))},
            status=202,
            outcome="deletion taken",
        )

    def erase(self, context: Context) -> Reply:
        """``POST /v3/recipients/erasejob``."""
        if len(context.call.body) > MAX_ERASE_BYTES:
            raise Refusal(self.words.refused(413, "", "request body too large"))
        emails = self.read(context.call, EraseBody).email_addresses
        wrong = [error("the address is not valid", "email_addresses") for one in emails if not _is_email(one)]
        if wrong:
            raise Refusal(errors(wrong))
        job = self.take(context, "delete", {"emails": [*emails]}, len(emails))
        return json_reply({"job_id": job}, status=202, outcome="erasure taken", rows=len(emails))

    # --- reading ---------------------------------------------------------------------------------------------

    def recent(self, context: Context) -> Reply:
        """``GET /v3/marketing/contacts``: the fifty newest and the number of all."""
        found: list[Json] = [self.shown(context, one) for one in sendgrid_contacts.recent(context.db)]
        content = {
            "result": found,
            "contact_count": self._size(context),
            "_metadata": {"self": self._address(context)},
        }
        return json_reply(content, outcome=f"{len(found)} contacts")

    def count(self, context: Context) -> Reply:
        """``GET /v3/marketing/contacts/count``."""
        size = self._size(context)
        return json_reply({"contact_count": size, "billable_count": size}, outcome=f"{size} contacts")

    def read_contact(self, context: Context, contact: str) -> Reply:
        """``GET /v3/marketing/contacts/{id}``."""
        known = people.find(context.db, self.platform, "id", contact)
        if known is None:
            raise Refusal(self.words.refused(404, "", "contact not found"))
        return json_reply(self.shown(context, known), outcome="contact read")

    def by_ids(self, context: Context) -> Reply:
        """``POST /v3/marketing/contacts/batch``: those that exist."""
        ids = self.read(context.call, SoughtIds).ids
        found = [people.find(context.db, self.platform, "id", one) for one in ids]
        result: list[Json] = [self.shown(context, known) for known in found if known]
        return json_reply({"result": result}, outcome=f"{len(result)} of {len(ids)} found", rows=len(ids))

    def search_emails(self, context: Context) -> Reply:
        """``POST /v3/marketing/contacts/search/emails``."""
        return self._search(context, "email", self.read(context.call, SoughtEmails).emails)

    def search_identifiers(self, context: Context, kind: str) -> Reply:
        """``POST /v3/marketing/contacts/search/identifiers/{type}``."""
        if kind not in IDENTIFIERS:
            raise Refusal(errors([error("unknown identifier type", "identifier_type")]))
        return self._search(context, kind, self.read(context.call, SoughtIdentifiers).identifiers)

    def _search(self, context: Context, kind: str, values: list[str]) -> Reply:
        """404 where nobody is found; otherwise each by the value as it is kept, or an error in its place."""
        sought = [value.lower() if kind == "email" else value for value in values if value]
        wrong = [error(f"email '{one}' is not valid", "emails") for one in sought if not _is_email(one)]
        if kind == "email" and wrong:
            raise Refusal(errors(wrong))
        found = {value: sendgrid_contacts.find(context.db, kind, value) for value in sought}
        if not any(found.values()):
            raise Refusal(self.words.refused(404, "", "no contacts found"))
        result: dict[str, Json] = {
            value: {"contact": self.shown(context, known)} if known else {"error": "contact not found"}
            for value, known in found.items()
        }
        hits = sum(known is not None for known in found.values())
        return json_reply({"result": result}, outcome=f"{hits} of {len(found)} found", rows=len(values))

    # --- jobs ------------------------------------------------------------------------------------------------

    def read_job(self, context: Context, job_id: str) -> Reply:
        """``GET /v3/marketing/contacts/imports/{id}``, for upserts, removals and deletions too."""
        found = self.job(context, job_id, exports=False)
        told = found.result
        requested, bad = _number(told, "requested_count"), _number(told, "errored_count")
        status = "pending"
        if found.status != "queued":
            all_bad = found.status == "failed" or (0 < requested <= bad)
            status = "failed" if all_bad else "errored" if bad else "completed"
        results: dict[str, Json] = {
            name: _number(told, name)
            for name in (
                "requested_count",
                "created_count",
                "updated_count",
                "deleted_count",
                "errored_count",
            )
        }
        if bad:
            results["errors_url"] = f"{context.call.base_url}/files/{found.id}/errors.csv"
        content: dict[str, Json] = {
            "id": job_id,
            "status": status,
            "job_type": found.kind,
            "results": results,
            "started_at": _when(told, "taken_at"),
        }
        if found.status == "done":
            content["finished_at"] = _when(told, "finished_at")
        return json_reply(content, outcome=f"job {status}")

    def export(self, context: Context) -> Reply:
        """``POST /v3/marketing/contacts/exports``: the only way to read all members of a list."""
        wish = self.read(context.call, ExportBody)
        if wish.segment_ids:
            raise Refusal(errors([error("segment not found", "segment_ids")]))
        targets: list[Json] = [self._target(context, one) for one in wish.list_ids]
        payload: dict[str, Json] = {
            "lists": targets,
            "file_type": wish.file_type,
            "max_file_size": wish.max_file_size,
            "address": self._address(context),
        }
        job = self.take(context, "export", payload, 0, file_type=wish.file_type)
        content = {"id": job, "_metadata": {"self": f"{self._address(context)}/exports/{job}"}}
        audience = str(targets[0]) if targets else None
        return json_reply(content, status=202, outcome="export taken", audience=audience)

    def read_export(self, context: Context, job_id: str) -> Reply:
        """``GET /v3/marketing/contacts/exports/{id}``; the addresses of the files end after a day."""
        found = self.job(context, job_id, exports=True)
        told = found.result
        ended = told.get("finished_at")
        last = ended if isinstance(ended, float) else clock.now(context.db)
        status = {"queued": "pending", "done": "ready", "failed": "failure"}[found.status]
        content: dict[str, Json] = {
            "id": job_id,
            "status": status,
            "created_at": _when(told, "taken_at"),
            "updated_at": clock.text(last),
            "expires_at": clock.text(last + DAY),
            "_metadata": {"self": f"{self._address(context)}/exports/{job_id}"},
        }
        if status == "ready":
            files = told["files"]
            many = len(files) if isinstance(files, list) else 0
            urls: list[Json] = [
                f"{context.call.base_url}/files/{found.id}/{number}.{told['file_type']}.gz"
                for number in range(many)
            ]
            content |= {
                "urls": urls,
                "completed_at": clock.text(last),
                "contact_count": _number(told, "contact_count"),
            }
        if status == "failure":
            content["message"] = "The export failed."
        return json_reply(content, outcome=f"export {status}")

    # --- all of them -----------------------------------------------------------------------------------------

    def shown(self, context: Context, known: Known) -> dict[str, Json]:
        """A contact as a resource."""
        return sendgrid_contacts.shown(context.db, known, self._address(context))

    def _address(self, context: Context) -> str:
        return context.call.base_url + CONTACTS

    def _size(self, context: Context) -> int:
        (size,) = context.db.execute(
            "select count(*) from email_people where tool = ?", (self.platform.value,)
        ).fetchone()
        return int(size)

    def _target(self, context: Context, list_id: str) -> str:
        """A list that contacts go to or come from. Raises Refusal (400)."""
        if lists.find(context.db, self.platform, list_id) is None:
            raise Refusal(errors([error("list not found", "list_ids")]))
        return list_id


def _problems(contact: WrittenContact, defined: set[str]) -> list[tuple[str, str]]:
    """Places and sentences for what is wrong with a contact; an address that is none is repeated, as there."""
    found = []
    if not any(getattr(contact, kind) for kind in IDENTIFIERS):
        found.append(("email", "at least one identifier is required"))
    if contact.email and not _is_email(contact.email):
        found.append(("email", f"email '{contact.email}' is not valid"))
    if contact.phone_number_id and not PHONE.fullmatch(contact.phone_number_id):
        found.append(("phone_number_id", "phone_number_id is not valid"))
    if set(contact.custom_fields or {}) - defined:
        found.append(("custom_fields", "unknown custom field"))
    return found


def _is_email(text: str) -> bool:
    return EMAIL.fullmatch(text) is not None


def _number(told: dict[str, Json], name: str) -> int:
    value = told.get(name)
    return value if isinstance(value, int) else 0


def _when(told: dict[str, Json], name: str) -> str:
    value = told.get(name)
    return clock.text(value if isinstance(value, float) else 0.0)
