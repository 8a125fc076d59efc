"""What every call to SendGrid is part of: the account, its jobs, and the files that they leave."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from typing import ClassVar

from pydantic import ValidationError

from connectors.sandbox import clock
from connectors.sandbox.accounts import SANDBOX_SENDGRID_KEY
from connectors.sandbox.email import jobs, sendgrid_contacts
from connectors.sandbox.email.jobs import Job, Work
from connectors.sandbox.email.platform import Context, EmailPlatform, Model, Refusal, json_of
from connectors.sandbox.email.sendgrid_words import (
    REQUESTS_PER_MINUTE,
    SendGridWords,
    error,
    errors,
    rate_headers,
)
from connectors.sandbox.store import Store
from connectors.sandbox.wire import Call, Json, Platform, Reply
from connectors.sandbox.words import Words

DAY = 86_400
_FILE = re.compile(r"/files/([0-9a-f]{24})/(errors\.csv|[0-9]+\.(?:csv|json)\.gz)")


class SendGridAccount(EmailPlatform):
    """One account, without its calls."""

    platform: ClassVar[Platform] = Platform.SENDGRID
    title: ClassVar[str] = "SendGrid"
    mount: ClassVar[str] = ""
    audience_in_path: ClassVar[re.Pattern[str]] = re.compile(r"/marketing/lists/([^/]+)")
    words: ClassVar[Words] = SendGridWords()
    settings: ClassVar[dict[str, str]] = {"API_KEY": SANDBOX_SENDGRID_KEY}
    jobs: ClassVar[dict[str, Work]] = sendgrid_contacts.WORK

    def __init__(self, store: Store) -> None:
        """An account over the sandbox's memory."""
        super().__init__(store)
        self._spent = (0, 0)

    @classmethod
    def new_id(cls, number: int) -> str:
        """As contacts are called."""
        return sendgrid_contacts.new_uuid("contact", number)

    @classmethod
    def audience_of(cls, call: Call) -> str | None:
        """In the path, or the first of the lists that contacts go to or are exported from."""
        named = super().audience_of(call)
        if named or call.path not in ("/v3/marketing/contacts", "/v3/marketing/contacts/exports"):
            return named
        try:
            return str(json_of(call)["list_ids"][0])
        except (KeyError, IndexError, TypeError):
            return None

    def read(self, call: Call, model: type[Model]) -> Model:
        """The call's JSON body. Raises Refusal (400) naming each field that is wrong, never its value."""
        if call.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise Refusal(self.words.refused(400, "", "Content-Type should be application/json."))
        try:
            return model.model_validate_json(call.body)
        except ValidationError as wrong:
            found = [
                error(one["msg"], ".".join(str(part) for part in one["loc"]) or "body")
                for one in wrong.errors(include_url=False, include_input=False)[:20]
            ]
            raise Refusal(errors(found)) from None

    def take(
        self, context: Context, kind: str, payload: dict[str, Json], requested: int, **known: Json
    ) -> str:
        """Take a job; returns its id as it is shown."""
        told: dict[str, Json] = {"taken_at": clock.now(context.db), "requested_count": requested, **known}
        taken = jobs.queue(
            context.db,
            self.platform,
            kind,
            payload,
            context.call,
            wait_seconds=self.wait_seconds(context),
            known=told,
        )
        return shown_job(taken)

    def job(self, context: Context, shown: str, *, exports: bool) -> Job:
        """A job by its id as it is shown. Raises Refusal (404)."""
        digits = shown.replace("-", "")
        found = jobs.find(context.db, self.platform, digits[:12] + digits[20:])
        if found is None or shown_job(found.id) != shown or (found.kind == "export") != exports:
            raise Refusal(self.words.refused(404, "", "job not found"))
        return found

    def _answer(self, context: Context) -> Reply:
        """As everywhere, with how the minute stands; files need no key, as their addresses are secrets."""
        file = _FILE.fullmatch(context.call.path)
        if file and context.call.method == "GET":
            return self._file(context, *file.groups())
        now = clock.now(context.db)
        minute = int(now // 60)
        self._spent = (minute, self._spent[1] + 1 if self._spent[0] == minute else 1)
        limit = context.switches.email_requests_per_minute or REQUESTS_PER_MINUTE
        headers = rate_headers(limit, self._spent[1], now)
        try:
            reply = super()._answer(context)
        except Refusal as refusal:
            raise Refusal(replace(refusal.reply, headers=headers)) from None
        return replace(reply, headers=headers)

    def _file(self, context: Context, job_id: str, name: str) -> Reply:
        """What a job left, for a day. A signed address refuses every other way of signing in."""
        if "authorization" in context.call.headers:
            body = b"<Error><Code>InvalidArgument</Code></Error>"
            return Reply(400, body, content_type="application/xml", outcome="refused: two ways to sign in")
        found = jobs.find(context.db, self.platform, job_id)
        ended = found.result.get("finished_at") if found else None
        if found is None or not isinstance(ended, float) or clock.now(context.db) > ended + DAY:
            body = b"<Error><Code>AccessDenied</Code></Error>"
            return Reply(403, body, content_type="application/xml", outcome="refused: no such file")
        if name == "errors.csv":
            rows = found.result.get("errors")
            listed = [row for row in rows if isinstance(row, list)] if isinstance(rows, list) else []
            text = sendgrid_contacts.csv_text([["identifier", "error"], *listed])
            return Reply(200, text.encode(), content_type="text/csv", outcome=f"{len(listed)} row errors")
        files = found.result["files"]
        number = int(name.partition(".")[0])
        if not isinstance(files, list) or number >= len(files):
            return Reply(404, content_type="application/xml", outcome="refused: no such file")
        packed = gzip.compress(str(files[number]).encode())
        return Reply(200, packed, content_type="application/gzip", outcome="export downloaded")


def shown_job(job_id: str) -> str:
    """A job's id in the form that they have here."""
    return f"{job_id[:8]}-{job_id[8:12]}-4000-8000-{job_id[12:]}"
