"""Tables of the documents that are made from the code: ``make docs`` writes them, tests hold the documents to them."""

from __future__ import annotations

import ast
import inspect
import json
from datetime import date
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from connectors.registry import available, load
from connectors.settings import env_prefix
from pipelines.cli import exits
from pipelines.settings import Settings

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"


def settings_table() -> str:
    """Every setting: its variable, its default, its meaning."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        lines.append(f"| `TURNOUT_{name.upper()}` | {_default(field)} | {field.description} |")
    return "\n".join(lines)


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    assert value is not PydanticUndefined, "a setting without a default could not be left out"
    if value is None:
        return "unset"
    if isinstance(value, dict):
        return f"`{json.dumps(value)}`"
    return f"`{value.isoformat() if isinstance(value, date) else value}`"


def exits_table() -> str:
    """Every exit code with its meaning, which stands below it in the code."""
    [members] = [
        node.body
        for node in ast.parse(inspect.getsource(exits)).body
        if isinstance(node, ast.ClassDef) and node.name == exits.Exit.__name__
    ]
    meanings: dict[str, str] = {}
    name = ""
    for node in members:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        elif name and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            meanings[name] = " ".join(str(node.value.value).split())
    lines = ["| exit code | meaning |", "|---|---|"]
    return "\n".join([*lines, *(f"| {code.value} | {meanings[code.name]} |" for code in exits.Exit)])


def account_table(connector: str) -> list[str]:
    """Every setting of a connector's account, a line each."""
    lines = []
    for name, field in load(connector).settings_type.model_fields.items():
        default = "required" if field.is_required() else _account_default(field.default)
        lines.append(f"| `{env_prefix(connector)}{name.upper()}` | {default} | {field.description} |")
    return lines


def _account_default(value: object) -> str:
    if value is None:
        return "unset"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return f"`{json.dumps(list(value))}`"
    return f"`{value}`"


def with_account_table(connector: str, text: str) -> str:
    """A connector's page with the settings that its code has now. Raises ValueError for a page without any."""
    heading = "| variable | default | meaning |\n|---|---|---|\n"
    before, separator, after = text.partition(heading)
    if not separator:
        raise ValueError(f"docs/connectors/{connector}.md needs a table of settings")
    rest = after.split("\n")
    first = next((number for number, line in enumerate(rest) if not line.startswith("|")), len(rest))
    return before + heading + "\n".join([*account_table(connector), *rest[first:]])


TABLES = {"settings": settings_table, "exits": exits_table}


def section(text: str, name: str) -> str:
    """What stands between a section's marks. Raises ValueError when they are missing or stand twice."""
    _, inside, _ = _split(text, name)
    return inside.strip()


def with_tables(text: str) -> str:
    """A document with every made table as the code has it now."""
    for name, table in TABLES.items():
        before, _, after = _split(text, name)
        text = f"{before}\n{table()}\n{after}"
    return text


def _split(text: str, name: str) -> tuple[str, str, str]:
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if text.count(start) != 1 or text.count(end) != 1:
        raise ValueError(f"the document needs {start} and {end}, once each")
    before, rest = text.split(start)
    inside, after = rest.split(end)
    return before + start, inside, end + after


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text(encoding="utf-8")), encoding="utf-8")
    for connector in available():
        page = ROOT / "docs/connectors" / f"{connector}.md"
        if page.exists():
            page.write_text(with_account_table(connector, page.read_text("utf-8")), "utf-8")
