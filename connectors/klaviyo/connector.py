"""Klaviyo as a destination: lists of an account, their members by profile id or by import jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import requests

from connectors.account import count_of, items_of, object_of
from connectors.base import (
    Audience,
    AudienceGone,
    AudienceRequest,
    Batch,
    Declared,
    Finding,
    JobFailed,
    Op,
    ReadBack,
    Receipt,
    Refused,
    Reported,
    RowsRefused,
    SyncOptions,
    Uncertain,
    Verdicts,
)
from connectors.consent_guard import ConsentGuard
from connectors.email import Person, ResolvingConnector, address_identity
from connectors.klaviyo.answers import ERRORS, attributes_of, data_of, error_in, following, row_of, spent
from connectors.klaviyo.guard import JOBS, LISTS, PROFILES, guard
from connectors.klaviyo.people import (
    Profile,
    address_of,
    by_position,
    described,
    learned,
    suppressions,
    texts_in,
    unknown,
)
from connectors.klaviyo.settings import KlaviyoSettings
from connectors.meanings import Told
from connectors.people import Present, Unreachable
from connectors.platform_ids import platform_id
from connectors.wire import Answer

MEDIA_TYPE = "application/vnd.api+json"
PAGE = "100"
"""Profiles or errors of a page, the most that there can be."""
MOST_BYTES, MOST_BYTES_EACH = 5_000_000, 100_000
"""Of an import, and of one profile in it; the engine sends a batch that is too large in halves."""
TOO_LARGE = "attributes_too_large"
MOST_PAGES_OF_PEOPLE = 100_000
SUPPRESSED_AT = "subscriptions.email.marketing.suppression.timestamp"
FIRST_MOMENT = "1970-01-01T00:00:00+00:00"


class KlaviyoConnector(ResolvingConnector):
    """One account. Nobody is subscribed: whoever has not agreed there is a member who gets no marketing."""

    config: KlaviyoSettings
    title = "Klaviyo"
    settings_type = KlaviyoSettings
    reads_back = ReadBack(lag=timedelta(minutes=15), tolerance=0.02)
    lists_members = timedelta(minutes=15)
    tells_unreachable = True
    errors = ERRORS
    signs_with = ("api_key",)

    def __init__(self, destination: str, settings: KlaviyoSettings) -> None:
        super().__init__(destination, settings)
        self.resolves_at_once = settings.resolves_at_once
        self.http.what_is_left = spent

    @classmethod
    def declare(cls, settings: KlaviyoSettings) -> Declared:
        """Memberships are answered at once; import jobs, which bring attributes and new people, later."""
        limits = settings.resolving_limits(
            settings.max_rows, verdicts=Verdicts.PER_ROW, asynchronous=True, asks_after=timedelta(seconds=2)
        )
        return Declared(limits, address_identity("klaviyo"))

    def guard(self) -> ConsentGuard:
        """Lists, import jobs and reading."""
        return guard(create_missing=self.settings.create_missing)

    def headers(self) -> Mapping[str, str]:
        """The key, and the revision that every call must name."""
        return {
            "Authorization": f"Klaviyo-API-Key {self.config.api_key.get_secret_value()}",
            "Accept": MEDIA_TYPE,
            "revision": self.config.revision,
        }

    def sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Bodies have a media type of their own."""
        signed = super().sign(request)
        if signed.body:
            signed.headers["Content-Type"] = MEDIA_TYPE
        return signed

    def told(self, answer: Answer) -> Told | None:
        """Errors, with the rows that they point at."""
        return error_in(answer)

    # --- members ---------------------------------------------------------------------------------------------

    def put(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """Profiles that are there, by their ids; an import job where people may be created or have attributes."""
        if self.config.create_missing:
            return self._import(audience, {person.position: described(person) for person in people})
        if not any(person.attributes for person in people):
            known, refused = self._change("POST", audience, people)
            rejected = {**unknown(people, known), **refused}
            return Receipt("applied", batch.id, rejected, learned=learned(people, known))
        # A job's verdict comes too late to look anybody up again, so no remembered id goes into it.
        known = self.ids_of([replace(person, id=None) for person in people])
        rows = {
            person.position: described(person, known[person.position])
            for person in people
            if person.position in known
        }
        receipt = self._import(audience, rows) if rows else Receipt("applied", batch.id)
        return replace(receipt, rejected=unknown(people, known), learned=learned(people, known))

    def take_out(self, audience: Audience, people: Sequence[Person], batch: Batch) -> Receipt:
        """By their ids; what they agreed to stays as it is. Whom Klaviyo does not know is out."""
        known, refused = self._change("DELETE", audience, people)
        return Receipt("applied", batch.id, refused, learned=learned(people, known))

    def resolve(self, people: Sequence[Person]) -> Mapping[int, str]:
        """Profiles by their addresses."""
        wanted = [person.known_as["EMAIL"] for person in people]
        query = {"filter": f"any(email,{_quoted(wanted)})", "fields[profile]": "email", "page[size]": PAGE}
        answer = object_of(self.ask("GET", PROFILES, params=query, sent=wanted))
        found = {address_of(item): platform_id(item.get("id")) for item in items_of(answer.get("data"))}
        ids = ((person.position, found.get(person.known_as["EMAIL"])) for person in people)
        return {position: id_ for position, id_ in ids if id_}

    def requests_for(self, op: Op, rows: int) -> int:
        """One job; else ids and the change, and both once more when a remembered id is no more."""
        if op == "add" and self.config.create_missing:
            return 1
        return self.resolving_requests(rows) + 4

    def _change(
        self, method: str, audience: Audience, people: Sequence[Person]
    ) -> tuple[dict[int, str], dict[int, str]]:
        """One request about everybody who is known: their ids by position, and reasons of those who are refused.

        Klaviyo refuses it as a whole for a single id that is no more.
        """
        known = self.ids_of(people)
        try:
            self._relate(method, audience, known)
        except AudienceGone:
            self.read_audience(audience.id)  # a profile may be meant as well as the list
            refused: dict[int, str] = {}
        except RowsRefused as error:
            refused = {row: reason for row, reason in error.rows.items() if not people[row].id}
        else:
            return known, {}
        known = self._known_anew(people, known)
        try:
            self._relate(method, audience, {row: id_ for row, id_ in known.items() if row not in refused})
        except AudienceGone:
            raise Refused("Klaviyo: a profile is unknown that was looked up just now") from None
        return known, refused

    def _relate(self, method: str, audience: Audience, known: Mapping[int, str]) -> None:
        """Put profiles into the list or take them out. Rows that are refused are those of the batch."""
        if not known:
            return
        positions = sorted(known)
        members = [{"type": "profile", "id": known[position]} for position in positions]
        with _rows_of_the_batch(positions):
            path = f"{LISTS}/{audience.id}/relationships/profiles"
            self.ask(method, path, {"data": members}, sent=known.values())

    def _known_anew(self, people: Sequence[Person], known: Mapping[int, str]) -> dict[int, str]:
        """The ids by position, those that were remembered asked for once more."""
        remembered = [replace(person, id=None) for person in people if person.id]
        fresh = {
            person.position: known[person.position]
            for person in people
            if not person.id and person.position in known
        }
        return {**fresh, **self.ids_of(remembered)}

    # --- import jobs -----------------------------------------------------------------------------------------

    def _import(self, audience: Audience, rows: Mapping[int, Profile]) -> Receipt:
        """One job that sets attributes and puts people into the list; its reference says whose rows it has."""
        job = {
            "type": "profile-bulk-import-job",
            "attributes": {"profiles": {"data": list(rows.values())}},
            "relationships": {"lists": {"data": [{"type": "list", "id": audience.id}]}},
        }
        large = {position: TOO_LARGE for position, row in rows.items() if _bytes_of(row) > MOST_BYTES_EACH}
        if large or _bytes_of(job) > MOST_BYTES:
            raise RowsRefused("Klaviyo: an import takes 5 MB in all, and 100 kB of each person", large)
        with _rows_of_the_batch(list(rows)):
            answer = self.ask("POST", JOBS, {"data": job}, sent=texts_in(rows.values()))
        started = platform_id(data_of(answer).get("id"))
        if started is None:
            raise Uncertain("Klaviyo: the answer names no job; the batch is sent again")
        return Receipt("accepted", f"{started}/{sum(1 << position for position in rows):x}")

    def poll(self, audience: Audience, reference: str) -> Receipt:
        """How a job ended; rows that failed are told by where they stood in it."""
        job, _, mask = reference.partition("/")
        try:
            told = attributes_of(data_of(self.ask("GET", f"{JOBS}/{job}")))
            match told.get("status"):
                case "queued" | "processing":
                    return Receipt("accepted", reference)
                case "complete":
                    failed = count_of(told.get("failed_count")) or 0
                    rejected = self._failures(job, int(mask, 16)) if failed else {}
                    return Receipt("applied", reference, rejected, max(0, failed - len(rejected)))
                case "cancelled":
                    raise JobFailed("Klaviyo: the import was cancelled")
        except AudienceGone:
            raise Uncertain("Klaviyo: the import is not known any more") from None
        raise Uncertain("Klaviyo: the import's state is none that is documented")

    def _failures(self, job: str, mask: int) -> Mapping[int, str]:
        """Reasons by position in the batch."""
        positions = [position for position in range(mask.bit_length()) if mask >> position & 1]
        rows: dict[int, str] = {}
        for page in self.pages(
            f"{JOBS}/{job}/import-errors", following, most=MOST_PAGES_OF_PEOPLE, **{"page[size]": PAGE}
        ):
            rows.update(filter(None, (row_of(attributes_of(item)) for item in items_of(page.get("data")))))
        return by_position(rows, positions)

    # --- lists -----------------------------------------------------------------------------------------------

    def read_audience(self, audience_id: str) -> Audience:
        """``GET /api/lists/{id}``."""
        return self._list(data_of(self.ask("GET", f"{LISTS}/{audience_id}")))

    def listed(self, request: AudienceRequest) -> Iterator[tuple[Audience, str]]:
        """Lists of exactly this name; there is no place for our mark."""
        for page in self.pages(LISTS, following, filter=f"equals(name,{_quoted(request.name)})"):
            for item in items_of(page.get("data")):
                found = self._list(item)
                yield found, request.marker if found.name == request.name else ""

    def create_audience(self, request: AudienceRequest, options: SyncOptions) -> object:
        """An empty list, whose way of opting in is the account's."""
        wanted = {"type": "list", "attributes": {"name": request.name}}
        return data_of(self.ask("POST", LISTS, {"data": wanted}, repeatable=False)).get("id")

    def read_back(self, audience: Audience) -> Reported:
        """Profiles in the list, whether they get marketing or not."""
        query = {"additional-fields[list]": "profile_count"}
        found = attributes_of(data_of(self.ask("GET", f"{LISTS}/{audience.id}", params=query)))
        size = count_of(found.get("profile_count"))
        return Reported(size, size)

    def members(self, audience: Audience) -> Iterator[Sequence[Present]]:
        """Every profile in the list, whether it gets marketing or not."""
        for profiles in self._profiles(f"{LISTS}/{audience.id}/profiles", "email"):
            yield [
                Present(platform_id(profile.get("id")), {"EMAIL": address} if address else {})
                for profile, address in ((profile, address_of(profile)) for profile in profiles)
            ]

    def unreachable(self, since: datetime | None) -> Iterator[Unreachable]:
        """Everybody with a suppression of the whole account; one of a single list says nothing of the others."""
        query = {
            "filter": f"greater-or-equal({SUPPRESSED_AT},{since.isoformat() if since else FIRST_MOMENT})",
            "additional-fields[profile]": "subscriptions",
            "sort": SUPPRESSED_AT,
        }
        for profiles in self._profiles(PROFILES, "email,external_id,subscriptions", **query):
            for profile in profiles:
                yield from suppressions(profile)

    def examine_account(self) -> Iterator[Finding]:
        """Whether the key reads lists and profiles."""
        self.ask("GET", LISTS, params={"fields[list]": "name"})
        yield Finding("lists", True, "they can be read")
        self.ask("GET", PROFILES, params={"fields[profile]": "email", "page[size]": "1"})
        yield Finding("profiles", True, "they can be read; whether written, the first push tells")

    def _profiles(self, path: str, fields: str, **query: str) -> Iterator[Sequence[dict[str, Any]]]:
        """Profiles page by page."""
        shape = {"fields[profile]": fields, "page[size]": PAGE}
        for page in self.pages(path, following, most=MOST_PAGES_OF_PEOPLE, **shape, **query):
            yield list(items_of(page.get("data")))

    def _list(self, data: Mapping[str, Any]) -> Audience:
        return self.audience(data.get("id"), attributes_of(data).get("name"))


@contextmanager
def _rows_of_the_batch(positions: Sequence[int]) -> Iterator[None]:
    """Rows that a request's refusal names are told by their positions in the batch."""
    try:
        yield
    except RowsRefused as error:
        raise RowsRefused(str(error), by_position(error.rows, positions)) from None


def _bytes_of(value: object) -> int:
    return len(orjson.dumps(value))


def _quoted(value: object) -> str:
    """A text, or a list of them, within a filter."""
    return orjson.dumps(value).decode()
