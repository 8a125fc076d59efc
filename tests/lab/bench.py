"""A laboratory bench: one audience of one platform, people who come and go, and pushes that may meet faults."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from connectors.account import AccountConnector
from connectors.base import Connector, SyncOptions
from connectors.clock import Clock
from connectors.mailchimp import MailchimpConnector
from connectors.mailchimp.settings import MailchimpSettings
from connectors.meta import MetaConnector
from connectors.meta.settings import MetaSettings
from connectors.practice import PracticeConnector
from connectors.practice.settings import PracticeSettings
from connectors.sandbox import (
    SANDBOX_MAILCHIMP_KEY,
    SANDBOX_MAILCHIMP_LIST,
    SANDBOX_META_AD_ACCOUNT,
    SANDBOX_META_TOKEN,
    SANDBOX_PRACTICE_CLIENT_ID,
    SANDBOX_PRACTICE_CLIENT_SECRET,
    SANDBOX_PRACTICE_REFRESH_TOKEN,
    SandboxServer,
)
from connectors.sandbox.email.registry import EMAIL_PLATFORMS
from connectors.sandbox.faults.reading import parse_faults
from connectors.testing import FastTime
from pipelines.delivery.delivery import deliver
from pipelines.delivery.model import Account, Delivery, Push, Run
from pipelines.segments.model import Sync
from tests.delivery.world import BOUNDS, PURPOSE, TODAY, Person, World

AT_FIRST, LATER = set(range(12)), set(range(4, 16))
"""Four leave and four join whenever the segment changes from one to the other."""
ROWS = 3
"""People in one batch: two batches of removals and two of additions."""
SILENCE_SECONDS = 0.15

Handle = frozenset[str]
"""What the platform holds of one person: their identifiers as sent."""
Wanted = Callable[[int], Handle]


@dataclass
class Somebody(Person):
    """A person with the further columns that real connectors read."""

    country: str | None = "US"


def sha256(text: str) -> str:
    """Hexadecimal digest."""
    return hashlib.sha256(text.encode()).hexdigest()


def email_of(number: int) -> str:
    """The address of a person."""
    return f"p{number}@example.com"


def phone_of(number: int) -> str:
    """The phone number of a person, E.164."""
    return f"+120255501{number:02d}"


@dataclass(frozen=True, slots=True)
class Kind:
    """A connector with a way of working, and how to read from its platform who is in an audience."""

    name: str
    platform: str
    membership: str
    """Path of the requests that change members."""
    make: Callable[[SandboxServer], Any]
    handle: Wanted
    """A person's identifiers on this platform, computed without our rules."""


def _meta(sandbox: SandboxServer) -> MetaConnector:
    settings = MetaSettings(
        base_url=sandbox.meta_url,
        token=SANDBOX_META_TOKEN,
        ad_account=SANDBOX_META_AD_ACCOUNT,
        identifiers=("EMAIL", "PHONE"),
        max_rows=ROWS,
        max_in_flight=1,
    )
    return MetaConnector("lab", settings)


def _mailchimp(sandbox: SandboxServer) -> MailchimpConnector:
    settings = MailchimpSettings(
        base_url=sandbox.mailchimp_url,
        api_key=SANDBOX_MAILCHIMP_KEY,
        list_id=SANDBOX_MAILCHIMP_LIST,
        max_rows=ROWS,
        max_in_flight=1,
    )
    return MailchimpConnector("lab", settings)


def practice(**ways: Any) -> Callable[[SandboxServer], PracticeConnector]:
    """The practice platform in some of its ways, with a refresh token that rotates."""

    def make(sandbox: SandboxServer) -> PracticeConnector:
        # One account, one credential: all benches of a sandbox share what the platform has given out.
        token = sandbox.folder.parent / "refresh-token"
        settings = PracticeSettings(
            base_url=sandbox.practice_url,
            sign_in="refresh_token",
            client_id=SANDBOX_PRACTICE_CLIENT_ID,
            client_secret=SANDBOX_PRACTICE_CLIENT_SECRET,
            refresh_token=token.read_text() if token.exists() else SANDBOX_PRACTICE_REFRESH_TOKEN,
            token_folder=sandbox.folder.parent / "tokens",
            max_rows=ROWS,
            session_rows=2,
            max_in_flight=1,
            **ways,
        )
        return PracticeConnector("lab", settings)

    return make


