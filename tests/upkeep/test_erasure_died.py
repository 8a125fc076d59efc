"""An erasure that was cut off goes on where it ended."""

from __future__ import annotations

import json

import pytest

from pipelines.delivery.boundaries import observe
from pipelines.erasure.erase import erase
from pipelines.project import Project
from tests.assets.shop import Shop, customer
from tests.upkeep.town import CANARIES, email, holds


class Stop(Exception):
    """The process dies here."""


STEPS = (
    *(f"warehouse.{step}.{at}" for step in ("mark", "delete") for at in ("before", "open", "after")),
    *(
        f"ledger.{step}.{at}"
        for step in ("tie_erased", "point", "forget_erased")
        for at in ("before", "open", "after")
    ),
    *(f"journal.{step}.{at}" for step in ("plan", "sent", "settle") for at in ("before", "open", "after")),
    "platform.remove.before",
    "platform.remove.answered",
)


@pytest.mark.fault(
    "F37",
    injected="an erasure cut off at each commit and request",
    outcome="the same command goes on where it ended, the certificate is complete",
)
@pytest.mark.parametrize("number", range(len(STEPS)), ids=STEPS.__getitem__)
def test_an_erasure_that_died_is_repeated(pushed: Shop, number: int) -> None:
    """Cut off anywhere, with a night's load in between, the same request again ends complete, without a trace."""
    person = customer(CANARIES[0])
    request = pushed.folder.parent / "request.json"
    request.write_text(json.dumps({"people": [{"email": email(CANARIES[0])}]}))
    reached: list[str] = []

    def dies(point: str) -> None:
        if point == STEPS[number] and not reached:
            reached.append(point)
            raise Stop

    project = Project(pushed.settings())
    with observe(dies), pytest.raises(Stop):
        erase(project, request, who="dpo", why="asked", wait_seconds=0)
    if STEPS[number].startswith("warehouse"):
        assert project.load().ok
    assert erase(project, request, who="dpo", why="asked", wait_seconds=0).open == ()
    for destination, segment in (("ads", "buyers"), ("ads", "spenders"), ("mail", "buyers")):
        assert person not in pushed.members(destination, segment)
    home = pushed.settings().home
    assert [
        path.name for path in home.rglob("*") if path.is_file() and holds(path.read_bytes(), person)
    ] == []
