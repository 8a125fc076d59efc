"""A batch that is several jobs has one receipt and one verdict."""

from __future__ import annotations

import pytest

from connectors.base import JobFailed, Receipt, Uncertain
from connectors.jobs import Ended, verdict_on, waiting_for
from tests.connectors.oauth_account import batch

FAILED = Ended(failed=True)


def test_a_receipt_names_its_jobs() -> None:
    """Rejections and ids come with it; without a job there is nothing to wait for."""
    assert waiting_for(["a", "b"], batch("add", 3), {0: "x"}, {1: "i"}) == Receipt(
        "accepted", "a,b", {0: "x"}, learned={1: "i"}
    )
    assert waiting_for([], batch("add", 1), {0: "x"}, {}) == Receipt("applied", batch("add", 1).id, {0: "x"})


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ((Ended(), None), Receipt("accepted", "a,b")),
        ((None, FAILED), Receipt("accepted", "a,b")),
        ((Ended(2), Ended(1)), Receipt("applied", "a,b", rejected_unlocated=3)),
        ((FAILED, FAILED), JobFailed),
        ((Ended(), FAILED), Uncertain),
    ],
)
def test_a_verdict_needs_all_jobs(ends: tuple[Ended | None, ...], verdict: Receipt | type[Exception]) -> None:
    """Only when every job failed is it certain that nothing was changed."""
    looks = dict(zip("ab", ends, strict=True))
    if isinstance(verdict, Receipt):
        assert verdict_on("Tool", "a,b", looks.__getitem__) == verdict
    else:
        with pytest.raises(verdict):
            verdict_on("Tool", "a,b", looks.__getitem__)
