"""The sandbox's memory as tests and demos read it, and the few things they may put into it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import orjson

from connectors.sandbox import clock, request_log
from connectors.sandbox.accounts import SANDBOX_MAILCHIMP_LIST
from connectors.sandbox.ads import holdings
from connectors.sandbox.email.registry import EMAIL_PLATFORMS
from connectors.sandbox.email.state import EmailState
from connectors.sandbox.faults import incidents
from connectors.sandbox.mailchimp import addresses, contacts, lists
from connectors.sandbox.mailchimp.contacts import LeftBy, Status
from connectors.sandbox.meta import audiences
from connectors.sandbox.practice import jobs
from connectors.sandbox.registry import PLAYED
from connectors.sandbox.request_log import LoggedRequest
from connectors.sandbox.store import FILE_NAME, Store
from connectors.sandbox.switches import Switches, read_switches, write_switches
from connectors.sandbox.wire import Platform


@dataclass(frozen=True, slots=True)
class AudienceState:
    """One audience of any platform: a custom audience, a user list, a Mailchimp static segment (a tag) …"""

    platform: str
    id: str
    name: str
    size: int
    created_at: str


@dataclass(frozen=True, slots=True)
class ChangeState:
    """What one request did to an audience."""

    at: str
    request: int
    added: int
    removed: int
    size: int


@dataclass(frozen=True, slots=True)
class ContactState:
    """One Mailchimp contact: address, subscription, who ended it, attributes and tags."""

    email: str
    status: str
    left_by: str | None
    merge_fields: dict[str, object]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A contact's subscription before and after one request; ``before`` is None for a new contact."""

    at: str
    request: int
    email: str | None
    before: str | None
    after: str


