"""The people of the crash scenarios, and the normalising rules that they are sent under."""

from __future__ import annotations

from dataclasses import replace

from connectors.identity import Column, Identity, Rule
from tests.crash.platform import Handle
from tests.delivery.world import IDENTITY, PHONE, Person, World, digest


def _second_email(raw: str) -> str | None:
    """A platform's rule has changed: what follows a plus sign does not count any more."""
    name, _, domain = raw.strip().lower().partition("@")
    return f"{name.partition('+')[0]}@{domain}" if name else None


FIRST = replace(IDENTITY, columns=IDENTITY.columns[:2])
"""E-mail and phone, hashed, nothing plain."""
SECOND = Identity(
    "test",
    1,
    (
        Column("EMAIL", Rule("test_email", 2, ("email",), _second_email), "sha256_hex", identifies=True),
        Column("PHONE", PHONE, "sha256_hex", identifies=True),
    ),
)
IDENTITIES = {"first": FIRST, "second": SECOND, "plain": IDENTITY}


def person(number: int) -> Person:
    """A person with an e-mail and a phone of their own."""
    return Person(f"p{number}+shop@example.com", f"+1 202 555 01{number:02d}")


def email(number: int, rules: str = "first") -> str:
    """The digest by which a person's row makes trouble."""
    found = handle(person(number), rules)[0]
    assert found is not None
    return found


def handle(who: Person, rules: str = "first") -> Handle:
    """What the platform is sent to find a person by: the rules once more, in their plainest form."""
    if rules == "second":
        plain = _second_email(who.email) if who.email else None
        return digest(plain), who.handle[1]
    return who.handle


def world_of(people: int, **segments: set[int]) -> World:
    """That many people, and segments of some of them."""
    world = World()
    for number in range(people):
        world.put(number, person(number))
    for segment, members in segments.items():
        world.want(segment, members)
    return world


def wanted(world: World, segment: str, rules: str = "first") -> set[Handle]:
    """The handles of everybody in the newest day of a segment who may be sent."""
    days = world.segments[segment]
    return {handle(world.people[n], rules) for n in days[max(days)] if world.people[n].allowed}
