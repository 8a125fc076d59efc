"""Tables of the README that are made from the code: ``make docs`` writes them, a test holds the README to them."""

from __future__ import annotations

import ast
import inspect
import json
from datetime import date
from pathlib import Path

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

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
