"""A rule of normalising changes between two versions: nobody stays under the identifier of the old one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from world import DAY, EMAIL, IDENTITY, Platform, World, digest, push_all

from connectors.identity import Column, Rule
from pipelines.delivery.guards import Overrides

NEW_EMAIL = Rule(EMAIL.name, EMAIL.version + 1, EMAIL.inputs, lambda raw: f"new.{raw.strip().lower()}")


class NewRules(Platform):
    """The same account under a connector whose rule gives everybody another identifier."""

    identity = replace(
        IDENTITY, columns=(Column("EMAIL", NEW_EMAIL, "sha256_hex", identifies=True), *IDENTITY.columns[1:])
    )


@pytest.mark.fault(
    "F64",
    injected="the e-mail rule gets a new version that gives everybody another digest",
    outcome="the old ones are removed by what was sent, the new ones added; nobody stays twice or is lost",
)
@pytest.mark.promise("converges", "never_lost")
def test_a_new_rule_replaces_every_identifier(world: World, platform: Platform, tmp_path: Path) -> None:
    """Removal goes by what the ledger keeps as sent, never by what the new rule would make of it."""
    assert push_all(world, platform, tmp_path, "vip")[0].ok
    held = set(platform.members("vip"))
    renewed = NewRules()
    renewed.audiences = platform.audiences
    may = Overrides(accept_removals=True, accept_growth=True, who="ann", why="a new rule")
    for _ in range(2):
        push_all(world, renewed, tmp_path, "vip", overrides=may)
    people = [world.people[number] for number in world.segments["vip"][DAY]]
    assert renewed.members("vip") == {
        (digest(f"new.{p.email.strip().lower()}") if p.email else None, p.handle[1])
        for p in people
        if p.allowed
    }
    assert {email for email, _ in held if email} & {email for email, _ in renewed.members("vip")} == set()
