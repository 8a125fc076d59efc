"""The packs that ship: a folder each, with its segments, sources, settings and the SQL that draws its sample."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from pipelines.names import unknown_name

SHELF = Path(__file__).parent
ABOUT = "playbook.toml"


@dataclass(frozen=True, slots=True)
class Playbook:
    """A starter pack."""

    name: str
    title: str
    """Whose business it fits."""
    folder: Path
    sample: Path
    """The SQL that draws its people; two packs may share one."""
    times: int = 1
    """How many times as many people as the sample has by itself."""

    @property
    def segment_files(self) -> tuple[Path, ...]:
        """Its definitions, by name."""
        return tuple(sorted((self.folder / "segment_defs").glob("*.sql")))


def playbooks() -> tuple[Playbook, ...]:
    """Every pack, by name."""
    return tuple(_read(path.parent) for path in sorted(SHELF.glob(f"*/{ABOUT}")))


def playbook(name: str) -> Playbook:
    """The pack of a name; raises UnknownName with the nearest."""
    known = {pack.name: pack for pack in playbooks()}
    if name not in known:
        raise unknown_name("playbook", name, list(known))
    return known[name]


def _read(folder: Path) -> Playbook:
    about = tomllib.loads((folder / ABOUT).read_text(encoding="utf-8"))
    return Playbook(folder.name, about["title"], folder, SHELF / about["sample"], about.get("times", 1))
