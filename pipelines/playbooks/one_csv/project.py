"""The project folder of one customer file: the file itself, read as customers, as consents and as traits."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pipelines.playbooks.one_csv.columns import CustomerFile, recognise
from pipelines.playbooks.one_csv.segments import ideas
from pipelines.playbooks.pack import SHELF
from pipelines.playbooks.starting import QUARTER, Started, make_room, write_settings
from pipelines.worksheet.rendering import value_text

FILE = "data/customers.csv"
SETTINGS = SHELF / "local_services" / "settings.env"
HEAD = """\
# One file, read as people, as their consents and as what else is known of them. A newer export goes in its place;
# more tables can be added: docs/sources.md of Turnout."""
FEW = 100
"""People below which most ad platforms use no audience: Google and Meta name 100."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A project that was begun from a file."""

    started: Started
    file: CustomerFile
    notes: tuple[str, ...]
    """What its owner should know, in sentences; nothing of it stops anything."""


def begin(csv: Path, folder: Path, today: date) -> Begun:
    """A project around a copy of ``csv``. Raises NotUsable, FolderNotEmpty, FileNotFoundError, and leaves nothing."""
    file = recognise(csv)
    make_room(folder)
    (folder / "data").mkdir()
    (folder / "segment_defs").mkdir()
    shutil.copyfile(csv, folder / FILE)
    (folder / "sources.toml").write_text(sources(file, today), encoding="utf-8")
    found, few = ideas(file, today)
    for idea in found:
        path = folder / "segment_defs" / f"{idea.name}.sql"
        path.write_text(idea.text(today + QUARTER), encoding="utf-8")
    write_settings(folder, SETTINGS.read_text(encoding="utf-8"), today)
    (folder / "README.md").write_text(_readme(file, csv.name), encoding="utf-8")
    started = Started(folder, csv.name, tuple(sorted(one.name for one in found)), ("customers",))
    return Begun(started, file, tuple(_notes(file, few)))


def sources(file: CustomerFile, today: date) -> str:
    """The declaration: one file under as many names as there are things to read in it."""
    return "\n\n".join(_sources(file, today)) + "\n"


def _sources(file: CustomerFile, today: date) -> Iterator[str]:
    yield HEAD
    differing = {name: column for name, column in file.contract.items() if column.lower() != name}
    yield _source(file, "customers", "customers", {"columns": differing} if differing else {})
    for purpose, column in file.consents.items():
        # A consent without its own time is as old as the file: a later "no" in its place takes it away at once.
        yield _source(
            file,
            f"consents_{purpose}",
            "consents",
            {
                "columns": {"customer_id": file.contract["customer_id"], "granted": column},
                "fixed": {"purpose": purpose, "changed_at": today.isoformat(), "source": "customer file"},
            },
        )
    if file.traits:
        key = file.contract["customer_id"]
        columns = {key: "text"} | {one.column: one.kind for one in file.traits}
        yield _source(file, "profile", "custom", {"columns": columns, "key": [key], "person": key})


def _source(file: CustomerFile, name: str, contract: str, more: Mapping[str, object]) -> str:
    lines = [f"[source.{name}]", f'contract = "{contract}"', f'csv = "{FILE}"']
    if file.delimiter != ",":
        lines.append(f"delimiter = {value_text(file.delimiter)}")
    return "\n".join([*lines, *(f"{key} = {value_text(value)}" for key, value in more.items())])


def _notes(file: CustomerFile, few: Sequence[str]) -> Iterator[str]:
    if few:
        yield f"too few people today for {', '.join(few)}: left out"
    if not file.reachable_by:
        yield "there is neither an e-mail address nor a phone number: nobody can be reached until a column has one"
    if not file.consents:
        yield (
            "no column says who agreed to be contacted, so nobody is sent anywhere: add a column email_consent of yes "
            "and no, begin again, or declare consents in sources.toml"
        )
    if file.rows < FEW:
        yield (
            f"{file.rows:,} people: enough to treat well by e-mail; most ad platforms use no audience under {FEW} "
            "matched people, and what a treatment did cannot be told from so few"
        )


def _readme(file: CustomerFile, name: str) -> str:
    read = ", ".join(f"{column} (as {field})" for field, column in file.contract.items())
    traits = ", ".join(one.column for one in file.traits) or "nothing"
    consents = ", ".join(f"{column} ({purpose})" for purpose, column in file.consents.items()) or "nothing"
    return f"""# Begun from {name}

```
turnout sources          # load data/customers.csv
turnout segments         # who is in each segment
turnout lint             # what is doubtful
turnout plan             # what a push would do
turnout sync             # do it: out/email
```

Read as who people are: {read}. As consents: {consents}. As what segments may go by, in the table `profile`: {traits}.
Other columns are not read.

A newer export goes over `data/customers.csv`. Owner, treatments and goals in `segment_defs/` are a start: make them
yours, and add segments with `turnout new`.
"""
