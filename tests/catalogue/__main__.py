"""``python -m tests.catalogue`` writes the tables of its documents; ``--check`` only says what is wrong."""

from __future__ import annotations

import difflib
import sys

from tests.catalogue.document import DOCUMENTS, complaints, with_tables
from tests.catalogue.entries import read_catalogue
from tests.catalogue.proofs import collect


def main(arguments: list[str]) -> int:
    """Write or check the documents; the exit code is 1 when the catalogue is not true."""
    catalogue, proofs = read_catalogue(), collect()
    wrong = complaints(catalogue, proofs)
    for document in dict.fromkeys(DOCUMENTS.values()):
        old = document.read_text(encoding="utf-8")
        new = with_tables(old, catalogue, proofs, [kind for kind in DOCUMENTS if DOCUMENTS[kind] == document])
        if "--check" not in arguments:
            document.write_text(new, encoding="utf-8")
        elif new != old:
            changed = difflib.unified_diff(
                old.splitlines(), new.splitlines(), "written", "made", lineterm="", n=0
            )
            wrong += [f"docs/{document.name} is not what `make docs` writes:", *changed]
    print("\n".join(wrong) if wrong else f"{len(proofs)} proofs, nothing missing")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
