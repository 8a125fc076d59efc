"""Braze: profiles whose boolean attributes are audiences; everything is queued and nothing can be asked about."""

from __future__ import annotations

import io
import math
import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import orjson

from connectors.sandbox import clock
from connectors.sandbox.accounts import SANDBOX_BRAZE_KEY
from connectors.sandbox.email import braze_profiles as profiles
from connectors.sandbox.email import jobs, lists, people
from connectors.sandbox.email.braze_bodies import (
    EmailStatus,
    Groups,
    GroupState,
    OneGroup,
    PeopleToDelete,
    PeopleToExport,
    Row,
    SegmentToExport,
    Track,
)
from connectors.sandbox.email.braze_words import REQUESTS, BrazeWords, rate_headers
from connectors.sandbox.email.platform import Context, EmailPlatform, Refusal, Routes, json_of
from connectors.sandbox.wire import Call, Json, Platform, Reply, json_reply
from connectors.sandbox.words import Words

OBJECTS, OBJECTS_BYTES = 75, 4_000_000
BULK_OBJECTS, BULK_BYTES, BULK_PER_PERSON = 1_000, 2_000_000, 100
SEGMENTS_PAGE = 100
ATTRIBUTES_PAGE = 50
ADDRESSES, MOST_ADDRESSES = 100, 500
EXPORT = re.compile(r"/exports/([0-9a-f]{24})\.zip")


