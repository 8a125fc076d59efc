"""``turnout rfm``: the names with their sizes, and the SQL of a segment."""

from __future__ import annotations

import pytest

from pipelines.cli.exits import Exit
from tests.assets.shop import NEWEST, Shop
from tests.cli.conftest import Turnout

FIXED = ("--mode", "fixed", "--recency", "10,20,30,40", "--orders", "2,3,4,5", "--revenue", "5,10,20,40")


def test_everybody_who_ordered_has_a_name(shop: Shop, turnout: Turnout) -> None:
    """Names, sizes and the edges between scores, for people and for machines."""
    assert turnout("sources").code == Exit.OK
    ran = turnout("rfm", "--json")
    assert ran.code == Exit.OK, ran.err
    (told,) = ran.objects
    assert (told["as_of"], told["mode"], told["days"]) == (NEWEST.isoformat(), "quantile", 365)
    assert sum(one["people"] for one in told["segments"]) == told["people"] > 0
    assert [len(edges) for edges in told["edges"].values()] == [4, 4, 4]
    shown = turnout("rfm", "--mode", "cycle")
    assert "own gaps since the last order" in shown.out


@pytest.mark.requirement("DEF-4")
def test_a_segment_is_written_that_holds_whom_the_report_counts(shop: Shop, turnout: Turnout) -> None:
    """The SQL passes the gate and gives each name exactly its people, in every mode."""
    assert turnout("sources").code == Exit.OK
    for options in (("--mode", "quantile"), ("--mode", "cycle"), FIXED):
        (told,) = turnout("rfm", *options, "--json").objects
        for one in told["segments"]:
            written = turnout("rfm", *options, "--sql", one["name"])
            shop.segment("named", written.out, [])
            ran = turnout("preview", "named", "--json")
            assert ran.code == Exit.OK, (options, ran.err)
            (seen,) = ran.objects
            assert seen["size"] == one["people"], (options, one["name"])


MISTAKES = {
    "no edges": (("--mode", "fixed"), "--recency needs four rising numbers"),
    "no numbers": (("--mode", "fixed", "--recency", "a,b"), "are not four numbers"),
    "edges without the mode": (("--recency", "1,2,3,4"), "belong to --mode fixed"),
    "an unknown name": (("--sql", "Champion"), "did you mean 'Champions'?"),
    "a day without orders": (("--as-of", "1999-01-01"), "nobody ordered"),
}


@pytest.mark.parametrize(("options", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_told(shop: Shop, turnout: Turnout, options: tuple[str, ...], sentence: str) -> None:
    """What is missing or wrong, and what was meant."""
    assert turnout("sources").code == Exit.OK
    ran = turnout("rfm", *options)
    assert ran.code == Exit.USAGE
    assert sentence in " ".join(ran.err.replace("│", " ").split())
