"""Criteo's contact lists: segments that hold people, and audiences that are expressions over segments."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import ClassVar

from connectors.sandbox import clock
from connectors.sandbox.ads import criteo_bodies as bodies
from connectors.sandbox.ads import holdings, records
from connectors.sandbox.ads.criteo_bodies import CALLS_PER_MINUTE, CriteoWords, problem, rate_headers
from connectors.sandbox.ads.holdings import AdAudience
from connectors.sandbox.ads.platform import CLIENT, AdPlatform, Context, Refusal, Routes, ads_desk
from connectors.sandbox.switches import read_switches
from connectors.sandbox.tokens import TokenDesk
from connectors.sandbox.wire import Call, Json, Platform, Reply, json_reply
from connectors.sandbox.words import Words

ADVERTISER = "12345"
STABLE, CANDIDATE = "2026-07", "2027-01"
"""The versions that are served."""
MAX_IDENTIFIERS = 50_000
SAMPLE = 10
"""Bad identifiers that an answer shows at most."""
DEFAULT_LIMIT, MAX_LIMIT = 50, 100
"""Of a page."""
FORMS = {
    "email": re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}|[^@\s]+@[^@\s]+\.[^@\s]+"),
    "madid": re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
}
"""What identifiers look like; those of other types have no form that is known."""
ANY = re.compile(r"\S+")


class CriteoPlatform(AdPlatform):
    """One advertiser that has let the app in."""

    platform: ClassVar[Platform] = Platform.CRITEO
    title: ClassVar[str] = "Criteo"
    mount: ClassVar[str] = f"/{STABLE}/marketing-solutions"
    audience_in_path: ClassVar[re.Pattern[str]] = re.compile(r"/audience-segments/(\d+)/")
    words: ClassVar[Words] = CriteoWords()
    desk: ClassVar[TokenDesk | None] = ads_desk(
        Platform.CRITEO,
        client_in="form",
    )
    token_path: ClassVar[str] = "/oauth2/token"  # noqa: S105 - an address
    token_seconds: ClassVar[float] = 900
    settings: ClassVar[dict[str, str]] = {
        "TOKEN_URL": "{url}/oauth2/token",
        "ADVERTISER": ADVERTISER,
        **CLIENT,
    }

    @property
    def routes(self) -> Routes:
        """All calls, and every call of a version that is no longer served."""
        base = f"/(?:{STABLE}|{CANDIDATE})/marketing-solutions"
        segments, audiences = f"{base}/audience-segments", f"{base}/audiences"
        people = re.compile(f"{segments}/([^/]+)/contact-list")
        retired = re.compile(r"/20(?:1\d|2[0-5])-\d\d/.*")
        return (
            ("POST", re.compile(f"{segments}/create"), self.create_segments),
            ("POST", re.compile(f"{segments}/search"), self.search_segments),
            ("POST", re.compile(f"{segments}/delete"), self.delete_segments),
            ("POST", re.compile(f"{segments}/compute-sizes"), self.compute_sizes),
            ("PATCH", re.compile(segments), self.change_segments),
            ("PATCH", people, self.amend),
            ("DELETE", people, self.empty),
            ("GET", re.compile(f"{people.pattern}/statistics"), self.statistics),
            ("POST", re.compile(f"{audiences}/create"), self.create_audiences),
            ("POST", re.compile(f"{audiences}/search"), self.search_audiences),
            ("POST", re.compile(f"{audiences}/delete"), self.delete_audiences),
            ("PATCH", re.compile(audiences), self.change_audiences),
            *((method, retired, self.retired) for method in ("GET", "POST", "PATCH", "DELETE")),
        )

    def handle(self, call: Call) -> Reply:
        """Every answer says how many calls are left in this minute."""
        reply = super().handle(call)
        with self._store.reading() as db:
            now, allowed = clock.now(db), read_switches(db).ads_requests_per_minute
        limit = allowed or CALLS_PER_MINUTE
        remaining = max(0, limit - (self._minute[1] if allowed else 1))
        headers = rate_headers(limit, remaining, time.time() + 60 - now % 60)
        return replace(reply, headers={**reply.headers, **headers})

    def create_segments(self, context: Context) -> Reply:
        """``POST /audience-segments/create``; items that fail are warnings under HTTP 200."""
        wishes = [item.attributes for item in self.read(context.call, bodies.NewSegments).data]
        self._require_advertiser([wish.advertiser_id for wish in wishes])
        made: list[Json] = []
        warnings: list[Json] = []
        for index, wish in enumerate(wishes):
            taken = {other.name for other in holdings.listed(context.db, self.platform)}
            warning = _name_warning(index, wish.name, taken)
            if warning:
                warnings.append(warning)
                continue
            number = str(987_653 + holdings.next_number(context.db, self.platform))
            kept: dict[str, Json] = {"description": wish.description}
            holdings.create(context.db, self.platform, number, ADVERTISER, wish.name, kept)
            made.append({"id": number, "type": "AudienceSegment", "attributes": {}})
        return _answer(made, warnings, f"{len(made)} segments created")

    def search_segments(self, context: Context) -> Reply:
        """``POST /audience-segments/search``, by pages."""
        wanted = self.read(context.call, bodies.Search[bodies.SegmentSearch]).data.attributes
        found: list[Json] = [
            _segment(audience)
            for audience in holdings.listed(context.db, self.platform)
            if _within(wanted.audience_segment_ids, {audience.id})
            and _within(wanted.advertiser_ids, {audience.account})
            and _within(wanted.audience_segment_types, {"ContactList"})
        ]
        return self._page(context.call, found)

    def change_segments(self, context: Context) -> Reply:
        """``PATCH /audience-segments``."""
        changed: list[Json] = []
        warnings: list[Json] = []
        for index, wish in enumerate(self.read(context.call, bodies.SegmentChanges).data):
            everything = {audience.id: audience for audience in holdings.listed(context.db, self.platform)}
            found = everything.pop(wish.id, None)
            if found is None:
                warnings.append(_not_found(index))
                continue
            name = found.name if wish.attributes.name is None else wish.attributes.name
            warning = _name_warning(index, name, {other.name for other in everything.values()})
            if warning:
                warnings.append(warning)
                continue
            holdings.rename(context.db, found, name)
            if wish.attributes.description is not None:
                holdings.update(context.db, found, description=wish.attributes.description.value)
            changed.append({"id": found.id, "type": "AudienceSegment", "attributes": {}})
        return _answer(changed, warnings, f"{len(changed)} segments changed")

    def delete_segments(self, context: Context) -> Reply:
        """``POST /audience-segments/delete``."""
        gone: list[Json] = []
        warnings: list[Json] = []
        for index, named in enumerate(self.read(context.call, bodies.NamedOnes).data):
            if holdings.find(context.db, self.platform, named.id) is None:
                warnings.append(_not_found(index))
                continue
            holdings.delete(context.db, self.platform, named.id)
            gone.append({"id": named.id, "type": "AudienceSegment", "attributes": {}})
        return _answer(gone, warnings, f"{len(gone)} segments deleted")

    def compute_sizes(self, context: Context) -> Reply:
        """``POST /audience-segments/compute-sizes``; null while the platform still computes."""
        sizes: list[Json] = []
        warnings: list[Json] = []
        for index, named in enumerate(self.read(context.call, bodies.NamedOnes).data):
            found = holdings.find(context.db, self.platform, named.id)
            if found is None:
                warnings.append(_not_found(index))
                continue
            size = None if self.is_processing(context, found) else found.size
            sizes.append({"id": found.id, "type": "AudienceSegmentSize", "attributes": {"size": size}})
        return _answer(sizes, warnings, f"{len(sizes)} sizes")

    def amend(self, context: Context, segment: str) -> Reply:
        """``PATCH …/contact-list``: counts, and a sample of what is no identifier."""
        wish = self.read(context.call, bodies.Amendment).data.attributes
        if len(wish.identifiers) > MAX_IDENTIFIERS:
            raise self._invalid(f"At most {MAX_IDENTIFIERS} identifiers.")
        if wish.identifier_type == "gum" and wish.gum_caller_id is None:
            raise self._invalid("gumCallerId is required for identifiers of type gum.")
        if wish.identifier_type == "phoneNumber" and not context.call.path.startswith(f"/{CANDIDATE}/"):
            raise self._invalid("identifierType is not known in this version.")
        audience = self.audience(context, segment)
        form = FORMS.get(wish.identifier_type, ANY)
        malformed = {index for index, text in enumerate(wish.identifiers) if not form.fullmatch(text)}
        refused = sorted(malformed | context.call.rejection.picks(wish.identifiers))
        kept = set(range(len(wish.identifiers))) - set(refused)
        members = [((wish.identifier_type, _stored(wish.identifiers[index])),) for index in sorted(kept)]
        added, removed = holdings.apply(context.db, audience, wish.operation, members, context.call.number)
        shown = [] if context.call.rejection.unnamed else refused[:SAMPLE]
        content: dict[str, Json] = {
            "type": "ContactlistOperation",
            "attributes": {
                "contactListId": int(audience.id),
                "operation": wish.operation,
                "requestDate": _date(clock.now(context.db)),
                "identifierType": wish.identifier_type,
                "nbValidIdentifiers": len(kept),
                "nbInvalidIdentifiers": len(refused),
                "sampleInvalidIdentifiers": [wish.identifiers[index] for index in shown],
            },
        }
        outcome = f"{added} added, {removed} removed, {len(refused)} refused"
        return _answer(content, [], outcome, audience=audience.id, rows=len(wish.identifiers))

    def empty(self, context: Context, segment: str) -> Reply:
        """``DELETE …/contact-list``: the segment stays, without people."""
        audience = self.audience(context, segment)
        gone = holdings.clear(context.db, audience, context.call.number)
        about: dict[str, Json] = {"name": audience.name, "description": audience.document["description"]}
        content: dict[str, Json] = {"id": audience.id, "type": "AudienceSegment", "attributes": about}
        return _answer(content, [], f"{gone} removed", audience=audience.id)

    def statistics(self, context: Context, segment: str) -> Reply:
        """``GET …/contact-list/statistics``; matches follow when the platform has computed them."""
        audience = self.audience(context, segment)
        matches = 0 if self.is_processing(context, audience) else audience.size
        numbers: dict[str, Json] = {
            "numberOfIdentifiers": audience.size,
            "numberOfMatches": matches,
            "matchRate": matches / audience.size if audience.size else 0.0,
        }
        content: dict[str, Json] = {
            "id": audience.id,
            "type": "ContactListStatistics",
            "attributes": numbers,
        }
        return _answer(content, [], "statistics read", audience=audience.id)

    def create_audiences(self, context: Context) -> Reply:
        """``POST /audiences/create``."""
        wishes = [item.attributes for item in self.read(context.call, bodies.NewAudiences).data]
        self._require_advertiser([wish.advertiser_id for wish in wishes])
        made: list[Json] = []
        warnings: list[Json] = []
        for index, wish in enumerate(wishes):
            others = records.listed(context.db, self.platform, "audience").values()
            warning = _name_warning(index, wish.name, {str(other["name"]) for other in others})
            named = self._segments_of(wish.algebra)
            if any(holdings.find(context.db, self.platform, segment) is None for segment in named):
                warning = _not_found(index)
            if warning:
                warnings.append(warning)
                continue
            number = str(345_678 + holdings.next_number(context.db, self.platform))
            kept: dict[str, Json] = wish.model_dump(mode="json", by_alias=True, exclude_none=True)
            kept["createdAt"] = kept["updatedAt"] = _date(clock.now(context.db))
            records.put(context.db, self.platform, "audience", number, kept)
            made.append({"id": number, "type": "Audience", "attributes": {}})
        return _answer(made, warnings, f"{len(made)} audiences created")

    def search_audiences(self, context: Context) -> Reply:
        """``POST /audiences/search``, by pages."""
        wanted = self.read(context.call, bodies.Search[bodies.AudienceSearch]).data.attributes
        found: list[Json] = [
            {"id": number, "type": "Audience", "attributes": {**kept, "adSetIds": []}}
            for number, kept in records.listed(context.db, self.platform, "audience").items()
            if _within(wanted.audience_ids, {number})
            and _within(wanted.advertiser_ids, {ADVERTISER})
            and _within(
                wanted.audience_segment_ids,
                bodies.Algebra.model_validate(kept["algebra"]).segments(),
            )
        ]
        return self._page(context.call, found)

    def change_audiences(self, context: Context) -> Reply:
        """``PATCH /audiences``: over other segments from now on."""
        changed: list[Json] = []
        warnings: list[Json] = []
        for index, wish in enumerate(self.read(context.call, bodies.AudienceChanges).data):
            kept = records.find(context.db, self.platform, "audience", wish.id)
            named = self._segments_of(wish.attributes.algebra)
            if kept is None:
                warnings.append(problem("validation", "audience-invalid", "Not found.", f"@data/{index}"))
            elif any(holdings.find(context.db, self.platform, segment) is None for segment in named):
                warnings.append(_not_found(index))
            else:
                kept |= wish.attributes.model_dump(mode="json", by_alias=True, exclude_none=True)
                kept["updatedAt"] = _date(clock.now(context.db))
                records.put(context.db, self.platform, "audience", wish.id, kept)
                changed.append({"id": wish.id, "type": "Audience", "attributes": {}})
        return _answer(changed, warnings, f"{len(changed)} audiences changed")

    def delete_audiences(self, context: Context) -> Reply:
        """``POST /audiences/delete``; their segments stay."""
        gone: list[Json] = []
        warnings: list[Json] = []
        for index, named in enumerate(self.read(context.call, bodies.NamedOnes).data):
            if records.delete(context.db, self.platform, "audience", named.id):
                gone.append({"id": named.id, "type": "Audience", "attributes": {}})
            else:
                warnings.append(problem("validation", "audience-invalid", "Not found.", f"@data/{index}"))
        return _answer(gone, warnings, f"{len(gone)} audiences deleted")

    def retired(self, context: Context) -> Reply:
        """410 for versions of former years."""
        raise Refusal(self.words.refused(410, "endpoint-deprecated", "This version is no longer served."))

    def _page(self, call: Call, found: Sequence[Json]) -> Reply:
        """``limit`` and ``offset`` in the address, and in ``meta`` with the number of all."""
        limit, offset = call.query.get("limit", str(DEFAULT_LIMIT)), call.query.get("offset", "0")
        if not (limit.isdecimal() and offset.isdecimal()) or int(limit) > MAX_LIMIT:
            raise self._invalid(f"limit goes from 0 to {MAX_LIMIT}, offset from 0.")
        shown: list[Json] = [*found[int(offset) : int(offset) + int(limit)]]
        meta: dict[str, Json] = {"totalItems": len(found), "limit": int(limit), "offset": int(offset)}
        return _answer(shown, [], f"{len(shown)} of {len(found)} found", meta=meta)

    def _require_advertiser(self, named: Collection[str]) -> None:
        if set(named) - {ADVERTISER}:
            message = "The advertiser has not given the app access."
            raise Refusal(self.words.refused(403, "access-control", message))

    def _segments_of(self, algebra: bodies.Algebra) -> set[str]:
        try:
            return algebra.segments()
        except ValueError as error:
            raise self._invalid(f"algebra: {error}") from None

    def _invalid(self, message: str) -> Refusal:
        return Refusal(self.words.refused(400, "validation", message))


def _within(wanted: Collection[str] | None, has: Collection[str]) -> bool:
    """Whether a filter lets something through."""
    return wanted is None or bool(set(wanted) & set(has))


def _stored(identifier: str) -> str:
    """Plain addresses are hashed by the platform itself."""
    return sha256(identifier.lower().encode()).hexdigest() if "@" in identifier else identifier


def _segment(audience: AdAudience) -> dict[str, Json]:
    return {
        "id": audience.id,
        "type": "AudienceSegment",
        "attributes": {
            "advertiserId": audience.account,
            "name": audience.name,
            "description": audience.document["description"],
            "type": "ContactList",
            "createdAt": _date(audience.created_at),
            "updatedAt": _date(audience.changed_at),
            "contactList": {"isReadOnly": False},
        },
    }


def _name_warning(index: int, name: str, taken: Collection[str]) -> dict[str, Json] | None:
    if not name:
        return problem(
            "validation", "name-must-not-be-empty", "Name property must not be empty.", f"@data/{index}"
        )
    if name in taken:
        return problem("validation", "name-must-be-unique", "Name must be unique.", f"@data/{index}")
    return None


def _not_found(index: int) -> dict[str, Json]:
    return problem("validation", "segment-not-found", "Segment is not found.", f"@data/{index}")


def _date(moment: float) -> str:
    return clock.text(moment).replace("+00:00", "Z")


def _answer(
    data: Json,
    warnings: list[Json],
    outcome: str,
    *,
    meta: dict[str, Json] | None = None,
    audience: str | None = None,
    rows: int | None = None,
) -> Reply:
    content: dict[str, Json] = {"data": data, "errors": [], "warnings": warnings}
    if meta is not None:
        content["meta"] = meta
    return json_reply(content, outcome=outcome, audience=audience, rows=rows)
