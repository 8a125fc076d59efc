"""docs/sources.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.sources.contracts import CONTRACTS
from pipelines.sources.custom import TYPES
from pipelines.sources.declaration import read_sources

DOCUMENT = (Path(__file__).parents[2] / "docs/sources.md").read_text(encoding="utf-8")


def test_the_table_of_contracts_is_the_contracts() -> None:
    """Columns, what is required, keys and times, each contract on a line of its own."""
    table = DOCUMENT.partition("<!-- contracts -->")[2].partition("<!-- /contracts -->")[0]
    lines = table.strip().splitlines()[2:]
    assert lines == [
        "| `{}` | {} | {} | {} |".format(
            contract.name,
            ", ".join(
                f"**`{field.name}`**" if field.required else f"`{field.name}`" for field in contract.fields
            ),
            ", ".join(f"`{name}`" for name in contract.key),
            f"`{contract.time}`" if contract.time else "",
        )
        .replace("|  |", "| |")
        .replace("|  |", "| |")
        for contract in CONTRACTS.values()
    ]


def test_the_examples_are_valid_declarations(tmp_path: Path) -> None:
    """Every TOML block reads without an error."""
    blocks = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    assert len(blocks) == 2
    path = tmp_path / "sources.toml"
    path.write_text("\n".join(blocks), encoding="utf-8")
    assert [source.name for source in read_sources(path)] == [
        "customers",
        "orders",
        "consents",
        "opt_outs",
        "scores",
    ]


def test_the_types_of_custom_columns_are_named() -> None:
    """All words a custom source may use stand in the document."""
    assert ", ".join(f"`{name}`" for name in TYPES) in DOCUMENT
