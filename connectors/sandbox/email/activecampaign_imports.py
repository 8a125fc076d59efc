"""ActiveCampaign's bulk import: one wrong contact refuses a request, what is taken is done later."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import ClassVar

from pydantic import ValidationError

from connectors.sandbox.email import activecampaign_standing as standing
from connectors.sandbox.email import fields, jobs, lists, people
from connectors.sandbox.email.activecampaign_bodies import ImportBody, ImportedContact
from connectors.sandbox.email.activecampaign_standing import ADDRESS, TOOL
from connectors.sandbox.email.activecampaign_words import RATE_LIMIT, ActiveCampaignWords
from connectors.sandbox.email.jobs import Job
from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.email.people import Known
from connectors.sandbox.email.platform import Context, EmailPlatform, Refusal
from connectors.sandbox.wire import Json, Reply, json_reply

KIND = "bulk_import"
MOST_BYTES = 400_000
"""Of one request, as far as anybody remembers."""
STATES = {"queued": "waiting", "done": "completed", "failed": "failed"}
BATCH = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})0{8}")
"""An import's id: a job's, in the form of a UUID."""


class ImportCalls(EmailPlatform):
    """What ActiveCampaign answers about bulk imports."""

    words: ClassVar[ActiveCampaignWords] = ActiveCampaignWords()

    def start_import(self, context: Context) -> Reply:
        """``POST /import/bulk_import``."""
        if len(context.call.body) > MOST_BYTES:
            raise Refusal(self.words.import_refused("The request is too large", ["request too large"]))
        try:
            contacts = self.read(context.call, ImportBody).contacts
        except Refusal:
            raise Refusal(
                self.words.import_refused("The request could not be read", ["invalid request"])
            ) from None
        reasons = dict(self._wrong(context, contacts))
        picked = context.call.rejection.picks(contacts)
        if picked and context.call.rejection.unnamed:
            raise Refusal(self.words.import_refused("Contacts are not valid", [f"{len(picked)} not valid"]))
        reasons |= dict.fromkeys(sorted(picked), "contact not valid")
        if reasons:
            named: list[Json] = [
                {"contact": position, "failureReason": reasons[position]} for position in sorted(reasons)
            ]
            raise Refusal(self.words.import_refused("Contacts are not valid", named))
        taken: list[Json] = list(contacts)
        job = jobs.queue(
            context.db, TOOL, KIND, {"contacts": taken}, context.call, wait_seconds=self.wait_seconds(context)
        )
        content = {
            "Success": 1,
            "queued_contacts": len(contacts),
            "batchId": _batch_id(job),
            "message": "Contact import queued",
        }
        return json_reply(content, rows=len(contacts), outcome=f"{len(contacts)} contacts queued")

    def read_import(self, context: Context) -> Reply:
        """``GET /import/info?batchId=…``."""
        batch = self.query(context, "batchId").get("batchId", "")
        named = BATCH.fullmatch(batch)
        job = jobs.find(context.db, TOOL, "".join(named.groups())) if named else None
        if job is None:
            raise Refusal(self.words.no_result("BulkImport", batch[:36]))
        shown = {"success": job.result.get("success", []), "failure": job.result.get("failure", [])}
        return json_reply({"status": STATES[job.status], **shown}, outcome=f"import {STATES[job.status]}")

    def list_imports(self, context: Context) -> Reply:
        """``GET /import/bulk_import``: what waits, and what is done."""
        every = jobs.listed(context.db, TOOL, KIND)
        content: dict[str, Json] = {
            "outstanding": [{"batchId": _batch_id(job.id)} for job in every if job.status == "queued"],
            "recentlyCompleted": [{"batchId": _batch_id(job.id)} for job in every if job.status != "queued"],
        }
        return json_reply(content, outcome=f"{len(every)} imports listed")

    def import_limited(self) -> Reply:
        """The rate limit, as bulk imports say it: the 400 of a wrong contact, with texts for reasons."""
        return self.words.import_refused(RATE_LIMIT, [RATE_LIMIT])

    def _wrong(self, context: Context, contacts: list[dict[str, Json]]) -> Iterator[tuple[int, str]]:
        """Position and reason of every contact that is wrong, without its values."""
        known_fields = {field.id for field in fields.listed(context.db, TOOL)}
        known_lists = {each.id for each in standing.of_kind(context.db, "list")}
        for position, contact in enumerate(contacts):
            try:
                wish = ImportedContact.model_validate(contact)
            except ValidationError as error:
                place = error.errors(include_url=False, include_input=False)[0]["loc"][0]
                yield position, f"{place} is not valid"
                continue
            if not ADDRESS.fullmatch(wish.email.strip()):
                yield position, "email incorrect format"
            elif any(str(field.id) not in known_fields for field in wish.fields):
                yield position, "field does not exist"
            elif any(str(each.listid) not in known_lists for each in (*wish.subscribe, *wish.unsubscribe)):
                yield position, "list does not exist"


def do_import(db: sqlite3.Connection, job: Job) -> dict[str, Json]:
    """Write the contacts of an import; excluded addresses fail. Returns ids and addresses."""
    contacts = job.payload["contacts"]
    assert isinstance(contacts, list), "as it was queued"
    excluded = {email for email, _, _ in people.suppressions(db, TOOL, standing.EXCLUDED)}
    done: list[Json] = []
    failed: list[Json] = []
    for wish in map(ImportedContact.model_validate, contacts):
        if wish.email.strip().lower() in excluded:
            failed.append(wish.email)
        else:
            done.append(_import(db, wish, job.request))
    return {"success": done, "failure": failed}


def _import(db: sqlite3.Connection, wish: ImportedContact, request: int) -> str:
    contact = _contact(db, wish)
    for name in wish.tags:
        lists.add(db, _tag(db, name), [contact.id], request)
    entered, left = ({str(each.listid) for each in named} for named in (wish.subscribe, wish.unsubscribe))
    for found in standing.of_kind(db, "list"):
        # Whoever left a list is not brought back by an import, and nobody is told.
        gone = standing.status(db, contact, found) in (standing.UNSUBSCRIBED, standing.BOUNCED)
        if found.id in entered and not gone:
            standing.activate(db, contact, found, request)
        if found.id in left:
            standing.unsubscribe(db, contact, found, request)
    return contact.id


def _contact(db: sqlite3.Connection, wish: ImportedContact) -> Known:
    email = wish.email.strip()
    found = people.find(db, TOOL, "email", email)
    if found is None:
        found = people.create(db, TOOL, standing.contact_id(people.next_number(db, TOOL)), email=email)
    given = {"firstName": wish.first_name, "lastName": wish.last_name}
    values: dict[str, Json] = {name: value for name, value in given.items() if value is not None}
    values |= {f"field:{field.id}": field.value for field in wish.fields}
    people.update(db, TOOL, found, attributes=values, phone=wish.phone or found.phone)
    return found


def _tag(db: sqlite3.Connection, name: str) -> EmailList:
    for each in standing.of_kind(db, "tag"):
        if each.name.lower() == name.lower():
            return each
    number = str(people.next_number(db, TOOL))
    return lists.create(db, TOOL, number, name, {"kind": "tag", "tagType": "contact", "description": ""})


def _batch_id(job: str) -> str:
    return f"{job[:8]}-{job[8:12]}-{job[12:16]}-{job[16:20]}-{job[20:24]}00000000"