class BrazePlatform(EmailPlatform):
    """One workspace."""

    platform: ClassVar[Platform] = Platform.BRAZE
    title: ClassVar[str] = "Braze"
    mount: ClassVar[str] = ""
    words: ClassVar[Words] = BrazeWords()
    settings: ClassVar[dict[str, str]] = {"API_KEY": SANDBOX_BRAZE_KEY}
    jobs: ClassVar[dict[str, jobs.Work]] = {
        "track": profiles.apply_rows,
        "export": profiles.write_export,
    }

    @classmethod
    def audience_of(cls, call: Call) -> str | None:
        """The first boolean attribute of a request."""
        content = json_of(call) if call.path.startswith("/users/track") else None
        rows = content.get("attributes") if isinstance(content, dict) else None
        for row in rows if isinstance(rows, list) else []:
            for name, value in row.items() if isinstance(row, dict) else ():
                if isinstance(value, bool) and not name.startswith("_"):
                    return str(name)
        return None

    @classmethod
    def new_id(cls, number: int) -> str:
        """A ``braze_id``."""
        return profiles.object_id(number)

    def token_of(self, call: Call) -> str | None:
        """The key; the address of an export, which nobody can guess, needs none."""
        if call.method == "GET" and EXPORT.fullmatch(call.path):
            return SANDBOX_BRAZE_KEY
        return super().token_of(call)

    @property
    def routes(self) -> Routes:
        """All calls."""
        return (
            ("POST", re.compile("/users/track"), self.track),
            ("POST", re.compile("/users/track/bulk"), self.track_bulk),
            ("POST", re.compile("/users/export/ids"), self.export_people),
            ("POST", re.compile("/users/export/segment"), self.export_segment),
            ("GET", EXPORT, self.download),
            ("POST", re.compile("/users/delete"), self.delete_people),
            ("GET", re.compile("/segments/list"), self.list_segments),
            ("GET", re.compile("/custom_attributes"), self.list_attributes),
            ("GET", re.compile("/email/unsubscribes"), self.list_unsubscribed),
            ("GET", re.compile("/email/hard_bounces"), self.list_bounced),
            ("POST", re.compile("/email/status"), self.set_email_status),
            ("POST", re.compile("/subscription/status/set"), self.set_group),
            ("POST", re.compile("/v2/subscription/status/set"), self.set_groups),
        )

    def _answer(self, context: Context) -> Reply:
        """Every answer tells what is left of the rate limit."""
        reply = super()._answer(context)
        allowed = context.switches.email_requests_per_minute
        left = rate_headers(max(0, allowed - self._minute[1]), allowed) if allowed else rate_headers(REQUESTS)
        return replace(reply, headers={**left, **reply.headers})

    def track(self, context: Context) -> Reply:
        """``POST /users/track``: what is good is queued, what is not is told by its place within a success."""
        if len(context.call.body) > OBJECTS_BYTES:
            raise Refusal(self.words.refused(413, "", "Request Entity Too Large"))
        return self._track(context, OBJECTS)

    def track_bulk(self, context: Context) -> Reply:
        """``POST /users/track/bulk``, a limited beta."""
        if len(context.call.body) > BULK_BYTES:
            raise Refusal(self.words.refused(400, "", "Request body too large"))
        return self._track(context, BULK_OBJECTS, each=BULK_PER_PERSON)

    def _track(self, context: Context, most: int, each: float = math.inf) -> Reply:
        sent = self.read(context.call, Track)
        arrays = {"attributes": sent.attributes, "events": sent.events, "purchases": sent.purchases}
        rows = [(name, index, row) for name, array in arrays.items() for index, row in enumerate(array)]
        if not rows:
            raise Refusal(
                self.words.refused(
                    400,
                    "",
                    "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields.",
                )
            )
        named = Counter(
            orjson.dumps([row.get(key) for key in sorted(profiles.IDENTIFIERS)]) for *_, row in rows
        )
        if len(rows) > most or max(named.values()) > each:
            raise Refusal(self.words.refused(400, "", "Max Input Length Exceeded"))
        refused = context.call.rejection.picks(rows)
        errors: list[Json] = []
        taken: list[Json] = []
        processed: Counter[str] = Counter()
        for place, (name, index, row) in enumerate(rows):
            wrong = "Invalid object" if place in refused else self._fault_of(context, name, row)
            if wrong is not None:
                errors.append({"type": wrong, "input_array": name, "index": index})
                continue
            processed[name] += 1
            taken.append(row if name == "attributes" else _who(row))
        if taken:
            wait = self.wait_seconds(context)
            jobs.queue(context.db, self.platform, "track", {"rows": taken}, context.call, wait_seconds=wait)
            self.work(context.db)
        counts = {f"{name}_processed": processed[name] for name, array in arrays.items() if array}
        content = {"message": "success", **counts, **({"errors": errors} if errors else {})}
        return json_reply(
            content,
            status=201,
            outcome=f"{len(taken)} queued, {len(errors)} refused",
            rows=len(rows),
            audience=self.audience_of(context.call),
        )

    def _fault_of(self, context: Context, array: str, row: Row) -> str | None:
        if array == "attributes":
            return profiles.fault_of(context.db, row)
        needed = {"events": ("name", "time"), "purchases": ("product_id", "currency", "price", "time")}[array]
        missing = [name for name in needed if row.get(name) is None]
        return f"'{missing[0]}' is required" if missing else profiles.fault_of(context.db, _who(row))

    def export_people(self, context: Context) -> Reply:
        """``POST /users/export/ids``."""
        sent = self.read(context.call, PeopleToExport)
        asked: list[Row] = [
            *_named("external_id", sent.external_ids or ()),
            *_named("user_alias", sent.aliases() or ()),
        ]
        single = {"braze_id": sent.braze_id, "email": sent.email_address, "phone": sent.phone}
        asked += [{name: value} for name, value in single.items() if value is not None]
        if not asked:
            raise Refusal(self.words.refused(400, "", "No user identifiers were given"))
        users: list[Json] = []
        unknown: list[Json] = []
        for row in asked:
            key, value = next(iter(row.items()))
            found = profiles.sharing(context.db, key, str(value)) if key in ("email", "phone") else []
            if not found and (person := profiles.find(context.db, row)) is not None:
                found = [person]
            if not found and isinstance(value, str):
                unknown.append(value)
            users += [profiles.exported(context.db, person, sent.fields_to_export) for person in found]
        content: dict[str, Json] = {"message": "success", "users": users}
        if unknown:
            content["invalid_user_ids"] = unknown
        return json_reply(content, status=201, outcome=f"{len(users)} exported", rows=len(asked))

    def export_segment(self, context: Context) -> Reply:
        """``POST /users/export/segment``: an address where the people will be; one export a segment at a time."""
        sent = self.read(context.call, SegmentToExport)
        flags = lists.listed(context.db, self.platform)
        flag = next((flag for flag in flags if flag.document["segment_id"] == sent.segment_id), None)
        if flag is None:
            raise Refusal(self.words.refused(400, "", "Invalid segment_id"))
        running = context.db.execute(
            """
            select 1
            from email_jobs
            where tool = ? and kind = 'export' and status = 'queued' and payload ->> 'flag' = ?
            """,
            (self.platform.value, flag.id),
        ).fetchone()
        if running:
            raise Refusal(self.words.refused(400, "", "An export of this segment is already running"))
        job = jobs.queue(
            context.db,
            self.platform,
            "export",
            {"flag": flag.id, "fields": list(sent.fields_to_export)},
            context.call,
            wait_seconds=self.wait_seconds(context),
        )
        content = {
            "message": "success",
            "object_prefix": job,
            "url": f"{context.call.base_url}/exports/{job}.zip",
        }
        return json_reply(content, status=201, outcome="export queued", audience=flag.id)

    def download(self, context: Context, job_id: str) -> Reply:
        """``GET`` of an export's address: a ZIP of lines of JSON; nothing is there before it is done."""
        job = jobs.find(context.db, self.platform, job_id)
        if job is None or job.kind != "export" or job.status != "done":
            return Reply(404, b"", content_type="application/xml", outcome="refused: not there")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr(f"{job_id}.txt", str(job.result["lines"]))
        return Reply(200, packed.getvalue(), content_type="application/zip", outcome="export downloaded")

    def delete_people(self, context: Context) -> Reply:
        """``POST /users/delete``: for good; one kind of identifier a call."""
        sent = self.read(context.call, PeopleToDelete)
        given: list[tuple[str, Sequence[Json] | None]] = [
            ("external_id", sent.external_ids),
            ("user_alias", sent.aliases()),
            ("braze_id", sent.braze_ids),
        ]
        kinds = [(key, values) for key, values in given if values is not None]
        if len(kinds) != 1:
            raise Refusal(self.words.refused(400, "", "Exactly one kind of identifier must be given"))
        ((key, values),) = kinds
        rows = _named(key, values)
        found = [person for row in rows if (person := profiles.find(context.db, row)) is not None]
        for person in found:
            people.delete(context.db, self.platform, person.id)
        content = {"deleted": len(found), "message": "success"}
        return json_reply(content, status=201, outcome=f"{len(found)} deleted", rows=len(rows))

    def list_segments(self, context: Context) -> Reply:
        """``GET /segments/list``, a hundred a page from page 0."""
        page = self._number(context, "page", 0)
        shown = lists.listed(context.db, self.platform)[page * SEGMENTS_PAGE : (page + 1) * SEGMENTS_PAGE]
        segments: list[Json] = [
            {
                "id": flag.document["segment_id"],
                "name": f"{flag.name} is true",
                "analytics_tracking_enabled": False,
                "tags": [],
            }
            for flag in shown
        ]
        return json_reply({"message": "success", "segments": segments}, outcome=f"{len(shown)} listed")

    def list_unsubscribed(self, context: Context) -> Reply:
        """``GET /email/unsubscribes``."""
        left = people.with_consent(context.db, self.platform, "unsubscribed")
        gone = [(person.email, person.changed_at) for person in left if person.email]
        return self._addresses(context, gone, "unsubscribed_at")

    def list_bounced(self, context: Context) -> Reply:
        """``GET /email/hard_bounces``."""
        bounced = people.suppressions(context.db, self.platform, "bounced")
        return self._addresses(context, [(email, at) for email, _, at in bounced], "hard_bounced_at")

    def list_attributes(self, context: Context) -> Reply:
        """``GET /custom_attributes``, those that hold true or false; a link leads to the next fifty."""
        cursor = self._number(context, "cursor", 0)
        known = lists.listed(context.db, self.platform)
        shown: list[Json] = [
            {"name": flag.id, "data_type": "Boolean", "status": "Active", "tag_names": []}
            for flag in known[cursor : cursor + ATTRIBUTES_PAGE]
        ]
        reply = json_reply({"message": "success", "attributes": shown}, outcome=f"{len(shown)} listed")
        if cursor + ATTRIBUTES_PAGE >= len(known):
            return reply
        following = f"{context.call.base_url}/custom_attributes?cursor={cursor + ATTRIBUTES_PAGE}"
        return replace(reply, headers={**reply.headers, "Link": f'<{following}>; rel="next"'})

    def _addresses(self, context: Context, gone: Sequence[tuple[str, float]], at: str) -> Reply:
        limit, offset = self._number(context, "limit", ADDRESSES), self._number(context, "offset", 0)
        if not 1 <= limit <= MOST_ADDRESSES:
            raise Refusal(self.words.refused(400, "", f"limit must be from 1 to {MOST_ADDRESSES}"))
        shown = gone[offset : offset + limit]
        emails: list[Json] = [{"email": email, at: clock.text(moment)} for email, moment in shown]
        return json_reply({"message": "success", "emails": emails}, outcome=f"{len(shown)} listed")

    def set_email_status(self, context: Context) -> Reply:
        """``POST /email/status``: changes the consent of every profile with the address."""
        sent = self.read(context.call, EmailStatus)
        for email in [sent.email] if isinstance(sent.email, str) else sent.email:
            for person in profiles.sharing(context.db, "email", email):
                state = profiles.STATES[sent.subscription_state]
                people.set_consent(context.db, self.platform, person.id, state, context.call.number)
        return json_reply({"message": "success"}, status=201, outcome="email status set")

    def set_group(self, context: Context) -> Reply:
        """``POST /subscription/status/set``: one group."""
        sent = self.read(context.call, OneGroup)
        given = (("external_id", sent.external_id), ("email", sent.email), ("phone", sent.phone))
        rows = [
            row
            for key, value in given
            for row in _named(key, [value] if isinstance(value, str) else value or ())
        ]
        return self._set_groups(context, [(sent.subscription_group_id, sent.subscription_state, rows)])

    def set_groups(self, context: Context) -> Reply:
        """``POST /v2/subscription/status/set``: several groups."""
        wishes: list[tuple[str, GroupState, list[Row]]] = [
            (
                group.subscription_group_id,
                group.subscription_state,
                [
                    *_named("external_id", group.external_ids),
                    *_named("email", group.emails),
                    *_named("phone", group.phones),
                ],
            )
            for group in self.read(context.call, Groups).subscription_groups
        ]
        return self._set_groups(context, wishes)

    def _set_groups(self, context: Context, wishes: list[tuple[str, GroupState, list[Row]]]) -> Reply:
        for group, state, rows in wishes:
            for row in rows:
                person = profiles.find(context.db, row)
                for each in profiles.alike(context.db, person) if person else ():
                    people.set_consent(context.db, self.platform, each.id, state, context.call.number, group)
        return json_reply({"message": "success"}, status=201, outcome="groups set")

    def _number(self, context: Context, name: str, default: int) -> int:
        given = context.call.query.get(name, str(default))
        if not re.fullmatch("[0-9]{1,9}", given):
            raise Refusal(self.words.refused(400, "", f"{name} must be a number"))
        return int(given)


def _named(key: str, values: Sequence[Json]) -> list[Row]:
    return [{key: value} for value in values]


def _who(row: Row) -> Row:
    """Of an event or a purchase only the person matters here."""
    return {name: row[name] for name in (*profiles.IDENTIFIERS, "_update_existing_only") if name in row}
