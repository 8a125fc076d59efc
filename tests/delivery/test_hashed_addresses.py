"""People whose source has only the digest of their address: sent where the platform's rule is the plain one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.base import Connector
from connectors.identity import Identity, Rule
from connectors.registry import available, load
from connectors.rules import EMAIL, EMAIL_GMAIL
from tests.delivery.world import IDENTITY, Platform, World, push_all

PLAIN = {"criteo", "file", "meta", "microsoft", "pinterest", "practice", "snapchat"}
"""Platforms whose rule for addresses is to trim and lower-case them."""


def sha256(text: str) -> str:
    """Hexadecimal digest."""
    return hashlib.sha256(text.encode()).hexdigest()


def only_hashed(world: World, number: int) -> str:
    """Let a person be known by a digest alone; returns it."""
    digest = sha256(f"p{number}@example.com")
    world.change(number, email=None, phone=None, email_sha256=digest.upper())
    return digest


def by_rule(rule: Rule) -> Identity:
    """The world's identity with this rule for addresses."""
    email, *others = IDENTITY.columns
    return replace(IDENTITY, columns=(replace(email, rule=rule), *others))


def test_a_digest_is_sent_as_the_address_would_be(world: World, platform: Platform, tmp_path: Path) -> None:
    """The same member as from the address in clear: whoever is known in both ways is one member."""
    platform.identity = by_rule(EMAIL)
    world.want("vip", {1, 2, 3})
    push_all(world, platform, tmp_path, "vip")
    before = platform.members("vip")
    world.change(2, phone=None)
    push_all(world, platform, tmp_path, "vip")
    digest = only_hashed(world, 2)
    [done] = push_all(world, platform, tmp_path, "vip")
    assert (done.added, done.removed, done.ok) == (0, 0, True), "the identity is the same"
    assert {email for email, _ in platform.members("vip")} == {email for email, _ in before}
    assert digest in {email for email, _ in platform.members("vip")}
    world.want("vip", {1, 3})
    [gone] = push_all(world, platform, tmp_path, "vip")
    assert gone.removed == 1
    assert digest not in {email for email, _ in platform.members("vip")}


def test_the_address_in_clear_counts_more(world: World, platform: Platform, tmp_path: Path) -> None:
    """A person with both is sent as the rule makes it of the address."""
    platform.identity = by_rule(EMAIL)
    world.want("vip", {1})
    world.change(1, email_sha256="0" * 64)
    push_all(world, platform, tmp_path, "vip")
    assert {email for email, _ in platform.members("vip")} == {world.people[1].handle[0]}


def test_another_rule_takes_no_digests(world: World, platform: Platform, tmp_path: Path) -> None:
    """Where the platform wants more than trimming, a digest of the plain form would match nobody: withheld."""
    platform.identity = by_rule(EMAIL_GMAIL)
    world.want("vip", {1, 2})
    only_hashed(world, 2)
    [done] = push_all(world, platform, tmp_path, "vip")
    assert (done.added, dict(done.withheld)) == (1, {"no_identifier": 1})


@pytest.mark.parametrize("name", available())
def test_connectors_accept_digests_where_the_rule_is_plain(name: str) -> None:
    """Nobody else does: for one address several digests are correct."""
    kind: type[Connector] = load(name)
    identity = kind.declare(kind.settings_type.model_construct()).identity
    assert ("email_sha256" in identity.inputs) == (name in PLAIN)
