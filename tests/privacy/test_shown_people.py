"""People in a connector's hands never show who they are when somebody prints them, or an error quotes them."""

from __future__ import annotations

import pytest

from connectors.email import Person
from connectors.people import Present, Unreachable

ADDRESS, NUMBER, KEY = "ada@example.com", "+12025550101", "customer-4711"


@pytest.mark.privacy("P27")
@pytest.mark.parametrize(
    "somebody",
    [
        Person(0, {"EMAIL": ADDRESS, "PHONE": NUMBER}, "id-1", {"NAME": ADDRESS}),
        Present("id-1", {"EMAIL": ADDRESS, "PHONE": NUMBER}),
        Unreachable("bounced", None, email=ADDRESS, phone=NUMBER, external_id=KEY),
    ],
    ids=lambda one: type(one).__name__,
)
def test_nobody_is_shown(somebody: object) -> None:
    """Neither by repr nor by str nor inside a list."""
    for shown in (repr(somebody), str(somebody), repr([somebody]), f"{somebody!r}"):
        assert not any(mark in shown for mark in (ADDRESS, NUMBER, KEY))
