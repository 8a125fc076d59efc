"""Klaviyo's calls about what is done later: imports, and the ones that change what people get."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import orjson

from connectors.sandbox import clock
from connectors.sandbox.email import jobs, people
from connectors.sandbox.email import klaviyo_profiles as profiles
from connectors.sandbox.email import klaviyo_queries as queries
from connectors.sandbox.email.jobs import Job
from connectors.sandbox.email.klaviyo_account import LIST_FIELDS, KlaviyoAccount
from connectors.sandbox.email.klaviyo_bodies import (
    EraseBody,
    ImportBody,
    SubscribeBody,
    SubscribedProfile,
    SuppressionBody,
    ToList,
    UnsubscribeBody,
    UnsubscribedProfile,
)
from connectors.sandbox.email.klaviyo_profiles import UnusableError
from connectors.sandbox.email.klaviyo_words import document, error, errors, nothing
from connectors.sandbox.email.platform import Context, Refusal, Routes
from connectors.sandbox.wire import Json, Reply

IMPORT = "profile-bulk-import-job"
SUBSCRIBE = "profile-subscription-bulk-create-job"
UNSUBSCRIBE = "profile-subscription-bulk-delete-job"
SUPPRESS = "profile-suppression-bulk-create-job"
UNSUPPRESS = "profile-suppression-bulk-delete-job"
ERASE = "data-privacy-deletion-job"
MAX_IMPORT_BYTES = 5_000_000
MAX_ROW_BYTES = 100 * 1024
KEPT_SECONDS = 7 * 86_400
PAGE, LARGEST_PAGE = 20, 100
_STATUS = {"queued": "queued", "done": "complete", "failed": "cancelled"}
_IMPORT_FIELDS = (
    "status",
    "created_at",
    "total_count",
    "completed_count",
    "failed_count",
    "completed_at",
    "expires_at",
    "started_at",
)
_SUPPRESSION_FIELDS = (
    "status",
    "created_at",
    "total_count",
    "completed_count",
    "completed_at",
    "skipped_count",
)

SuppressionKind = Literal["profile-suppression-bulk-create-job", "profile-suppression-bulk-delete-job"]


class JobCalls(KlaviyoAccount):
    """Take jobs, tell how they stand."""

    @property
    def job_routes(self) -> Routes:
        """All calls about jobs."""
        imports = f"/api/{IMPORT}s"
        one = f"{imports}/([^/]+)"
        return (
            ("POST", re.compile(imports), self.start_import),
            ("GET", re.compile(one), self.read_import),
            ("GET", re.compile(one + "/import-errors"), self.import_errors),
            ("GET", re.compile(one + "/profiles"), self.imported_profiles),
            ("GET", re.compile(one + "/relationships/profiles"), self.imported_ids),
            ("GET", re.compile(one + "/lists"), self.lists_of_import),
            ("GET", re.compile(one + "/relationships/lists"), self.list_ids_of_import),
            ("POST", re.compile(f"/api/{SUBSCRIBE}s"), self.subscribe),
            ("POST", re.compile(f"/api/{UNSUBSCRIBE}s"), self.unsubscribe),
            ("POST", re.compile(f"/api/({SUPPRESS}|{UNSUPPRESS})s"), self.start_suppression),
            ("GET", re.compile(f"/api/({SUPPRESS}|{UNSUPPRESS})s/([^/]+)"), self.read_suppression),
            ("POST", re.compile(f"/api/{ERASE}s"), self.erase),
        )

    # --- imports ---------------------------------------------------------------------------------------------

    def start_import(self, context: Context) -> Reply:
        """``POST /api/profile-bulk-import-jobs``: rows that cannot be used fail alone, later."""
        call = context.call
        queries.check_names(call, (f"fields[{IMPORT}]",))
        if len(call.body) > MAX_IMPORT_BYTES:
            raise Refusal(self.words.refused(413, "payload_too_large", "An import has at most 5 MB."))
        wish = self.read(call, ImportBody).data
        rows: list[Json] = [
            orjson.loads(one.model_dump_json(by_alias=True, exclude_unset=True))
            for one in wish.attributes.profiles.data
        ]
        large = [
            error(
                "invalid", "A profile has at most 100 KB.", pointer=f"/data/attributes/profiles/data/{number}"
            )
            for number, row in enumerate(rows)
            if len(orjson.dumps(row)) > MAX_ROW_BYTES
        ]
        if large:
            raise Refusal(errors(large))
        named = wish.relationships.lists.data if wish.relationships and wish.relationships.lists else []
        targets: list[Json] = [self.list_of(context, one.id).id for one in named]
        refused: list[Json] = [*sorted(call.rejection.picks(rows))]
        payload: dict[str, Json] = {
            "profiles": rows,
            "lists": targets,
            "refused": refused,
            "unnamed": call.rejection.unnamed,
        }
        job = self._take(context, IMPORT, payload, total=len(rows), lists=targets)
        audience = str(targets[0]) if targets else None
        return document(
            {"data": self._import(context, job)},
            "import taken",
            status=202,
            audience=audience,
            rows=len(rows),
        )

    def read_import(self, context: Context, job_id: str) -> Reply:
        """``GET /api/profile-bulk-import-jobs/{id}``."""
        queries.check_names(context.call, (f"fields[{IMPORT}]", "fields[list]", "include"))
        found = self._job(context, IMPORT, job_id)
        content: dict[str, Json] = {"data": self._import(context, found)}
        if context.call.query.get("include") == "lists":
            content["included"] = self._targets(context, found)
        return document(content, f"import {found.status}")

    def import_errors(self, context: Context, job_id: str) -> Reply:
        """``GET …/import-errors``: one for each row that failed."""
        queries.check_names(context.call, ("page[cursor]", "page[size]", "fields[import-error]"))
        found = self._job(context, IMPORT, job_id)
        page, following = self._page(context, found, "errors")
        shown: list[Json] = [
            {"type": "import-error", "id": f"{job_id}-{number}", "attributes": failure}
            for number, failure in page
        ]
        content: dict[str, Json] = {"data": shown, "links": queries.links(context.call, following)}
        return document(content, f"{len(shown)} import errors")

    def imported_profiles(self, context: Context, job_id: str) -> Reply:
        """``GET …/profiles``."""
        call = context.call
        known_names = ("page[cursor]", "page[size]", "fields[profile]", "additional-fields[profile]")
        queries.check_names(call, known_names)
        wanted = queries.chosen(call, "profile", profiles.SELECTABLE)
        more = queries.also(call, "profile", ("subscriptions",))
        page, following = self._page(context, self._job(context, IMPORT, job_id), "profile_ids")
        found = [people.find(context.db, self.platform, "id", str(one)) for _, one in page]
        shown: list[Json] = [
            profiles.shown(context.db, known, self.base(call), wanted, subscriptions=bool(more))
            for known in found
            if known
        ]
        content: dict[str, Json] = {"data": shown, "links": queries.links(call, following)}
        return document(content, f"{len(shown)} imported profiles")

    def imported_ids(self, context: Context, job_id: str) -> Reply:
        """``GET …/relationships/profiles``."""
        queries.check_names(context.call, ("page[cursor]", "page[size]"))
        page, following = self._page(context, self._job(context, IMPORT, job_id), "profile_ids")
        shown: list[Json] = [{"type": "profile", "id": one} for _, one in page]
        content: dict[str, Json] = {"data": shown, "links": queries.links(context.call, following)}
        return document(content, f"{len(shown)} imported ids")

    def lists_of_import(self, context: Context, job_id: str) -> Reply:
        """``GET …/lists``."""
        found = self._targets(context, self._job(context, IMPORT, job_id))
        return document({"data": found, "links": queries.links(context.call)}, f"{len(found)} lists")

    def list_ids_of_import(self, context: Context, job_id: str) -> Reply:
        """``GET …/relationships/lists``."""
        found = self._targets(context, self._job(context, IMPORT, job_id))
        ids: list[Json] = [{"type": "list", "id": one["id"]} for one in found if isinstance(one, dict)]
        return document({"data": ids, "links": queries.links(context.call)}, f"{len(ids)} list ids")

    # --- what changes consent --------------------------------------------------------------------------------

    def subscribe(self, context: Context) -> Reply:
        """``POST /api/profile-subscription-bulk-create-jobs``: consent, and suppressions taken off."""
        wish = self.read(context.call, SubscribeBody).data
        rows = self._subscriptions(context, wish.attributes.profiles.data)
        payload: dict[str, Json] = {
            "profiles": rows,
            "list": self._target(context, wish.relationships),
            "historical": wish.attributes.historical_import,
        }
        self._take(context, SUBSCRIBE, payload, total=len(rows))
        return nothing("subscription taken", status=202, rows=len(rows))

    def unsubscribe(self, context: Context) -> Reply:
        """``POST /api/profile-subscription-bulk-delete-jobs``: who is not in the list loses everything."""
        wish = self.read(context.call, UnsubscribeBody).data
        rows = self._subscriptions(context, wish.attributes.profiles.data)
        payload: dict[str, Json] = {"profiles": rows, "list": self._target(context, wish.relationships)}
        self._take(context, UNSUBSCRIBE, payload, total=len(rows))
        return nothing("unsubscription taken", status=202, rows=len(rows))

    def start_suppression(self, context: Context, kind: SuppressionKind) -> Reply:
        """``POST /api/profile-suppression-bulk-create-jobs`` and ``…-delete-jobs``."""
        wish = self.read(context.call, SuppressionBody).data
        target = self._target(context, wish.relationships)
        emails: list[Json] = [
            one.attributes.email
            for one in (wish.attributes.profiles.data if wish.attributes.profiles else [])
        ]
        if wish.type != kind or (target is None) == (not emails):
            raise Refusal(self.words.refused(400, "invalid", "Name either profiles or a list."))
        size = self.list_of(context, str(target)).size if target else len(emails)
        found = self._take(context, kind, {"emails": emails, "list": target}, total=size)
        return document({"data": self._suppression(context, found)}, "suppression taken", status=202)

    def read_suppression(self, context: Context, kind: SuppressionKind, job_id: str) -> Reply:
        """``GET`` of one such job."""
        found = self._job(context, kind, job_id)
        return document({"data": self._suppression(context, found)}, f"suppression {found.status}")

    def erase(self, context: Context) -> Reply:
        """``POST /api/data-privacy-deletion-jobs``, by exactly one identifier."""
        wish = self.read(context.call, EraseBody).data.attributes.profile.data
        given = {"id": wish.id, **wish.attributes.model_dump()}
        named = {kind: value for kind, value in given.items() if value}
        if len(named) != 1:
            raise Refusal(self.words.refused(400, "invalid", "Exactly one identifier must be given."))
        ((kind, value),) = named.items()
        sought = value.lower() if kind == "email" else value
        self._take(context, ERASE, {"kind": kind, "value": sought}, total=1)
        return nothing("erasure taken", status=202)

    # --- jobs ------------------------------------------------------------------------------------------------

    def _subscriptions(
        self, context: Context, given: Sequence[SubscribedProfile | UnsubscribedProfile]
    ) -> list[Json]:
        """Rows as the job keeps them. Raises Refusal, for the whole request, where one is wrong."""
        refused = context.call.rejection.picks([one.model_dump() for one in given])
        wrong = []
        for position, one in enumerate(given):
            try:
                profiles.check_identifiers(one.attributes.email, one.attributes.phone_number)
                if position in refused:
                    raise UnusableError("email", "The profile was refused.")
            except UnusableError as problem:
                place = f"/data/attributes/profiles/data/{position}/attributes/{problem.member}"
                wrong.append(error("invalid", problem.detail, pointer=place))
        if wrong:
            raise Refusal(errors(wrong))
        return [
            {**one.attributes.model_dump(), "id": one.id if isinstance(one, SubscribedProfile) else None}
            for one in given
        ]

    def _target(self, context: Context, relationships: ToList | None) -> str | None:
        named = relationships.list if relationships else None
        return self.list_of(context, named.data.id).id if named else None

    def _take(
        self, context: Context, kind: str, payload: dict[str, Json], *, total: int, **known: Json
    ) -> Job:
        told: dict[str, Json] = {"created_at": clock.now(context.db), "total_count": total, **known}
        taken = jobs.queue(
            context.db,
            self.platform,
            kind,
            payload,
            context.call,
            wait_seconds=self.wait_seconds(context),
            known=told,
        )
        return Job(taken, kind, "queued", context.call.number, payload, told)

    def _job(self, context: Context, kind: str, job_id: str) -> Job:
        """Raises Refusal (404). Ids are shown with the two characters that all of the account's begin with."""
        found = jobs.find(context.db, self.platform, job_id[2:].lower())
        if found is None or found.kind != kind or job_id != _shown_id(found):
            raise Refusal(self.words.refused(404, "not_found", "A job with this id does not exist."))
        return found

    def _page(self, context: Context, found: Job, name: str) -> tuple[list[tuple[int, Json]], int | None]:
        """A numbered page of what a job came to, and where the next begins."""
        size, start = (
            queries.page_size(context.call, PAGE, LARGEST_PAGE),
            queries.number_cursor(context.call),
        )
        whole = found.result.get(name, [])
        rows = list(enumerate(whole if isinstance(whole, list) else []))
        return rows[start : start + size], start + size if start + size < len(rows) else None

    def _targets(self, context: Context, found: Job) -> list[Json]:
        named = found.result.get("lists", [])
        return [
            self.list_document(context.call, self.list_of(context, str(one)), frozenset(LIST_FIELDS))
            for one in (named if isinstance(named, list) else [])
        ]

    def _import(self, context: Context, found: Job) -> dict[str, Json]:
        address = f"{self.base(context.call)}/{IMPORT}s/{_shown_id(found)}"
        related: dict[str, Json] = {
            name: {"links": {"self": f"{address}/relationships/{name}/", "related": f"{address}/{name}/"}}
            for name in ("lists", "profiles")
        }
        related["import-errors"] = {"links": {"related": f"{address}/import-errors/"}}
        wanted = queries.chosen(context.call, IMPORT, _IMPORT_FIELDS)
        return _resource(found, IMPORT, address, wanted, related)

    def _suppression(self, context: Context, found: Job) -> dict[str, Json]:
        address = f"{self.base(context.call)}/{found.kind}s/{_shown_id(found)}"
        wanted = queries.chosen(context.call, found.kind, _SUPPRESSION_FIELDS)
        return _resource(found, found.kind, address, wanted, {})


def _resource(
    found: Job, kind: str, address: str, wanted: frozenset[str], related: dict[str, Json]
) -> dict[str, Json]:
    told = found.result
    created = _moment(told.get("created_at")) or 0.0
    ended = _moment(told.get("completed_at"))
    everything: dict[str, Json] = {
        "status": _STATUS[found.status],
        "created_at": clock.text(created),
        "total_count": told.get("total_count", 0),
        "completed_count": told.get("completed_count", 0),
        "failed_count": told.get("failed_count", 0),
        "skipped_count": told.get("skipped_count", 0),
        "started_at": clock.text(ended) if ended else None,
        "completed_at": clock.text(ended) if ended else None,
        "expires_at": clock.text(created + KEPT_SECONDS),
    }
    return {
        "type": kind,
        "id": _shown_id(found),
        "attributes": {name: value for name, value in everything.items() if name in wanted},
        "relationships": related,
        "links": {"self": f"{address}/"},
    }


def _shown_id(found: Job) -> str:
    return f"01{found.id.upper()}"


def _moment(value: Json) -> float | None:
    return value if isinstance(value, float) else None