class SandboxState:
    """Everything a sandbox remembers, read straight from its folder, whether or not its server runs."""

    def __init__(self, folder: Path) -> None:
        """Raises FileNotFoundError when no sandbox has ever run in ``folder``."""
        if not (folder / FILE_NAME).exists():
            raise FileNotFoundError(f"no sandbox has run in {folder}: {FILE_NAME} is missing there")
        self.folder = folder
        self._store = Store(folder)
        self.email = EmailState(self._store, self._up_to_date)

    def close(self) -> None:
        """Give the file back."""
        self._store.close()

    def audiences(self, platform: str | None = None) -> list[AudienceState]:
        """All audiences that exist, by platform and creation."""
        with self._up_to_date() as db:
            rows = db.execute(
                """
                select 'meta' as platform, cast(id as text) as id, name, size,
                       strftime('%Y-%m-%dT%H:%M:%S+00:00', created_at, 'unixepoch') as created_at
                from meta_audiences
                where deleted_at is null
                union all
                select 'mailchimp', cast(id as text), name, size, created_at
                from mailchimp_segments
                where type = 'static'
                union all
                select 'practice', cast(id as text), name, size,
                       strftime('%Y-%m-%dT%H:%M:%S+00:00', created_at, 'unixepoch')
                from practice_audiences
                union all
                select platform, id, name, size, strftime('%Y-%m-%dT%H:%M:%S+00:00', created_at, 'unixepoch')
                from ad_audiences
                union all
                select tool, id, name, size, strftime('%Y-%m-%dT%H:%M:%S+00:00', created_at, 'unixepoch')
                from email_lists
                order by platform desc, id
                """
            )
            found = [AudienceState(**dict(row)) for row in rows]
        return [audience for audience in found if platform in (None, audience.platform)]

    def audience(self, platform: str, name_or_id: str) -> AudienceState:
        """One audience by id or name. Raises KeyError when there is none or the name is not unique."""
        found = [a for a in self.audiences(platform) if name_or_id in (a.id, a.name)]
        if len(found) != 1:
            raise KeyError(f"{len(found)} audiences of {platform} are called {name_or_id!r}")
        return found[0]

    def meta_members(self, audience_id: str, *, limit: int | None = None) -> list[dict[str, str]]:
        """The rows of a Meta audience as they were sent, without empty cells."""
        with self._store.reading() as db:
            rows = db.execute(
                """
                select lower(hex(email)) as EMAIL, lower(hex(phone)) as PHONE, madid as MADID,
                       extern_id as EXTERN_ID, others
                from meta_members
                where audience = ?
                order by member
                limit coalesce(?, -1)
                """,
                (int(audience_id), limit),
            )
            return [_meta_member(row) for row in rows]

    def practice_members(self, audience_id: str, *, limit: int | None = None) -> list[dict[str, str]]:
        """The rows of an audience of the practice platform as they were sent, without empty cells."""
        with self._up_to_date() as db:
            rows = db.execute(
                """
                select lower(hex(email)) as email, lower(hex(phone)) as phone
                from practice_members
                where audience = ?
                order by member
                limit coalesce(?, -1)
                """,
                (int(audience_id), limit),
            )
            return [{name: row[name] for name in row.keys() if row[name]} for row in rows]  # noqa: SIM118

    def ad_members(
        self, platform: str, audience_id: str, *, limit: int | None = None
    ) -> list[dict[str, str]]:
        """The members of an ad platform's audience as they were sent, by kind of identifier."""
        with self._up_to_date() as db:
            return holdings.members(db, Platform(platform), audience_id, limit)

    def members(self, platform: str, audience_id: str, *, limit: int | None = None) -> list[dict[str, str]]:
        """The members of any audience as they were sent; for Mailchimp their addresses."""
        match Platform(platform):
            case Platform.META:
                return self.meta_members(audience_id, limit=limit)
            case Platform.PRACTICE:
                return self.practice_members(audience_id, limit=limit)
            case Platform.MAILCHIMP:
                return [
                    {"email_address": email} for email in self.mailchimp_members(audience_id, limit=limit)
                ]
        if Platform(platform) in EMAIL_PLATFORMS:
            found = self.email.members(platform, audience_id, limit=limit)
            return [{"email": person.email or "", "id": person.id} for person in found]
        return self.ad_members(platform, audience_id, limit=limit)

    def mailchimp_members(self, segment_id: str, *, limit: int | None = None) -> list[str]:
        """The addresses in a Mailchimp segment, sorted."""
        with self._store.reading() as db:
            rows = db.execute(
                """
                select contacts.email
                from mailchimp_segment_members as members
                join mailchimp_segments as segments on segments.id = members.segment_id
                join mailchimp_contacts as contacts
                  on contacts.list_id = segments.list_id and contacts.hash = members.hash
                where segments.id = ?
                order by contacts.email
                limit coalesce(?, -1)
                """,
                (int(segment_id), limit),
            )
            return [str(email) for (email,) in rows]

    def changes(self, platform: str, audience_id: str) -> list[ChangeState]:
        """What happened to an audience, oldest first."""
        with self._store.reading() as db:
            rows = db.execute(
                """
                select at, request, added, removed, size
                from changes
                where platform = ? and audience = ?
                order by id
                """,
                (platform, audience_id),
            )
            return [ChangeState(**dict(row)) for row in rows]

    def requests(
        self,
        platform: str | None = None,
        method: str | None = None,
        *,
        audience: str | None = None,
        only_failed: bool = False,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[LoggedRequest]:
        """The request log, newest first; ``before`` pages backwards by the log's numbers."""
        with self._store.reading() as db:
            return request_log.read_log(
                db,
                platform=platform,
                method=method,
                audience=audience,
                only_failed=only_failed,
                before=before,
                limit=limit,
            )

    def contacts(self, list_id: str = SANDBOX_MAILCHIMP_LIST) -> list[ContactState]:
        """All contacts of a Mailchimp list by address."""
        with self._store.reading() as db:
            rows = db.execute(
                """
                select contacts.email, contacts.status, contacts.left_by, contacts.merge_fields,
                       (
                         select json_group_array(segments.name)
                         from mailchimp_segment_members as members
                         join mailchimp_segments as segments on segments.id = members.segment_id
                         where members.hash = contacts.hash and segments.list_id = contacts.list_id
                       ) as tags
                from mailchimp_contacts as contacts
                where contacts.list_id = ?
                order by contacts.email
                """,
                (list_id,),
            )
            return [
                ContactState(
                    row["email"],
                    row["status"],
                    row["left_by"],
                    orjson.loads(row["merge_fields"]),
                    tuple(sorted(orjson.loads(row["tags"]))),
                )
                for row in rows
            ]

    def contact_counts(self) -> dict[str, int]:
        """How many Mailchimp contacts there are of each status."""
        with self._store.reading() as db:
            rows = db.execute(
                "select status, count(*) from mailchimp_contacts group by status order by status"
            )
            return {str(status): int(count) for status, count in rows}

    def status_changes(self, list_id: str = SANDBOX_MAILCHIMP_LIST) -> list[StatusChange]:
        """Every change of a contact's subscription, oldest first."""
        with self._store.reading() as db:
            rows = db.execute(
                """
                select changes.at, changes.request, contacts.email, changes.before, changes.after
                from mailchimp_status_changes as changes
                left join mailchimp_contacts as contacts using (list_id, hash)
                where changes.list_id = ?
                order by changes.id
                """,
                (list_id,),
            )
            return [StatusChange(**dict(row)) for row in rows]

    def resubscribed(self, list_id: str = SANDBOX_MAILCHIMP_LIST) -> list[StatusChange]:
        """Changes by which somebody who had left came back without asking: there must never be one."""
        return [
            change
            for change in self.status_changes(list_id)
            if change.before in ("unsubscribed", "cleaned", "archived")
            and change.after in ("subscribed", "pending", "transactional")
        ]

    def put_contacts(
        self,
        emails: Sequence[str],
        status: Status = "subscribed",
        *,
        left_by: LeftBy | None = None,
        list_id: str = SANDBOX_MAILCHIMP_LIST,
    ) -> int:
        """Let contacts exist before the first sync; returns how many are new.

        An ``unsubscribed`` contact left by themselves unless ``left_by`` says otherwise. Raises ValueError for
        an address that the platform would not take.
        """
        wrong = [
            number for number, email in enumerate(emails) if addresses.fault_of(email, refuse_reserved=False)
        ]
        if wrong:
            raise ValueError(f"contact number {wrong[0] + 1} has no valid e-mail address")
        leaver: LeftBy | None = left_by or ("self" if status == "unsubscribed" else None)
        with self._store.writing() as db:
            lists.create_default(db)
            new = [email for email in emails if contacts.find(db, list_id, email) is None]
            for email in new:
                contacts.create(db, 0, list_id, email, status, left_by=leaver, source="Sandbox")
        return len(new)

    def delete_audience(self, platform: str, audience_id: str) -> None:
        """Delete an audience behind everybody's back, as a colleague in the platform's own pages would."""
        with self._store.writing() as db:
            incidents.delete_audience(db, Platform(platform), audience_id)

    def lose_members(self, platform: str, audience_id: str, share: float, *, seed: int = 0) -> int:
        """Let the platform drop a share of an audience's members without a word; returns how many."""
        with self._store.writing() as db:
            return incidents.lose_members(db, Platform(platform), audience_id, share, seed)

    def flag_audience(self, audience_id: str, *, flagged: bool = True) -> None:
        """Flag a Meta audience as the platform's reviewers would, or clear it."""
        with self._store.writing() as db:
            audiences.flag(db, int(audience_id), flagged=flagged)

    def now(self) -> float:
        """Seconds since 1970 by the sandbox's clock."""
        with self._store.reading() as db:
            return clock.now(db)

    def advance_clock(self, seconds: float) -> float:
        """Let time pass on all platforms; returns the new time. Raises ValueError for a step back.

        Requests that faults hold back are applied with the next request; ``SandboxServer.advance_clock`` and the
        API apply them at once.
        """
        with self._store.writing() as db:
            clock.advance(db, seconds)
            return clock.now(db)

    def expire_tokens(self, platform: str = "practice") -> None:
        """End every access token that a platform has given out."""
        with self._store.writing() as db:
            incidents.desk_of(Platform(platform)).expire_all(db)

    def rotate_refresh_token(self, platform: str = "practice") -> str:
        """Replace a platform's refresh token behind everybody's back; returns the one that works now."""
        with self._store.writing() as db:
            return incidents.desk_of(Platform(platform)).rotate_all(db)

    @contextmanager
    def _up_to_date(self) -> Iterator[sqlite3.Connection]:
        """A view in which every job whose time has come has run."""
        with self._store.writing() as db:
            jobs.run_due(db)
            for played in PLAYED.values():
                played.work(db)
        with self._store.reading() as db:
            yield db

    def switches(self) -> Switches:
        """The standing conditions of the accounts."""
        with self._store.reading() as db:
            return read_switches(db)

    def set_switches(self, **changes: object) -> Switches:
        """Change some switches. Raises pydantic's ValidationError for an unknown name or a wrong value."""
        with self._store.writing() as db:
            switches = Switches.model_validate({**read_switches(db).model_dump(), **changes})
            write_switches(db, switches)
        return switches


def _meta_member(row: sqlite3.Row) -> dict[str, str]:
    strong = {name: row[name] for name in ("EMAIL", "PHONE", "MADID", "EXTERN_ID") if row[name]}
    return {**strong, **orjson.loads(row["others"])}
