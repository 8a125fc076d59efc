"""Versions on disk: whole, numbered, never changed, refused where a gate says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from pipelines.models.errors import ModelError
from pipelines.models.model import Gate, Measure, Sheet, Trained, Window
from pipelines.models.store import Store

DAY = date(2018, 5, 31)


@dataclass(frozen=True)
class Named:
    """As much of a model as a store needs."""

    name: str = "taste"
    title: str = "Taste"
    description: str = "Who likes it."
    unit: str = "probability"
    policy: tuple[str, ...] = ()


def trained(*, accepted: bool = True) -> Trained:
    """A version that a gate let through, or did not."""
    return Trained(
        files={"model.json": b'{"weight": 1}'},
        kind="guess",
        features=("orders_30d",),
        windows=(Window("test", DAY, DAY, 10, 3),),
        measures=(Measure("auc", 0.7, "chance to rank right"),),
        gates=(Gate("ranks better", accepted, "AUC 0.7 against 0.6"),),
        sheets=(Sheet("Gain", ("share", "reached"), ((0.1, 0.3), (1.0, None))),),
        libraries=("numpy", "no-such-package"),
    )


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store in an empty state folder."""
    return Store(tmp_path)


def test_a_version_comes_back_as_it_was_kept(store: Store) -> None:
    """Card and files; the number counts up; nothing is in force before somebody says so."""
    first = store.keep(Named(), DAY, trained())  # type: ignore[arg-type]
    second = store.keep(Named(), DAY, trained())  # type: ignore[arg-type]
    assert (first.version, second.version) == (1, 2)
    assert store.versions("taste") == [1, 2]
    assert store.card("taste", 2) == second
    assert store.files(first) == {"model.json": b'{"weight": 1}'}
    assert first.libraries["no-such-package"] == "unknown"
    assert store.current("taste") is None
    store.use(second)
    assert store.current("taste") == 2
    store.use(first)
    assert store.current("taste") == 1


def test_a_refused_version_is_kept_and_never_used(store: Store) -> None:
    """It can be looked at; the one in force stays."""
    good = store.keep(Named(), DAY, trained())  # type: ignore[arg-type]
    store.use(good)
    bad = store.keep(Named(), DAY, trained(accepted=False))  # type: ignore[arg-type]
    assert bad.status == "refused"
    with pytest.raises(ModelError, match=r"version 2 of taste was refused: AUC 0\.7 against 0\.6"):
        store.use(bad)
    assert store.current("taste") == 1


def test_what_was_changed_is_not_used(store: Store, tmp_path: Path) -> None:
    """A file that is not what was trained, a card or a pointer that cannot be read, a version that is not there."""
    card = store.keep(Named(), DAY, trained())  # type: ignore[arg-type]
    folder = tmp_path / "models" / "taste"
    (folder / "1" / "model.json").write_bytes(b'{"weight": 2}')
    with pytest.raises(ModelError, match="is not the file that was trained"):
        store.files(card)
    (folder / "1" / "card.json").write_text('{"model": "taste"}')
    with pytest.raises(ModelError, match="cannot be read"):
        store.card("taste", 1)
    (folder / "current").write_text("the best")
    with pytest.raises(ModelError, match="holds no version"):
        store.current("taste")
    with pytest.raises(ModelError, match="there is no version 7 of taste; known: 1"):
        store.card("taste", 7)
    with pytest.raises(ModelError, match="known: none: turnout models train wine"):
        store.card("wine", 1)


def test_a_version_that_was_cut_short_is_none(store: Store, tmp_path: Path) -> None:
    """A folder that was not finished has another name, and the next version takes its place."""
    left = tmp_path / "models" / "taste" / ".1.tmp"
    left.mkdir(parents=True)
    (left / "model.json").write_text("half")
    assert store.versions("taste") == []
    assert store.keep(Named(), DAY, trained()).version == 1  # type: ignore[arg-type]
    assert not left.exists()


def test_models_are_nobody_elses_to_read(store: Store, tmp_path: Path) -> None:
    """Folders for the owner alone: a model says something of the people it was learnt from."""
    store.keep(Named(), DAY, trained())  # type: ignore[arg-type]
    folder = tmp_path / "models" / "taste"
    assert [path.stat().st_mode & 0o077 for path in (folder, folder / "1", folder / "1" / "card.json")] == [
        0
    ] * 3
