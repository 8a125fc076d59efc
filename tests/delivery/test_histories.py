"""Random histories: whatever happens to people, segments, platform and process, the invariants hold."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from world import HASHED, IDENTITY, TODAY, Bounds, Person, Platform, World, account, audience_push, push_all

from connectors.base import Audience, Batch, Receipt
from pipelines.delivery.delivery import deliver
from pipelines.delivery.guards import Overrides
from pipelines.delivery.journal import Journal
from pipelines.delivery.model import Delivery, Run

NUMBERS = st.integers(0, 11)
FAULTS = st.lists(
    st.sampled_from(["none", "lost_before", "lost_after", "refuse", "poison", "named", "die"]), max_size=4
)
ANYTHING_GOES = Bounds(max_removed=1.0, max_growth=1000, floor=1000, max_age_days=2)


class Killed(BaseException):
    """Stands for the death of the process in the middle of a request."""


class Mortal(Platform):
    """A platform during whose requests the process may die, before or after it has applied them."""

    def add(self, audience: Audience, rows: Any, batch: Batch) -> Receipt:
        return self._perhaps_die(super().add, audience, rows, batch)

    def remove(self, audience: Audience, rows: Any, batch: Batch) -> Receipt:
        return self._perhaps_die(super().remove, audience, rows, batch)

    def _perhaps_die(self, call: Any, audience: Audience, rows: Any, batch: Batch) -> Receipt:
        if self.faults and self.faults[0] == "die":
            self.faults.pop(0)
            call(audience, rows, batch)
            raise Killed
        return call(audience, rows, batch)


class Histories(RuleBasedStateMachine):
    """People come, change, withdraw and are erased; segments move; answers are lost; the process dies."""

    @initialize(hashed=st.booleans())
    def begin(self, hashed: bool) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        self.world = World()
        self.platform = Mortal(max_rows=3, max_in_flight=1)
        self.platform.identity = HASHED if hashed else IDENTITY
        for n in range(12):
            self.world.put(n, Person(f"p{n}@example.com", f"202555{n:04d}"))
        self.world.want("vip", set(range(6)))
        self.world.want("new", {0, 7, 8})

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    @rule(segment=st.sampled_from(["vip", "new"]), people=st.sets(NUMBERS))
    def segment_moves(self, segment: str, people: set[int]) -> None:
        self.world.want(segment, people)

    @rule(n=NUMBERS, email=st.sampled_from(["a", "b", "c", "P3 ", "p4", None]))
    def changes_email(self, n: int, email: str | None) -> None:
        self.world.change(n, email=f"{email}@example.com" if email else None)

    @rule(n=NUMBERS, phone=st.sampled_from(["2025550000", "2025550001", "(202) 555-9999", None]))
    def changes_phone(self, n: int, phone: str | None) -> None:
        self.world.change(n, phone=phone)

    @rule(n=NUMBERS, granted=st.booleans())
    def consent_changes(self, n: int, granted: bool) -> None:
        self.world.change(n, granted=granted)

    @rule(n=NUMBERS)
    def is_erased(self, n: int) -> None:
        self.world.erase(n)

    @rule(n=NUMBERS)
    def becomes_bad_row(self, n: int) -> None:
        if email := self.world.people[n].handle[0]:
            self.platform.bad_rows[email] = "malformed"

    @rule(faults=FAULTS, resync=st.booleans())
    def run(self, faults: list[str], resync: bool) -> None:
        self.platform.faults = list(faults)
        with contextlib.suppress(Killed):
            self.push(resync=resync)
        self.platform.faults = []

    @rule()
    def clean_run_converges(self) -> None:
        self.platform.faults = []
        for delivery in self.push():
            assert delivery.ok, delivery.errors
            desired = self.world.desired(delivery.segment)
            accepted = {handle for handle in desired if handle[0] not in self.platform.bad_rows}
            standing = {handle for handle in desired if handle in self.platform.members(delivery.segment)}
            assert self.platform.members(delivery.segment) == accepted | standing
            assert delivery.uncertain == 0
            again = self.push()
            assert sum(d.requests for d in again) == 0, "a second clean run has nothing to send"

    def push(self, *, resync: bool = False) -> list[Delivery]:
        pushes = [audience_push(s, bounds=ANYTHING_GOES) for s in ("vip", "new")]
        run = Run("r", TODAY, Overrides(True, True, "ann", "histories move fast"), resync)
        return deliver(account(self.world, self.platform, self.path), pushes, run)

    @invariant()
    def never_lost_and_never_claimed(self) -> None:
        """Nobody on the platform is missing from the ledger; nobody marked ``on`` is absent from the platform.

        Whoever is not in ``moved`` is permitted, and has the member that was recorded for them.
        """
        if not hasattr(self, "path") or not (self.path / "platform.duckdb").exists():
            return
        with Journal.open(self.path / "journal.sqlite") as journal:
            states = {b.id: (b.op, b.state) for s in ("vip", "new") for b in journal.batches("platform", s)}
            rejected = {
                (r.batch, r.member) for s in ("vip", "new") for r in journal.rejections("platform", s)
            }
        with duckdb.connect(self.path / "platform.duckdb", read_only=True) as ledger:
            rows = ledger.execute(
                """
                select segment, "EMAIL", "PHONE", id, cast(member as varchar)
                from members
                join audiences using (audience)
                left join batches using (batch)
                """
            ).fetchall()
            moved_unnoticed = ledger.execute(
                """
                select members.person_no
                from members
                left join identities using (person_no)
                where members.person_no is not null
                  and members.person_no not in (select person_no from moved)
                  and (identities.member is distinct from members.member or identities.refused is not null)
                """
            ).fetchall()
        assert not moved_unnoticed
        for segment in ("vip", "new"):
            on_platform = self.platform.members(segment)
            known = [(email, phone) for s, email, phone, _, _ in rows if s == segment]
            assert on_platform <= set(known)
            for s, email, phone, batch, member in rows:
                receipted = states.get(batch) in (("add", "applied"), ("add", "accepted"))
                if s == segment and receipted and (batch, member) not in rejected:
                    assert (email, phone) in on_platform


Histories.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestHistories = Histories.TestCase


@pytest.mark.privacy("P01")
def test_nobody_without_consent_is_ever_in_a_payload(tmp_path: Path) -> None:
    """Whatever consent, suppression and identifiers are, no payload holds a person who may not be sent."""
    world, platform = World(), Platform()
    for n in range(64):
        world.put(
            n,
            Person(
                f"p{n}@example.com" if n & 1 else None,
                f"202555{n:04d}" if n & 2 else None,
                city=str(n),
                granted=bool(n & 4),
                suppressed="unsubscribed" if n & 8 else None,
            ),
        )
    world.want("all", set(range(64)))
    push_all(world, platform, tmp_path, "all")
    sent = {int(city) for city in platform.payload_cities if city}
    assert sent == {n for n, person in world.people.items() if person.allowed}
