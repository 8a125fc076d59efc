"""The house as docs/contracts.md draws it, read from the imports and the folders."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST_FILE = 400

ENGINE = (
    "pipelines.delivery",
    "pipelines.segments",
    "pipelines.warehouse",
    "pipelines.engine",
    "pipelines.duck",
)
"""What must work in any scheduler, with any connector."""

CONTRACT = ("connectors.base", "connectors.identity", "connectors.people", "connectors.rooms")
"""What a connector is, and nothing of any."""

CARD = {"README.md", "pyproject.toml", "workspace.yaml", "pipelines", "connectors", "segment_defs", "tests"}
TOOLING = {".ci", ".gitignore", "LICENSE", "Makefile", "bench", "docs", "requirements.lock"}

PILES = re.compile(r"^_?(utils?|helpers?|common|misc|shared|tools|stuff|manager|base_utils)$")


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name, and where."""

    module: str
    imported: str
    line: int

    def within(self, *packages: str) -> bool:
        """Whether what is imported is one of these packages or lies in one."""
        return is_within(self.imported, *packages)

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.imported}"


def is_within(module: str, *packages: str) -> bool:
    """Whether a dotted name is one of these packages or lies in one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def files_of(*packages: str) -> Iterator[Path]:
    """The Python files of top-level packages."""
    for package in packages:
        yield from sorted((ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    """The dotted name of a file."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[Import]:
    """Every import in a file, those inside functions and for type checkers too."""
    module = module_of(path)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (Import(module, alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            start = ".".join(filter(None, (above, node.module)))
            yield from (Import(module, f"{start}.{alias.name}", node.lineno) for alias in node.names)


IMPORTS = [found for path in files_of("pipelines", "connectors") for found in imports_of(path)]


def offending(wrong: list[Import]) -> str:
    """For a failing test's message."""
    return "\n".join(map(str, wrong))


def test_imports_are_read() -> None:
    """The reader of imports sees plain, dotted and local ones, or the rules below would hold of nothing."""
    seen = {(found.module, found.imported) for found in IMPORTS}
    assert ("pipelines.duck", "duckdb") in seen
    assert ("pipelines.delivery.model", "connectors.base.Connector") in seen
    assert ("pipelines.cli.app", "pipelines.assets.dev.dev_command") in seen, "an import inside a function"
    assert len({module for module, _ in seen}) > 100


def test_engine_knows_no_scheduler_and_no_connector() -> None:
    """Ledger, delivery, guards, segments and warehouse work without Dagster and with any connector."""
    wrong = [
        found
        for found in IMPORTS
        if is_within(found.module, *ENGINE)
        and (
            found.within("dagster", "dagster_duckdb", "pipelines.assets", "pipelines.cli")
            or (found.within("connectors") and not found.within(*CONTRACT))
        )
    ]
    assert not wrong, offending(wrong)


def test_engine_knows_no_room_above_it() -> None:
    """The project, the command line and the settings' environment use the engine, never the other way round.

    ``DuckDBEngine.from_settings`` reads settings that it is given; nothing in the engine makes its own.
    """
    wrong = [
        found
        for found in IMPORTS
        if is_within(found.module, *ENGINE)
        and found.within("pipelines.project", "pipelines.cli", "pipelines.definitions")
    ]
    assert not wrong, offending(wrong)


def test_connectors_know_neither_scheduler_nor_engine() -> None:
    """A connector can be written, tested and shipped without Dagster, DuckDB or our engine."""
    wrong = [
        found
        for found in IMPORTS
        if is_within(found.module, "connectors")
        and (
            found.within("dagster", "dagster_duckdb", "pipelines")
            or (found.within("duckdb") and not is_within(found.module, "connectors.testing"))
        )
    ]
    assert not wrong, offending(wrong)


def test_sandbox_knows_no_connector() -> None:
    """The sandbox imports nothing else of ours, so that a connector's misreading can't hide in it."""
    wrong = [
        found
        for found in IMPORTS
        if is_within(found.module, "connectors.sandbox")
        and found.within("connectors", "pipelines")
        and not found.within("connectors.sandbox")
    ]
    assert not wrong, offending(wrong)


def test_connectors_do_not_know_the_sandbox() -> None:
    """No connector behaves otherwise because it talks to a sandbox."""
    wrong = [
        found
        for found in IMPORTS
        if is_within(found.module, "connectors")
        and not is_within(found.module, "connectors.sandbox", "connectors.testing")
        and found.within("connectors.sandbox")
    ]
    assert not wrong, offending(wrong)


def test_platforms_do_not_know_each_other() -> None:
    """Each platform's connector stands alone on the shared rooms."""
    platforms = {"connectors.meta", "connectors.mailchimp", "connectors.file", "connectors.practice"}
    wrong = [
        found
        for found in IMPORTS
        for own in platforms
        if is_within(found.module, own) and found.within(*(platforms - {own}))
    ]
    assert not wrong, offending(wrong)


def test_only_the_dagster_room_imports_dagster() -> None:
    """Everything but ``pipelines.assets`` and ``pipelines.definitions`` works without Dagster."""
    allowed = ("pipelines.assets", "pipelines.definitions")
    wrong = [
        found
        for found in IMPORTS
        if found.within("dagster", "dagster_duckdb") and not is_within(found.module, *allowed)
    ]
    assert not wrong, offending(wrong)


def test_only_the_command_line_enters_the_dagster_room() -> None:
    """``turnout dev`` starts the UI; nobody else looks into the Dagster room from outside."""
    allowed = ("pipelines.assets", "pipelines.definitions", "pipelines.cli.app")
    wrong = [
        found
        for found in IMPORTS
        if found.within("pipelines.assets") and not is_within(found.module, *allowed)
    ]
    assert not wrong, offending(wrong)


@pytest.mark.parametrize("module", ["pipelines.cli", "pipelines.project", "pipelines.delivery.delivery"])
def test_importing_does_not_load_dagster(module: str) -> None:
    """A command starts without Dagster's second of imports."""
    code = f"import sys, {module}; print(sorted(m for m in sys.modules if m.partition('.')[0] == 'dagster'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_definitions_needs_no_credentials(tmp_path: Path) -> None:
    """The code location loads in an empty environment and an empty folder, and makes no file there."""
    code = "import pipelines.definitions as d; print(len(d.defs.resolve_asset_graph().get_all_asset_keys()))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True, text=True, cwd=tmp_path, env={"PATH": ""}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 8, "at least the shipped segments"
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_one_idea() -> None:
    """No Python or SQL file of ours has more than 400 lines."""
    sources = [*files_of("pipelines", "connectors", "tests", "bench"), *ROOT.glob("segment_defs/*.sql")]
    sources += [path for room in ("pipelines", "connectors") for path in sorted((ROOT / room).rglob("*.sql"))]
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    }
    assert not long


def test_no_module_is_a_pile() -> None:
    """Modules are named after what they are about: none is called utils, helpers or common."""
    names = [
        path
        for room in ("pipelines", "connectors", "tests", "bench")
        for path in (ROOT / room).rglob("*")
        if (path.is_dir() or path.suffix == ".py") and PILES.match(path.stem)
    ]
    assert not names


def undocumented(path: Path) -> Iterator[str]:
    """Public modules, classes and functions without a docstring, by place."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if tree.body and ast.get_docstring(tree) is None:
        yield f"{path.relative_to(ROOT)}: the module"
    for node in tree.body:
        yield from _undocumented(path, node, "")


def _undocumented(path: Path, node: ast.stmt, above: str) -> Iterator[str]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name[0] == "_":
        return
    inherits = any("override" in ast.unparse(decorator) for decorator in node.decorator_list)
    if ast.get_docstring(node) is None and not inherits:
        yield f"{path.relative_to(ROOT)}:{node.lineno} {above}{node.name}"
    if isinstance(node, ast.ClassDef):
        for inner in node.body:
            yield from _undocumented(path, inner, f"{node.name}.")


def test_everything_public_says_what_it_does() -> None:
    """Every public module, class, method and function has a docstring."""
    missing = [place for path in files_of("pipelines", "connectors") for place in undocumented(path)]
    assert not missing, "\n".join(missing)


def test_every_test_states_its_requirement() -> None:
    """A test's docstring is the requirement, in plain English."""
    missing = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in files_of("tests")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and path.name.startswith("test_")
        and ast.get_docstring(node) is None
    ]
    assert not missing, "\n".join(missing)


def test_the_top_level_shows_the_architecture() -> None:
    """The repository's top level holds the rooms, what describes them, and what tooling needs: nothing else."""
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )  # fmt: skip
    if tracked.returncode != 0:
        pytest.skip("this is no git checkout: what belongs to the repository is not known")
    top = {path.partition("/")[0] for path in tracked.stdout.split("\0") if path}
    assert top >= CARD
    assert top - CARD - TOOLING == set()
