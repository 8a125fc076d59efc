"""One CSV of customers is enough to begin: from the file to the audience."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines.cli.exits import Exit
from tests.cli.conftest import Turnout

TODAY = date(2027, 5, 1)
COLUMNS = ("Patient ID", "First name", "Last name", "E-Mail", "Customer since", "Location", "Last visit", "Total spent",
           "Newsletter", "Notes")  # fmt: skip


def rows(people: int) -> Iterator[tuple[object, ...]]:
    """A practice's people: two of three go north, every fourth did not agree, visits over the last year."""
    for n in range(people):
        yield (
            f"P{n:04}", "Ada", "Example", f"person.{n}@example.com", TODAY - timedelta(days=400 - n),
            "South" if n % 3 == 0 else "North", TODAY - timedelta(days=1 + (n * 7) % 365), 20 + n * 3,
            "no" if n % 4 == 0 else "yes", f"Called on day {n}, private",
        )  # fmt: skip


def written(path: Path, people: int = 150, columns: tuple[str, ...] = COLUMNS, delimiter: str = ",") -> Path:
    """A file with some of the columns."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        places = [COLUMNS.index(column) for column in columns]
        writer.writerows([row[place] for place in places] for row in rows(people))
    return path


@pytest.fixture(autouse=True)
def spring(monkeypatch: pytest.MonkeyPatch, bare: Path) -> None:
    """All of this happens on one day."""
    monkeypatch.setenv("TURNOUT_TODAY", TODAY.isoformat())


@pytest.mark.requirement("SIZ-1")
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_a_practice_of_150_people_runs_from_one_file(
    turnout: Turnout, bare: Path, monkeypatch: pytest.MonkeyPatch, delimiter: str
) -> None:
    """Init, load, check, compute, push: sizes are those of the file, whoever did not agree is not sent, and no warning
    is about the file's other columns."""
    ran = turnout(
        "init", "practice", "--from-csv", str(written(bare / "list.csv", delimiter=delimiter)), "--json"
    )
    assert ran.code == Exit.OK, ran.err
    assert ran.objects[0]["notes"] == ["too few people today for new_with_us: left out"]
    monkeypatch.chdir(bare / "practice")
    loaded = turnout("sources")
    assert loaded.code == Exit.OK, loaded.err
    assert "Location" not in loaded.out, "read by another source, so no warning"
    assert turnout("segments", "--check").code == Exit.OK
    sizes = {one["name"]: one["size"] for one in turnout("segments", "--json").objects}
    since = [1 + (n * 7) % 365 for n in range(150)]
    assert sizes == {
        "at_north": 100,
        "at_south": 50,
        "away_half_a_year": sum(day > 180 for day in since),
        "best_customers": 30,
        "due_again": sum(90 < day <= 180 for day in since),
        "here_lately": sum(day <= 90 for day in since),
    }
    pushed = turnout("sync", "--json")
    assert pushed.code == Exit.OK, pushed.err
    added = {one["segment"]: one["added"] for one in pushed.objects}
    assert added["at_south"] == sum(n % 3 == 0 and n % 4 != 0 for n in range(150))
    folder = bare / "practice" / "out" / "email" / "at-south"
    members = {
        json.loads(line)["external_id"] for line in (folder / "members.jsonl").read_text().splitlines()
    }
    assert members == {f"P{n:04}" for n in range(150) if n % 3 == 0 and n % 4 != 0}


@pytest.mark.requirement("SIZ-1")
def test_small_numbers_are_sentences(turnout: Turnout, bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty people: what is said is advice, the lint names what is too small, and the push goes all the same."""
    ran = turnout("init", "small", "--from-csv", str(written(bare / "list.csv", people=60)), "--json")
    assert ran.code == Exit.OK
    assert "60 people: enough to treat well by e-mail" in ran.objects[0]["notes"][-1]
    monkeypatch.chdir(bare / "small")
    assert turnout("sources").code == Exit.OK
    assert turnout("segments").code == Exit.OK
    told = [one["says"] for one in turnout("lint", "at_south", "--json").objects]
    assert "20 people: a test on so few shows only very large effects" in told
    assert turnout("sync").code == Exit.OK


@pytest.mark.requirement("SIZ-1")
def test_a_newer_file_takes_consent_away(
    turnout: Turnout, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next export in the file's place: whoever says no there leaves, whoever is new comes."""
    assert turnout("init", "practice", "--from-csv", str(written(bare / "list.csv"))).code == Exit.OK
    monkeypatch.chdir(bare / "practice")
    for command in ("sources", "segments", "sync"):
        assert turnout(command).code == Exit.OK
    data = bare / "practice" / "data" / "customers.csv"
    lines = [
        line.replace(",yes,", ",no,") if line.startswith("P0001,") else line
        for line in data.read_text().splitlines()
    ]
    data.write_text("\n".join(lines) + "\n")
    assert turnout("sources").code == Exit.OK
    pushed = {one["segment"]: one for one in turnout("sync", "--json").objects}
    assert (pushed["at_north"]["removed"], pushed["at_north"]["added"]) == (1, 0)


@pytest.mark.requirement("SIZ-1")
def test_without_consents_nobody_is_sent_and_it_is_said(
    turnout: Turnout, bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address list alone runs to its end, sends nobody, and says why and what to do."""
    path = written(bare / "list.csv", columns=("Patient ID", "E-Mail"))
    ran = turnout("init", "bare_list", "--from-csv", str(path))
    assert ran.code == Exit.OK
    assert "no column says who agreed" in ran.err
    monkeypatch.chdir(bare / "bare_list")
    for command in ("sources", "segments"):
        assert turnout(command).code == Exit.OK
    ran = turnout("sync", "--json")
    (pushed,) = ran.objects
    assert (ran.code, pushed["segment"], pushed["held"], pushed["adds"]) == (Exit.STOPPED, "everybody", 0, 0)
    assert "nobody can be sent to email (QUA-3)" in pushed["sentence"]


@pytest.mark.requirement("SIZ-1")
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("email,city\na@example.com,Oslo\n", "no column that tells its people apart: call one customer_id"),
        (
            "id,email\n1,a@example.com\n1,b@example.com\n",
            "1 of 2 rows have no id or one that another row has",
        ),
        ("", "list.csv"),
    ],
    ids=["no id", "an id twice", "empty"],
)
def test_a_file_that_will_not_do_is_told(turnout: Turnout, bare: Path, text: str, sentence: str) -> None:
    """One sentence without anybody's data, and no folder."""
    (bare / "list.csv").write_text(text)
    ran = turnout("init", "there", "--from-csv", "list.csv")
    assert (ran.code, sentence in ran.err) == (Exit.USAGE, True), ran.err
    assert "example.com" not in ran.err
    assert not (bare / "there").exists()
    assert turnout("init", "there", "--from-csv", "nowhere.csv").code == Exit.USAGE
    assert turnout("init", "--from-csv", "list.csv", "--playbook", "shop").code == Exit.USAGE


@pytest.mark.requirement("SIZ-1")
def test_free_text_is_not_read(turnout: Turnout, bare: Path) -> None:
    """Notes and names stay in the file: no segment can read them."""
    assert turnout("init", "practice", "--from-csv", str(written(bare / "list.csv"))).code == Exit.OK
    declared = (bare / "practice" / "sources.toml").read_text()
    assert "Notes" not in declared
    assert 'Location = "text"' in declared
