"""The sandbox's page in the documents says what the code says, and its example can be played."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.sandbox import SandboxServer
from connectors.sandbox.faults.catalogue import own_settings, table
from connectors.sandbox.faults.reading import KINDS, read_faults
from tests.sandbox.conftest import PracticeCaller

PAGE = Path(__file__).parents[2] / "docs/sandbox.md"


def plans() -> list[str]:
    """The fault plans on the page."""
    return re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_the_table_of_effects_is_the_code() -> None:
    """Every effect with its settings, defaults and words, in one table made from the rules themselves."""
    assert table() in PAGE.read_text("utf-8")
    assert table().count("\n| `") == len(KINDS)


@pytest.mark.parametrize("effect", KINDS)
def test_every_effect_and_setting_is_explained(effect: str) -> None:
    """No effect without a sentence, no setting without a description."""
    kind = KINDS[effect]
    assert kind.__doc__
    assert kind.summary
    assert [name for name, info in own_settings(kind).items() if not info.description] == []


def test_the_documented_plans_are_valid(tmp_path: Path) -> None:
    """Both plans on the page can be copied as they are."""
    effects = []
    for plan in plans():
        (tmp_path / "plan.toml").write_text(plan)
        effects.append([rule.effect for rule in read_faults(tmp_path / "plan.toml")])
    assert effects == [["lost_answer", "rate_limited", "reject_rows"], ["late_copy"]]


def test_the_example_plays_as_written(tmp_path: Path) -> None:
    """With the page's plan: added, removed, and back after an hour of the sandbox's clock."""
    plan = tmp_path / "plan.toml"
    plan.write_text(plans()[1])
    with SandboxServer(tmp_path / "sandbox", faults=read_faults(plan)) as sandbox:
        practice = PracticeCaller(sandbox.practice_url)
        audience = practice.audience()
        practice.edit(audience, ["a", "b"])
        practice.edit(audience, ["a", "b"], op="remove")
        assert practice.size(audience) == 0
        sandbox.advance_clock(3_600)
        assert practice.size(audience) == 2