def _hashed(number: int) -> Handle:
    return frozenset((sha256(email_of(number)), sha256(phone_of(number))))


KINDS = (
    Kind(
        "meta",
        "meta",
        "*/users",
        _meta,
        lambda number: frozenset((sha256(email_of(number)), sha256(phone_of(number).removeprefix("+")))),
    ),
    Kind("mailchimp", "mailchimp", "*/segments/*", _mailchimp, lambda number: frozenset((email_of(number),))),
    Kind("direct", "practice", "*/members", practice(positions="text"), _hashed),
    Kind(
        "session",
        "practice",
        "*/batches",
        practice(delivery="session", verdicts="count_and_samples", errors_in_success=True),
        _hashed,
    ),
    Kind("job", "practice", "*/jobs", practice(delivery="job", positions="key"), _hashed),
    Kind("blaming", "practice", "*/members", practice(verdicts="whole_request"), _hashed),
    Kind("not blaming", "practice", "*/members", practice(verdicts="whole_request", blame=False), _hashed),
    Kind("counting", "practice", "*/members", practice(verdicts="count"), _hashed),
)


@dataclass
class Bench:
    """One audience and its life."""

    kind: Kind
    sandbox: SandboxServer
    folder: Path
    life: int = 1
    """Counts benches of a kind: each has an audience of its own."""
    world: World = field(default_factory=World)
    wanted: set[int] = field(default_factory=set)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    options: SyncOptions = field(default_factory=SyncOptions)
    columns: tuple[str, ...] = ()
    """Of the ledger, that hold what was sent of a person."""
    is_asynchronous: bool = False

    def __post_init__(self) -> None:
        connector = self.connector()
        self.columns = tuple(column.name for column in connector.identity.handle)
        self.is_asynchronous = connector.limits.asynchronous
        self.options = type(connector).options_type()
        for number in range(16):
            self.world.put(number, Somebody(email_of(number), phone_of(number)))
        self._introduce([email_of(number) for number in range(16)])
        self.want(AT_FIRST)

    def _introduce(self, emails: list[str]) -> None:
        """Email tools know everybody: they create nobody by themselves."""
        self.sandbox.state.put_contacts(emails)
        if self._is_email_tool:
            known = {person.email for person in self.sandbox.state.email.people(self.kind.platform)}
            for email in emails:
                if email not in known:
                    self.sandbox.state.email.put_person(self.kind.platform, email)

    @property
    def _is_email_tool(self) -> bool:
        """One of those besides Mailchimp."""
        return self.kind.platform in EMAIL_PLATFORMS

    # --- the world ---

    def want(self, numbers: set[int]) -> None:
        """The segment is exactly these people from now on."""
        self.wanted = set(numbers)
        self.world.want(self.segment, numbers)

    def start_from(self, numbers: set[int]) -> None:
        """The platform holds exactly these people, and nothing is open."""
        self.want(numbers)
        self.now += timedelta(days=8)
        delivery = self.clean_run()
        assert delivery.ok, delivery.errors
        assert self.members() == self.desired()

    def turn(self) -> None:
        """Four leave, four join, and enough time has passed for rejected people to be tried again."""
        self.want(LATER if self.wanted == AT_FIRST else AT_FIRST)
        self.now += timedelta(days=8)

    def fault(self, effect: str, **settings: object) -> None:
        """Put up one more rule; about requests that change members unless it says otherwise."""
        rule = {"platform": self.kind.platform, "path": self.kind.membership, "effect": effect, **settings}
        if self.kind.platform == "mailchimp" and "method" not in rule:
            rule["method"] = "POST"
        (parsed,) = parse_faults([rule])
        self.sandbox.faults.add(parsed)

    def calm(self) -> None:
        """Nothing goes wrong any more."""
        self.sandbox.faults.replace(())

    # --- pushing ---

    def push(self, *, resync: bool = False) -> Delivery:
        """One run, by a process of its own as far as the connector knows."""
        connector = self.connector()
        try:
            return self._push(connector, resync)
        finally:
            connector.close()

    def settle(self) -> None:
        """Where verdicts come later: one more calm run asks for them."""
        if self.is_asynchronous:
            asked = self.push()
            assert asked.ok, asked.errors

    def clean_run(self) -> Delivery:
        """Nothing goes wrong, and what was accepted is asked for once."""
        self.calm()
        delivery = self.push()
        self.settle()
        return delivery

    def connector(self) -> Connector:
        """The connector, in a time in which pauses cost nothing."""
        connector = self.kind.make(self.sandbox)
        connector.consent = (PURPOSE,)
        connector.http.use_clock(_quick())
        connector.http.wire.silence_seconds = SILENCE_SECONDS
        connector.http.wire.answer_seconds = SILENCE_SECONDS
        if isinstance(connector, AccountConnector) and connector.tokens is not None:
            connector.tokens.clock = connector.http.clock
        made: Connector = connector
        return made

    def _push(self, connector: Connector, resync: bool) -> Delivery:
        push = Push(self.segment, Sync("lab", self.title), self.options, BOUNDS)
        (delivery,) = deliver(self.account(connector), [push], Run("run", TODAY, resync=resync))
        return delivery

    def account(self, connector: Connector) -> Account:
        """The platform's account over the bench's world, in the bench's time."""

        @contextmanager
        def open_engine() -> Iterator[World]:
            yield self.world

        return Account(
            connector,
            open_engine,
            self.folder / "state",
            lock_wait_seconds=0,
            retry_rejected_after=timedelta(days=7),
            clock=lambda: self.now,
            duckdb_config={"threads": "1"},
        )

    # --- what is the case ---

    @property
    def segment(self) -> str:
        """The segment's name, and with it the audience's mark: each bench has its own."""
        return f"regulars_{self.kind.name.replace(' ', '_')}_{self.life}"

    @property
    def title(self) -> str:
        """What the audience is called."""
        return f"Lab {self.kind.name} {self.life}"

    def members(self) -> set[Handle]:
        """Who is in the audience, by the platform itself."""
        as_attribute = f"aud_{self.title.lower().replace(' ', '_')}"
        names = (self.title, f"turnout:{self.segment}", as_attribute)
        found = [a for a in self.sandbox.state.audiences(self.kind.platform) if a.name in names]
        if not found:
            return set()
        (audience,) = found
        if self.kind.platform == "mailchimp":
            return {frozenset((email,)) for email in self.sandbox.state.mailchimp_members(audience.id)}
        members = self.sandbox.state.members(self.kind.platform, audience.id)
        if self._is_email_tool:
            return {frozenset((row["email"],)) for row in members}
        return {frozenset(row.values()) for row in members}

    def desired(self, *, but: Iterable[int] = ()) -> set[Handle]:
        """Who should be in it."""
        return {self.kind.handle(number) for number in self.wanted - set(but)}

    def judge(self) -> None:
        """Nobody is on the platform whom the ledger does not know, and nobody is claimed to be who is not."""
        said = self.ledger()
        held = self.members()
        known = {handle for handle, state in said.items() if state != "gone"}
        claimed = {handle for handle, state in said.items() if state == "claimed"}
        assert not held - known, f"{len(held - known)} people are on the platform and not in the ledger"
        assert not claimed - held, f"{len(claimed - held)} people are claimed who are not on the platform"

    def ledger(self) -> Mapping[Handle, str]:
        """What the files say of everybody: ``claimed`` (there for certain), ``gone``, ``rejected`` or ``open``."""
        with closing(sqlite3.connect(self.folder / "state/journal.sqlite")) as journal:
            batches = {i: (op, s) for i, op, s in journal.execute("select id, op, state from batches")}
            rejected = set(journal.execute("select batch, member from rejections"))
        names = ", ".join(f'members."{name}"' for name in self.columns)
        with duckdb.connect(self.folder / "state/lab.duckdb", read_only=True) as ledger:
            rows = ledger.execute(
                f"""
                select batches.id, cast(members.member as varchar), {names}
                from members
                left join batches
                  on batches.batch = members.batch
                """
            ).fetchall()
        said = {("add", "applied"): "claimed", ("remove", "applied"): "gone"}
        return {
            frozenset(filter(None, handle)): "rejected"
            if (batch, member) in rejected
            else said.get(batches.get(batch, ("", "")), "open")
            for batch, member, *handle in rows
        }


def _quick() -> Clock:
    """Real time in which nobody sleeps, but whose moments pass as if they had."""
    time = FastTime()
    real = Clock()
    return Clock(lambda: real.monotonic() + time.clock.monotonic(), time.clock.sleep, time.clock.now)
