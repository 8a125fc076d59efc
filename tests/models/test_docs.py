"""The page about models says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

from pipelines.models import registry, scores
from pipelines.models.propensity import Propensity
from tests.models.test_scores import SIZES
from tests.sources.conftest import YEAR_END

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def test_every_model_and_column_is_on_the_page() -> None:
    """The models that ship, the columns of scores, and the sizes that tests hold."""
    for name in registry.available():
        assert f"| `{name}` |" in PAGE
    table = PAGE[PAGE.index("## The table `scores`") :]
    for column, _, _ in scores.COLUMNS:
        assert f"`{column}`" in table
    for segment, size in SIZES.items():
        assert re.search(rf"^\| `{segment}` \| {size} \|", PAGE, re.MULTILINE), segment


@pytest.mark.requirement("DEF-4")
def test_the_pages_model_can_be_trained(past: duckdb.DuckDBPyConnection) -> None:
    """Who copies the example has a model that learns and says whether it is good enough."""
    pytest.importorskip("lightgbm")
    example = PAGE[PAGE.index("```python\n") + len("```python\n") :].split("```", 1)[0]
    found: dict[str, object] = {}
    exec(example, found)  # the document's own text
    model = found["PETS"]
    assert isinstance(model, Propensity)
    trained = model.train(past, YEAR_END)
    assert [gate.name for gate in trained.gates] == ["ranks better", "tells more", "calibrated"]
    assert model.score(past, YEAR_END, trained.files).num_rows > 500
