"""Brevo's calls about contacts: one, many, imports with their processes, attributes."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from connectors.sandbox import clock
from connectors.sandbox.email import brevo_contacts as contacts
from connectors.sandbox.email import fields, jobs, lists, people
from connectors.sandbox.email.brevo_bodies import (
    Batch,
    ChangedContact,
    ContactFields,
    DoubleOptIn,
    Import,
    NewAttribute,
    NewContact,
)
from connectors.sandbox.email.brevo_words import BrevoWords, rate_headers
from connectors.sandbox.email.jobs import Job
from connectors.sandbox.email.people import Known
from connectors.sandbox.email.platform import Context, EmailPlatform, Refusal
from connectors.sandbox.wire import Json, Platform, Reply, json_reply
from connectors.sandbox.words import Words

IMPORT_BYTES = 10_000_000
CONTACTS_PAGE, MOST_CONTACTS = 50, 1_000
PROCESSES_AN_HOUR = 100
STATUSES = {"queued": "queued", "done": "completed", "failed": "failed"}
CREATED = 201


class ContactCalls(EmailPlatform):
    """What can be asked about contacts, and done to them."""

    platform: ClassVar[Platform] = Platform.BREVO
    words: ClassVar[Words] = BrevoWords()
    jobs: ClassVar[dict[str, jobs.Work]] = {"import": contacts.run_import, "clear": contacts.clear}
    _asked = (0, 0)

    def create_contact(self, context: Context) -> Reply:
        """``POST /v3/contacts``: 201 for a new one, 204 for one that was there and may be updated."""
        wish = self.read(context.call, NewContact)
        self._check(context, wish, wish.email)
        if wish.email is None and wish.ext_id is None and "SMS" not in wish.attributes:
            raise self.wrong("missing_parameter", "email, ext_id or SMS is missing")
        known = contacts.find(context.db, wish.email) if wish.email else None
        if known is None and wish.ext_id:
            known = contacts.find(context.db, wish.ext_id, "ext_id")
        if known is None:
            made = contacts.create(context.db, wish.email, wish, context.call.number)
            return json_reply({"id": int(made.id)}, status=CREATED, outcome="contact created", rows=1)
        if not wish.updateEnabled:
            raise self.wrong("duplicate_parameter", "Contact already exist")
        contacts.change(context.db, known, wish, context.call.number)
        return Reply(204, outcome="contact updated", rows=1)

    def read_contact(self, context: Context, identifier: str) -> Reply:
        """``GET /v3/contacts/{identifier}``."""
        shown = contacts.document(context.db, self._contact(context, identifier))
        return json_reply(shown, outcome="contact read")

    def change_contact(self, context: Context, identifier: str) -> Reply:
        """``PUT /v3/contacts/{identifier}``."""
        wish = self.read(context.call, ChangedContact)
        self._change(context, self._contact(context, identifier), wish)
        return Reply(204, outcome="contact changed", rows=1)

    def delete_contact(self, context: Context, identifier: str) -> Reply:
        """``DELETE /v3/contacts/{identifier}``."""
        people.delete(context.db, self.platform, self._contact(context, identifier).id)
        return Reply(204, outcome="contact deleted")

    def change_contacts(self, context: Context) -> Reply:
        """``POST /v3/contacts/batch``: all that are known; nothing is told of the others."""
        rows = self.read(context.call, Batch).contacts
        refused = context.call.rejection.picks([row.model_dump() for row in rows])
        for place, row in enumerate(rows):
            given = {"email_id": row.email, "contact_id": row.id, "ext_id": row.ext_id, "phone_id": row.sms}
            named = [(kind, str(value)) for kind, value in given.items() if value is not None]
            if not named:
                raise self.wrong("missing_parameter", "a contact has no identifier")
            kind, value = named[0]
            known = contacts.find(context.db, value, kind)
            if known is not None and place not in refused:
                self._change(context, known, row)
        return Reply(204, outcome=f"{len(rows) - len(refused)} changed", rows=len(rows))

    def list_contacts(self, context: Context) -> Reply:
        """``GET /v3/contacts``."""
        return self.page_of_contacts(context, people.listed(context.db, self.platform), MOST_CONTACTS)

    def page_of_contacts(
        self, context: Context, known: list[Known], most: int, audience: str | None = None
    ) -> Reply:
        """One page of contacts with their number; those alone that were changed since a moment, on demand."""
        since = context.call.query.get("modifiedSince")
        if since is not None:
            try:
                moment = datetime.fromisoformat(since).timestamp()
            except ValueError:
                raise self.wrong("invalid_parameter", "modifiedSince is not a date") from None
            known = [person for person in known if person.changed_at >= moment]
        start, size = self.window(context, CONTACTS_PAGE, most)
        ordered = known if context.call.query.get("sort", "desc") == "asc" else known[::-1]
        shown: list[Json] = [
            contacts.document(context.db, person) for person in ordered[start : start + size]
        ]
        content: dict[str, Json] = {"contacts": shown, "count": len(known)}
        return json_reply(content, outcome=f"{len(shown)} contacts listed", audience=audience)

    def confirm(self, context: Context) -> Reply:
        """``POST /v3/contacts/doubleOptinConfirmation``: here everybody confirms at once."""
        wish = self.read(context.call, DoubleOptIn)
        asked = ContactFields(attributes=wish.attributes, listIds=wish.includeListIds, emailBlacklisted=False)
        self._check(context, asked, wish.email)
        known = contacts.find(context.db, wish.email)
        if known is None:
            contacts.create(context.db, wish.email, asked, context.call.number)
        else:
            contacts.change(context.db, known, asked, context.call.number)
        return Reply(CREATED, outcome="confirmation sent")

    # --- imports ---------------------------------------------------------------------------------------------

    def start_import(self, context: Context) -> Reply:
        """``POST /v3/contacts/import``: a process."""
        if len(context.call.body) > IMPORT_BYTES:
            raise self.wrong("out_of_range", "The body is larger than 10 MB")
        wish = self.read(context.call, Import)
        if sum(part is not None for part in (wish.jsonBody, wish.fileBody, wish.fileUrl)) != 1:
            raise self.wrong("invalid_parameter", "Exactly one of jsonBody, fileBody and fileUrl is needed")
        if wish.fileUrl is not None:
            raise self.wrong("invalid_parameter", "fileUrl can not be reached")
        if not wish.listIds and wish.newList is None:
            raise self.wrong("missing_parameter", "listIds or newList is missing")
        self.require_lists(context, wish.listIds)
        targets = list(wish.listIds)
        if wish.newList is not None:
            targets.append(self.make_list(context, wish.newList.listName, wish.newList.folderId))
        rows = wish.jsonBody or contacts.rows_of_file(wish.fileBody or "")
        refused = context.call.rejection.picks([row.model_dump() for row in rows])
        kept: list[Json] = [
            {**row.model_dump(), "email": None} if place in refused else row.model_dump()
            for place, row in enumerate(rows)
        ]
        process = self.start(
            context,
            "import",
            {
                "rows": kept,
                "lists": [*targets],
                "updates": wish.updateExistingContacts,
                "empties": wish.emptyContactsAttributes,
                "blocked": wish.emailBlacklist,
                "sms_blocked": wish.smsBlacklist,
                "groups": [*wish.consentGroupIds],
            },
        )
        audience = str(targets[0])
        return json_reply(
            {"processId": process}, status=202, outcome="import queued", audience=audience, rows=len(rows)
        )

    def start(self, context: Context, kind: str, payload: dict[str, Json]) -> int:
        """Begin a process; returns its number."""
        number = people.next_number(context.db, self.platform)
        wait = self.wait_seconds(context)
        known: dict[str, Json] = {"process": number}
        jobs.queue(context.db, self.platform, kind, payload, context.call, wait_seconds=wait, known=known)
        self.work(context.db)
        return number

    def read_process(self, context: Context, number: str) -> Reply:
        """``GET /v3/processes/{id}``."""
        self._check_processes(context)
        found = _processes(context.db, int(number))
        if not found:
            raise Refusal(self.words.refused(404, "document_not_found", "Process ID does not exist"))
        return json_reply(self._process(context, found[0]), outcome="process read")

    def list_processes(self, context: Context) -> Reply:
        """``GET /v3/processes``."""
        self._check_processes(context)
        everything = _processes(context.db, None)
        start, size = self.window(context, 10, 50)
        shown: list[Json] = [self._process(context, job) for job in everything[start : start + size]]
        return json_reply({"processes": shown, "count": len(everything)}, outcome=f"{len(shown)} listed")

    def download_invalid(self, context: Context, job_id: str) -> Reply:
        """The addresses that an import refused, at an address that is its own key."""
        job = jobs.find(context.db, self.platform, job_id)
        if job is None or job.status != "done":
            return Reply(404, content_type="text/plain", outcome="refused: not there")
        lines = "".join(f"{email}\n" for email in list(job.result["invalid"]))  # type: ignore[arg-type]
        return Reply(
            200, f"EMAIL\n{lines}".encode(), content_type="text/csv", outcome="invalid rows downloaded"
        )

    def _process(self, context: Context, job: Job) -> dict[str, Json]:
        name = {"import": "IMPORTUSER", "clear": "REMOVE_ALL_CONTACTS"}[job.kind]
        shown: dict[str, Json] = {
            "id": job.result["process"],
            "status": STATUSES[job.status],
            "name": name,
        }
        if job.kind == "import" and job.status == "done":
            invalid = f"{context.call.base_url}/imports/{job.id}/invalid.csv"
            shown["info"] = {"import": {"invalid_emails": invalid if job.result["invalid"] else ""}}
        return shown

    def _check_processes(self, context: Context) -> None:
        """A hundred questions an hour, where requests are limited at all."""
        if not context.switches.email_requests_per_minute:
            return
        now = clock.now(context.db)
        hour = int(now // 3_600)
        asked = self._asked[1] + 1 if self._asked[0] == hour else 1
        self._asked = (hour, asked)
        if asked > PROCESSES_AN_HOUR:
            refused = self.words.too_many()
            left = rate_headers(PROCESSES_AN_HOUR, 0, 3_600 - int(now % 3_600))
            raise Refusal(Reply(429, refused.body, headers=left, outcome=refused.outcome))

    # --- attributes ------------------------------------------------------------------------------------------

    def list_attributes(self, context: Context) -> Reply:
        """``GET /v3/contacts/attributes``."""
        known = contacts.attributes_of_account(context.db)
        shown: list[Json] = [
            {"name": name, "category": "normal", "type": kind} for name, kind in known.items()
        ]
        return json_reply({"attributes": shown}, outcome=f"{len(shown)} attributes listed")

    def create_attribute(self, context: Context, name: str) -> Reply:
        """``POST /v3/contacts/attributes/normal/{name}``: names are in upper case."""
        wish = self.read(context.call, NewAttribute)
        if not re.fullmatch("[A-Z0-9_-]{1,50}", name):
            raise self.wrong("invalid_parameter", "Attribute name is not valid")
        if name in contacts.attributes_of_account(context.db):
            raise self.wrong("duplicate_parameter", "Attribute name must be unique")
        fields.create(context.db, self.platform, name, name, {"type": wish.type})
        return json_reply({}, status=CREATED, outcome="attribute created")

    # --- what they share -------------------------------------------------------------------------------------

    def wrong(self, code: str, message: str) -> Refusal:
        """A 400."""
        return Refusal(self.words.refused(400, code, message))

    def window(self, context: Context, usual: int, most: int) -> tuple[int, int]:
        """Where a page begins and how long it is. Raises Refusal for what is out of range."""
        given = {"limit": str(usual), "offset": "0", **context.call.query}
        if not all(re.fullmatch("[0-9]{1,9}", given[name]) for name in ("limit", "offset")):
            raise self.wrong("invalid_parameter", "limit and offset are numbers")
        if not 1 <= int(given["limit"]) <= most:
            raise self.wrong("out_of_range", f"limit must be from 1 to {most}")
        if given.get("sort", "asc") not in ("asc", "desc"):
            raise self.wrong("invalid_parameter", "sort must be asc or desc")
        return int(given["offset"]), int(given["limit"])

    def require_lists(self, context: Context, wanted: Iterable[int]) -> None:
        """Raises Refusal where a list does not exist."""
        if any(lists.find(context.db, self.platform, str(number)) is None for number in wanted):
            raise self.wrong("invalid_parameter", "List ID does not exist")

    def make_list(self, context: Context, name: str, folder: int) -> int:
        """A new list in a folder. Raises Refusal where there is no such folder."""
        found = context.db.execute(
            "select 1 from email_folders where tool = ? and id = ?", (self.platform.value, folder)
        ).fetchone()
        if not found:
            raise self.wrong("invalid_parameter", "Folder ID does not exist")
        number = people.next_number(context.db, self.platform)
        lists.create(context.db, self.platform, str(number), name, {"folderId": folder})
        return number

    def _contact(self, context: Context, identifier: str) -> Known:
        known = contacts.find(context.db, identifier, context.call.query.get("identifierType"))
        if known is None:
            raise Refusal(self.words.refused(404, "document_not_found", "Contact does not exist"))
        return known

    def _change(self, context: Context, known: Known, wish: ChangedContact) -> None:
        email = wish.attributes.get("EMAIL")
        self._check(context, wish, email if isinstance(email, str) else None)
        self.require_lists(context, wish.unlinkListIds)
        other = contacts.find(context.db, email) if isinstance(email, str) else None
        if other is not None and other.id != known.id:
            if not wish.forceMerge:
                raise self.wrong("duplicate_parameter", "Email is already associated with another Contact")
            people.delete(context.db, self.platform, other.id)
        namesake = contacts.find(context.db, wish.ext_id, "ext_id") if wish.ext_id else None
        if namesake is not None and namesake.id != known.id:
            raise self.wrong("duplicate_parameter", "ext_id is already associated with another Contact")
        contacts.change(context.db, known, wish, context.call.number)

    def _check(self, context: Context, wish: ContactFields, email: str | None) -> None:
        if email is not None and not contacts.ADDRESS.fullmatch(email):
            raise self.wrong("invalid_parameter", "Invalid email address")
        self.require_lists(context, wish.listIds)


def _processes(db: sqlite3.Connection, number: int | None) -> list[Job]:
    """Every process, newest first, or the one with this number."""
    rows = db.execute(
        """
        select id
        from email_jobs
        where tool = ? and coalesce(result ->> 'process' = ?, true)
        order by result ->> 'process' desc
        """,
        (Platform.BREVO.value, number),
    ).fetchall()
    found = [jobs.find(db, Platform.BREVO, row["id"]) for row in rows]
    return [job for job in found if job is not None]
