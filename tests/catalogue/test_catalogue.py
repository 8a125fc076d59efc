"""How the catalogue is read, held to the tests and written into docs/reliability.md."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.catalogue.document import complaints, proofs_of, with_tables
from tests.catalogue.entries import Entry, Kind, WrongEntry, read_catalogue
from tests.catalogue.proofs import Proof

CATALOGUE = {
    Kind.PROMISE: {},
    Kind.FAULT: {"F01": Entry("F01", "it rains"), "F02": Entry("F02", "it snows", reason="It never does.")},
    Kind.BAD_INPUT: {"B01": Entry("B01", "a | b", happens="it is split")},
    Kind.PRIVACY: {},
    Kind.REQUIREMENT: {
        "DEF-1": Entry("DEF-1", "It says why", group="Definitions"),
        "QUA-1": Entry("QUA-1", "It is large", group="Quality", reason="Not yet."),
    },
}
RAIN = Proof(Kind.FAULT, "F01", "tests/test_weather.py", "test_rain", "a cloud", "an umbrella opens")
SPLIT = Proof(Kind.BAD_INPUT, "B01", "tests/test_weather.py", "test_split")
WHY = Proof(Kind.REQUIREMENT, "DEF-1", "tests/test_weather.py", "test_why")
TEXT = "\n".join(
    f"<!-- {name} -->\n<!-- /{name} -->" for kind in Kind for name in (f"{kind} count", str(kind))
)


def test_a_whole_catalogue_has_no_complaints() -> None:
    """What is proved or has its reason is fine."""
    assert complaints(CATALOGUE, proofs_of(RAIN, SPLIT, WHY)) == []


@pytest.mark.parametrize(
    ("proofs", "sentence"),
    [
        ((SPLIT,), "fault F01 (it rains) has neither a test nor a reason"),
        ((RAIN,), "bad_input B01 (a | b) has neither a test nor a reason"),
        ((RAIN, SPLIT, replace(RAIN, id="F02")), "fault F02 has a test: remove its reason"),
        ((RAIN, SPLIT, replace(RAIN, id="F99")), "there is no fault 'F99'"),
        ((RAIN, SPLIT, replace(RAIN, outcome=None)), "says neither injected=… nor outcome=…"),
    ],
)
def test_what_is_not_true_is_told(proofs: tuple[Proof, ...], sentence: str) -> None:
    """An entry without test, a stale reason, an unknown id and a marker that does not say how: each is a complaint."""
    assert any(sentence in complaint for complaint in complaints(CATALOGUE, proofs_of(*proofs)))


def test_tables_link_tests_and_tell_reasons() -> None:
    """A row has the entry, what the markers say, a link to each test, or the reason why there is none."""
    made = with_tables(TEXT, CATALOGUE, proofs_of(RAIN, SPLIT, SPLIT, SPLIT))
    assert "| F01 | it rains | a cloud | an umbrella opens | [rain](../tests/test_weather.py) |" in made
    assert "| F02 | it snows |  |  | *It never does.* |" in made
    assert "| B01 | a \\| b | it is split | [split](../tests/test_weather.py) (3) |" in made
    assert "Proved: 1 of 2 (tests: 1, cases: 1); left out with a reason: 1." in made
    assert with_tables(made, CATALOGUE, proofs_of(RAIN, SPLIT, SPLIT, SPLIT)) == made


def test_each_injection_has_its_outcome_beside_it() -> None:
    """Where several tests prove one fault, numbers say which outcome belongs to which injection."""
    hail = replace(RAIN, injected="a colder cloud", test="test_hail")
    made = with_tables(TEXT, CATALOGUE, proofs_of(RAIN, hail, SPLIT))
    assert "| (1) a cloud<br>(2) a colder cloud | (1) an umbrella opens<br>(2) an umbrella opens |" in made


def test_a_number_that_is_missing_is_an_error(tmp_path: Path) -> None:
    """Entries can't get lost: the numbers run from the first to the last."""
    for kind in Kind:
        (tmp_path / f"{kind}.toml").write_text('F01 = { name = "rain" }\n')
    with pytest.raises(WrongEntry, match="F02"):
        read_catalogue(tmp_path)


def test_an_entry_with_an_unknown_field_is_an_error(tmp_path: Path) -> None:
    """A slip in a data file is an error that names the entry."""
    (tmp_path / "promise.toml").write_text('converges = { name = "x", hapens = "y" }\n')
    with pytest.raises(WrongEntry, match="converges"):
        read_catalogue(tmp_path)


def test_requirements_stand_under_their_headings() -> None:
    """A document shows the lists asked for; a list with groups has a line above each."""
    text = (
        "<!-- requirement count -->\n<!-- /requirement count -->\n<!-- requirement -->\n<!-- /requirement -->"
    )
    lines = with_tables(text, CATALOGUE, proofs_of(WHY), [Kind.REQUIREMENT]).splitlines()
    assert lines[6:10] == [
        "|  | **Definitions** |  |",
        "| DEF-1 | It says why | [why](../tests/test_weather.py) |",
        "|  | **Quality** |  |",
        "| QUA-1 | It is large | *Not yet.* |",
    ]
