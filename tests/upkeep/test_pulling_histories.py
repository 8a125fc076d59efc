"""Over every history of leaving, coming back, pulls and faults: who is told of is suppressed, and nobody else."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.base import AuthFailed, Uncertain
from connectors.mailchimp import MailchimpConnector, paging
from connectors.sandbox import SandboxServer
from pipelines.project import Project
from pipelines.pulling import pull
from tests.assets.shop import Shop, customer
from tests.upkeep.leaving import leave, suppressed
from tests.upkeep.town import accounts, email, shop_in

PEOPLE = 9
STRANGER = "stranger@example.com"
ADDRESSES = {email(n): customer(n) for n in range(PEOPLE)}

somebody = st.lists(st.sampled_from([*ADDRESSES, STRANGER]), min_size=1, max_size=5, unique=True)
STATUSES = ["unsubscribed", "unsubscribed", "cleaned", "cleaned", "subscribed", "archived"]
leaving = st.tuples(st.sampled_from(STATUSES), somebody)
"""A status that some people get; many of them do not allow the next, which Mailchimp then refuses."""
faults = st.none() | st.tuples(st.integers(1, 4), st.sampled_from(["silent", "refused", "broken", "killed"]))
pulling = st.tuples(st.just("pull"), st.booleans(), faults)


class Killed(BaseException):
    """The process ends."""


FAULTS: dict[str, type[BaseException]] = {
    "silent": Uncertain,
    "refused": AuthFailed,
    "broken": RuntimeError,
    "killed": Killed,
}


@dataclass
class History:
    """A list, a project, and who was ever unreachable there."""

    project: Project
    sandbox: SandboxServer
    from_the_source: set[str]
    ever: set[str] = field(default_factory=set)
    honoured: set[str] = field(default_factory=set)

    @property
    def unreachable(self) -> set[str]:
        """Customers who are unreachable at Mailchimp now."""
        return {
            ADDRESSES[contact.email]
            for contact in self.sandbox.state.contacts()
            if contact.status in ("unsubscribed", "cleaned") and contact.email in ADDRESSES
        }

    def change(self, status: str, addresses: Sequence[str]) -> None:
        """People leave, bounce, are archived or come back, as far as Mailchimp lets them."""
        for address in addresses:
            try:
                leave(self.sandbox, [address], status)
            except AssertionError:  # refused: they stay as they are
                continue
        self.ever |= self.unreachable

    def pull(self, everything: bool, fault: tuple[int, str] | None) -> None:
        """Ask, with an answer missing from some question on; then people are brought up to date."""
        done = False
        with pytest.MonkeyPatch.context() as patch:
            if fault is not None:
                break_off(patch, *fault)
            try:
                [told] = pull(self.project, everything=everything)
                done = told.ok
            except Killed:
                pass
        self.project.build_people()
        now = set(suppressed(self.project)) - self.from_the_source
        assert now >= self.honoured, "nobody is taken out again"
        assert now <= self.ever, "nobody is suppressed who never left"
        if done:
            assert now >= self.unreachable, "everybody who is unreachable is suppressed"
        self.honoured = now


def break_off(patch: pytest.MonkeyPatch, at: int, how: str) -> None:
    """Mailchimp answers no question from a number on."""
    original, asked = MailchimpConnector._ask, 0

    def ask(self: MailchimpConnector, *words: object, **more: object) -> dict[str, object]:
        nonlocal asked
        asked += 1
        if asked >= at:
            raise FAULTS[how]("no answer")
        return original(self, *words, **more)  # type: ignore[arg-type]

    patch.setattr(MailchimpConnector, "_ask", ask)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A small shop, loaded once."""
    opened = shop_in(tmp_path_factory.mktemp("histories"))
    opened.people = PEOPLE + 1
    opened.open()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paging, "PAGE", 3)
        patch.setattr(paging, "OVERLAP", 1)
        assert Project(opened.settings()).load().ok
        yield opened


@pytest.mark.privacy("P04", "P07")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(leaving | pulling, min_size=2, max_size=9), overlap=st.sampled_from([0, 3]))
@example(
    steps=[("cleaned", [email(1)]), ("unsubscribed", [email(2)]), ("pull", False, (2, "silent"))], overlap=0
)
@example(
    steps=[("cleaned", [email(1)]), ("unsubscribed", [email(2)]), ("pull", False, (2, "killed"))], overlap=0
)
def test_everybody_who_cannot_be_reached_is_suppressed_and_nobody_else(
    shop: Shop,
    tmp_path_factory: pytest.TempPathFactory,
    steps: Sequence[tuple[object, ...]],
    overlap: int,
) -> None:
    """After a pull that came to its end, all who are unreachable are suppressed; never anybody who never was."""
    home = tmp_path_factory.mktemp("home")
    warehouse = Path(shop.settings().warehouse_path)
    (home / warehouse.name).write_bytes(warehouse.read_bytes())
    with SandboxServer(home / "sandbox") as sandbox, pytest.MonkeyPatch.context() as patch:
        for name, value in accounts(sandbox).items():
            patch.setitem(os.environ, name, value)
        sandbox.state.put_contacts([*ADDRESSES, STRANGER])
        project = Project(shop.settings(home=home, pull_overlap_days=overlap))
        history = History(project, sandbox, set(suppressed(project)))
        for step in [*steps, ("pull", False, None)]:
            if step[0] == "pull":
                history.pull(step[1], step[2])  # type: ignore[arg-type]
            else:
                history.change(step[0], step[1])  # type: ignore[arg-type]
