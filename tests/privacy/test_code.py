"""What the code itself must not hold, and what it must not call."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_architecture import ROOT, files_of

FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "shelve",
    "marshal",
    "yaml",
    "xml",
    "lxml",
    "jsonpickle",
    "joblib",
}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
NO_VERIFICATION = re.compile(
    r"verify\s*=\s*False|CERT_NONE|check_hostname\s*=\s*False|_create_unverified_context"
)
SECRETS = re.compile(r"(?i)(token|secret|password|api_key)\s*=\s*[\"'][A-Za-z0-9_\-]{16,}[\"']")
SANDBOX_ACCOUNTS = Path("connectors/sandbox/accounts.py")


def _calls_and_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield f"{node.func.id}()"


@pytest.mark.privacy("P45")
def test_nothing_is_unpickled_or_evaluated() -> None:
    """Data never becomes code: no pickle, no YAML, no XML, no eval in any file that ships."""
    forbidden = FORBIDDEN_MODULES | {f"{name}()" for name in FORBIDDEN_CALLS}
    found = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in files_of("pipelines", "connectors")
        for name in _calls_and_imports(path)
        if name in forbidden
    }
    assert found == set()


@pytest.mark.privacy("P35")
def test_nobody_can_switch_verification_off() -> None:
    """No line that ships turns the check of certificates off, and no setting is called so."""
    found = [
        str(path.relative_to(ROOT))
        for path in files_of("pipelines", "connectors")
        if NO_VERIFICATION.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.bad_input("B98")
@pytest.mark.privacy("P26")
def test_no_secret_is_written_in_the_code() -> None:
    """No file that ships holds anything that looks like a credential, but for those of the sandbox."""
    found = [
        str(path.relative_to(ROOT))
        for path in files_of("pipelines", "connectors")
        if path.relative_to(ROOT) != SANDBOX_ACCOUNTS and SECRETS.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.privacy("P44")
def test_every_dependency_is_locked_with_its_hashes() -> None:
    """Each line of the lock names one version and at least one digest, and both are demanded at installation."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9_.\-]+(?:\[[^\]]*\])?==)", text)[1:]
    assert len(entries) > 50
    loose = [
        entry.splitlines()[0] for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry)
    ]
    assert loose == []
    assert "--require-hashes" in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert not re.search(r"(?m)^\s*(-e |git\+|https?://|file:)", text)
