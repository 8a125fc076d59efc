"""What README and docs say is held to the code: tables, links, commands, the sample segment."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.main

from pipelines.cli.app import app
from pipelines.project import Project
from pipelines.settings import Settings
from tests.documents import README, ROOT, TABLES, section

DOCUMENTS = [README, *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "bench").glob("*.md"))]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def name_of(document: Path) -> str:
    """For the names of tests."""
    return str(document.relative_to(ROOT))


@dataclass(frozen=True, slots=True)
class Command:
    """A shell command that a document tells its reader to type."""

    document: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.document}: {' '.join(self.words)}"


def commands(program: str) -> list[Command]:
    """Every command of a program in the documents' shell blocks, and in their inline code where it has arguments."""
    found = []
    for document in DOCUMENTS:
        for line in _typed(document.read_text(encoding="utf-8")):
            words = shlex.split(line.replace("[", " ").replace("]", " "), comments=True)
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words = words[1:]
            if words and words[0].removeprefix(".venv/bin/") == program:
                found.append(Command(name_of(document), (program, *words[1:])))
    return sorted(set(found), key=str)


def _typed(text: str) -> Iterator[str]:
    for language, block in FENCE.findall(text):
        if language in ("", "sh", "bash", "shell", "console"):
            yield from (line.removeprefix("$ ") for line in block.splitlines() if _is_shell(line))
    prose = FENCE.sub("", text)
    yield from (code for code in re.findall(r"`([^`\n]+)`", prose) if _is_shell(code))


def _is_shell(line: str) -> bool:
    """A line that begins a command of ours; anything else in a block may be output."""
    return re.match(r"(\$ )?([A-Z_]+=\S+ )*(\.venv/bin/)?(turnout|make)( |$)", line) is not None


def targets() -> set[str]:
    """What make can make."""
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("name", TABLES)
def test_made_tables_are_those_of_the_code(name: str) -> None:
    """The README's settings and exit codes are exactly the code's; `make docs` writes them."""
    assert section(README.read_text(encoding="utf-8"), name) == TABLES[name]()


def test_every_setting_is_described() -> None:
    """A setting without a sentence can't be set by anybody."""
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_and_images_exist(document: Path) -> None:
    """Every relative link and every image of a document is there, in the repository."""
    text = re.sub(r"`[^`\n]*`", "", FENCE.sub("", document.read_text(encoding="utf-8")))
    relative = [link for link in LINK.findall(text) if not re.match(r"[a-z]+:|#", link)]
    assert [link for link in relative if not (document.parent / link.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("command", commands("make"), ids=str)
def test_make_targets_exist(command: Command) -> None:
    """Every `make` that a document mentions can be made."""
    named = [word for word in command.words[1:] if "=" not in word]
    assert set(named) <= targets()


@pytest.mark.parametrize("command", commands("turnout"), ids=str)
def test_commands_parse(command: Command) -> None:
    """Every `turnout` command that a document mentions exists, and takes these words where there are any."""
    group = typer.main.get_command(app)
    _, *arguments = command.words
    if not arguments:
        return
    name, *rest = arguments
    found = group.get_command(group.make_context("turnout", [name]), name)  # type: ignore[attr-defined]
    assert found is not None, f"there is no command {name!r}"
    if rest:
        found.make_context(name, rest)


def test_documents_mention_commands() -> None:
    """The reader of documents finds what is written there, or the tests above would hold of nothing."""
    assert {command.words for command in commands("make")} >= {("make", "demo"), ("make", "test")}
    assert ("turnout", "segments", "--check") in {command.words for command in commands("turnout")}


def test_readme_tells_every_command() -> None:
    """Each command of the program has its line in the README."""
    group = typer.main.get_command(app)
    text = README.read_text(encoding="utf-8")
    assert [name for name in group.commands if f"| `turnout {name}` |" not in text] == []  # type: ignore[attr-defined]


def test_readme_begins_with_two_commands() -> None:
    """The first block that a reader types is `make demo` and `make test`."""
    first = FENCE.search(README.read_text(encoding="utf-8"))
    assert first is not None
    typed = [line.partition("#")[0].strip() for line in first[2].splitlines()]
    assert typed == ["make demo", "make test"]


def test_sample_segment_of_the_readme_is_right(tmp_path: Path) -> None:
    """The segment that the README tells to add is read without a complaint."""
    samples = [
        block for language, block in FENCE.findall(README.read_text(encoding="utf-8")) if language == "sql"
    ]
    assert samples
    for number, sample in enumerate(samples):
        (tmp_path / f"sample_{number}.sql").write_text(sample, encoding="utf-8")
    project = Project(Settings(_env_file=None, segment_defs=tmp_path))  # type: ignore[call-arg]
    assert [str(broken.error) for broken in project.broken] == []
    assert len(project.segments) == len(samples)
