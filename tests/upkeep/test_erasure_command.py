"""`turnout erase`: a request is read strictly, and what is told names nobody."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from tests.assets.shop import Shop, customer
from tests.cli.conftest import Turnout

BAD: list[tuple[str, str, str]] = [
    ("r.csv", "email\nnot an address\n", r"r\.csv:2: email is no address; write it as"),
    ("r.csv", "emial\na@example.com\n", r"r\.csv:1: a column or key is not known; did you mean email\?"),
    ("r.csv", "email,phone\na@example.com\n", r"r\.csv:2: 1 columns where the header has 2; repair"),
    ("r.csv", "email\nn/a\n", r"r\.csv:2: email is empty or a placeholder"),
    ("r.csv", "phone\n123\n", r"r\.csv:2: phone has fewer than seven digits"),
    ("r.csv", "email\na@example.com\na@example.com\n", r"r\.csv:3: the same person as .*r\.csv:2; leave one"),
    ("r.csv", "email\n", r"r\.csv: it names nobody"),
    ("r.csv", "", r"r\.csv:1: it has no header"),
    ("r.csv", "email,phone\n,\n", r"r\.csv:2: it identifies nobody"),
    ("r.json", "{", r"r\.json:1: is no JSON"),
    ("r.json", '{"persons": []}', r"r\.json: it is not a list of people"),
    ("r.json", '{"people": [{"customer_id": 7}]}', r"person 1: customer_id is no text; put it in quotes"),
    ("r.toml", "[[people]]\nemail = ", r"r\.toml.*: is no TOML"),
    ("r.toml", "[[people]]\nname = 'x'\n", r"person 1: a column or key is not known"),
    ("r.xlsx", "", r"its kind is not known by its name; call it \.csv"),
]


@pytest.mark.parametrize(("name", "content", "sentence"), BAD)
def test_a_bad_request_erases_nobody(
    pushed: Shop, turnout: Turnout, name: str, content: str, sentence: str
) -> None:
    """Exit 2 and a sentence with file, place and fix that repeats no value; nothing was done."""
    Path(name).write_text(content)
    ran = turnout("erase", "--request", name, "--why", "asked")
    assert ran.code == 2
    assert re.search(sentence, ran.err)
    assert ran.err.strip().endswith("Nothing was erased")
    assert not (pushed.settings().state_dir / "erasures.sqlite").exists()
    for value in ("not an address", "a@example.com", "123"):
        assert value not in ran.err


def test_the_command(pushed: Shop, turnout: Turnout) -> None:
    """`turnout erase`: exit 0 when complete, the certificate's place, JSON with keys that stay; a reason is needed."""
    with Path("request.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["customer_id"], [customer(1)]])
    assert turnout("erase", "--request", "request.csv").code == 2
    ran = turnout("erase", "--request", "request.csv", "--why", "asked", "--json")
    assert ran.code == 0
    [told] = ran.objects
    assert set(told) == {
        "request", "asked_at", "written_at", "who", "why", "complete", "people", "subjects", "audiences",
        "deleted_rows", "tombstones", "open", "seal", "certificate",
    }  # fmt: skip
    assert Path(told["certificate"]).is_file()
    assert customer(1) not in pushed.members("ads", "buyers") | pushed.members("mail", "buyers")
    again = turnout("erase", "--request", "request.csv", "--why", "asked")
    assert again.code == 0
    assert told["request"] in again.out
    assert customer(1) not in ran.out + again.out
