"""The judge proves itself: bugs that are planted in delivery are seen, and delivery without them passes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.crash.planted import BUGS
from tests.crash.proof import Proof
from tests.crash.theatre import Theatre

FEWEST = 16


@pytest.fixture(scope="module")
def proof(theatre: Theatre) -> Proof:
    """The set of cases, whose beginnings are played once."""
    return Proof(theatre)


@pytest.mark.timeout(1800)
def test_delivery_passes_the_proof(proof: Proof) -> None:
    """Delivery as it is passes every case of the set that bugs are caught with."""
    assert proof.first_wrong(None) is None


def test_there_are_enough_bugs() -> None:
    """At least sixteen different mistakes are planted."""
    assert len(BUGS) >= FEWEST


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name: str, proof: Proof, record_property: Any) -> None:
    """Each bug makes a case of the set fail; one that does not means that the judge is blind to it."""
    wrong = proof.first_wrong(name, BUGS[name].shows_in)
    record_property("caught", wrong)
    assert wrong is not None, f"nobody noticed: {BUGS[name].breaks}"
