"""Klaviyo's calls about profiles."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.sandbox.email import klaviyo_profiles as profiles
from connectors.sandbox.email import klaviyo_queries as queries
from connectors.sandbox.email import lists, people
from connectors.sandbox.email.klaviyo_account import LIST_FIELDS, KlaviyoAccount
from connectors.sandbox.email.klaviyo_bodies import WrittenProfile, WrittenProfileBody
from connectors.sandbox.email.klaviyo_profiles import UnusableError
from connectors.sandbox.email.klaviyo_words import document, error, errors
from connectors.sandbox.email.lists import EmailList
from connectors.sandbox.email.people import Known
from connectors.sandbox.email.platform import Context, Refusal
from connectors.sandbox.wire import Json, Reply

PAGE, LARGEST_PAGE = 20, 100
MATCHED = ("any", "equals")
SUPPRESSED_AT = "subscriptions.email.marketing.suppression.timestamp"
PROFILE_FILTER = {**dict.fromkeys(profiles.KEYS, MATCHED), SUPPRESSED_AT: queries.MOMENTS}
PAGING = ("page[cursor]", "page[size]", "filter", "sort")
SHAPING = ("fields[profile]", "additional-fields[profile]")
MAX_PROFILE_BYTES = 100 * 1024


class ProfileCalls(KlaviyoAccount):
    """Find, create, update; which lists somebody is in."""

    def find_profiles(self, context: Context) -> Reply:
        """``GET /api/profiles``."""
        call = context.call
        queries.check_names(call, (*PAGING, *SHAPING))
        if call.query.get("sort", "id") not in ("id", SUPPRESSED_AT):
            raise queries.refuse("sort", "This field cannot be sorted by.")
        size = queries.page_size(call, PAGE, LARGEST_PAGE)
        wanted = queries.chosen(call, "profile", profiles.SELECTABLE)
        more = queries.also(call, "profile", ("subscriptions",))
        asked = queries.conditions(call, PROFILE_FILTER)
        suppressed = any(one.field == SUPPRESSED_AT for one in asked)
        found, following = (self._suppressed if suppressed else self._found)(context, asked, size)
        shown: list[Json] = [
            profiles.shown(context.db, known, self.base(call), wanted, subscriptions=bool(more))
            for known in found
        ]
        content: dict[str, Json] = {"data": shown, "links": queries.links(call, following)}
        return document(content, f"{len(shown)} profiles")

    def _found(
        self, context: Context, asked: Sequence[queries.Condition], size: int
    ) -> tuple[list[Known], object]:
        """A page of profiles by their identifiers, or of all, and what leads to the next one."""
        after = queries.cursor(context.call)
        if asked:
            first = asked[0]
            key = profiles.KEYS[first.field]
            named = (people.find(context.db, self.platform, key, value) for value in first.values)
            matching = {known.id: known for known in named if known and known.id > after}
            found = [
                known
                for _, known in sorted(matching.items())
                if all(one.holds(profiles.identifier(known, one.field)) for one in asked)
            ]
        else:
            found = people.listed(context.db, self.platform, after=after, limit=size + 1)
        return found[:size], found[size - 1].id if len(found) > size else None

    def _suppressed(
        self, context: Context, asked: Sequence[queries.Condition], size: int
    ) -> tuple[list[Known], object]:
        """A page of those who get nothing since a moment, the longest first, and what leads to the next one."""
        start = queries.number_cursor(context.call)
        found = [
            known
            for at, known in profiles.suppressed(context.db)
            if all(one.field == SUPPRESSED_AT and one.holds(at) for one in asked)
        ]
        return found[start : start + size], start + size if len(found) > start + size else None

    def read_profile(self, context: Context, profile: str) -> Reply:
        """``GET /api/profiles/{id}``."""
        queries.check_names(context.call, SHAPING)
        return self._shown(context, self._profile(context, profile), "profile read")

    def create_profile(self, context: Context) -> Reply:
        """``POST /api/profiles``: 409 with the id of the one that is there already."""
        written = self._written(context)
        return self._write(context, written, "create")

    def import_profile(self, context: Context) -> Reply:
        """``POST /api/profile-import``: 201 for a new profile, 200 for one that was there."""
        return self._write(context, self._written(context), "upsert")

    def change_profile(self, context: Context, profile: str) -> Reply:
        """``PATCH /api/profiles/{id}``."""
        self._profile(context, profile)
        written = self._written(context)
        if written.id != profile:
            raise Refusal(
                errors([error("invalid", "The id differs from the address's.", pointer="/data/id")])
            )
        return self._write(context, written, "update")

    def lists_of_profile(self, context: Context, profile: str) -> Reply:
        """``GET /api/profiles/{id}/lists``."""
        queries.check_names(context.call, ("fields[list]",))
        wanted = queries.chosen(context.call, "list", LIST_FIELDS)
        found: list[Json] = [
            self.list_document(context.call, one, wanted) for one in self._lists_of(context, profile)
        ]
        return document({"data": found, "links": queries.links(context.call)}, f"{len(found)} lists")

    def list_ids_of_profile(self, context: Context, profile: str) -> Reply:
        """``GET /api/profiles/{id}/relationships/lists``."""
        found: list[Json] = [{"type": "list", "id": one.id} for one in self._lists_of(context, profile)]
        return document({"data": found, "links": queries.links(context.call)}, f"{len(found)} list ids")

    def _lists_of(self, context: Context, profile: str) -> list[EmailList]:
        known = self._profile(context, profile)
        return [self.list_of(context, one) for one in lists.of_person(context.db, self.platform, known.id)]

    def _profile(self, context: Context, profile: str) -> Known:
        known = people.find(context.db, self.platform, "id", profile)
        if known is None:
            raise Refusal(self.words.refused(404, "not_found", "A profile with this id does not exist."))
        return known

    def _written(self, context: Context) -> WrittenProfile:
        if len(context.call.body) > MAX_PROFILE_BYTES:
            raise Refusal(self.words.refused(413, "payload_too_large", "A profile has at most 100 KB."))
        return self.read(context.call, WrittenProfileBody).data

    def _write(self, context: Context, written: WrittenProfile, way: str) -> Reply:
        """Raises Refusal where identifiers are wrong or somebody else's."""
        try:
            known = profiles.matching(context.db, written)
            if known is None:
                return self._shown(context, profiles.create(context.db, written), "profile created", 201)
            if way == "create":
                raise UnusableError("email", "A profile already exists.", "duplicate_profile", known.id)
            return self._shown(context, profiles.update(context.db, known, written), "profile updated")
        except UnusableError as problem:
            place = f"/data/attributes/{problem.member}" if problem.member else "/data/attributes"
            status = {"duplicate_profile": 409, "not_found": 404}.get(problem.code, 400)
            meta: dict[str, Json] = {"duplicate_profile_id": problem.other} if problem.other else {}
            found = error(problem.code, problem.detail, pointer=place, meta=meta, status=status)
            raise Refusal(errors([found], status)) from None

    def _shown(self, context: Context, known: Known, outcome: str, status: int = 200) -> Reply:
        wanted = queries.chosen(context.call, "profile", profiles.SELECTABLE)
        more = queries.also(context.call, "profile", ("subscriptions",))
        content: dict[str, Json] = {
            "data": profiles.shown(
                context.db, known, self.base(context.call), wanted, subscriptions=bool(more)
            )
        }
        return document(content, outcome, status=status)
