"""The catalogue is complete, and docs/reliability.md and docs/segmentation.md say what it says."""

from __future__ import annotations

import subprocess
import sys

from tests.catalogue.document import ROOT


def test_every_entry_is_proved_and_the_document_is_made_from_the_tests() -> None:
    """Each entry has a test or a reason, each marker a known id, and each page is what `make docs` writes."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.catalogue", "--check"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
