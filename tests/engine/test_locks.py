"""One writing process: the others wait a bounded time and are told who has it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from pipelines.engine import EngineError, WarehouseBusy, WarehouseMissing
from pipelines.warehouse import DuckDBEngine
from tests.engine.conftest import DAY, segment

HOLD = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("open", flush=True)
time.sleep(float(sys.argv[3]))
connection.close()
"""


@contextmanager
def other_process(warehouse: Path, mode: str, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the warehouse open."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(warehouse), mode, str(seconds)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.fault(
    "F43",
    injected="another process holds the warehouse",
    outcome="waits a bounded time, then names the process",
)
@pytest.mark.promise("bounded")
@pytest.mark.parametrize(("theirs", "read_only"), [("write", False), ("write", True), ("read", False)])
def test_a_held_warehouse_names_its_holder(
    open_engine: Callable[..., DuckDBEngine], warehouse: Path, theirs: str, read_only: bool
) -> None:
    """Within the waiting time and no later, the sentence names the process."""
    with other_process(warehouse, theirs, 60) as process:
        engine = open_engine(read_only=read_only, wait_seconds=0.4)
        started = time.monotonic()
        with pytest.raises(WarehouseBusy, match=rf"is in use by process {process.pid} \("):
            engine.check()
        assert 0.4 <= time.monotonic() - started < 5


def test_readers_share(open_engine: Callable[..., DuckDBEngine], warehouse: Path) -> None:
    """Two reading processes do not disturb each other."""
    with other_process(warehouse, "read", 60):
        assert open_engine(read_only=True).latest("big_spenders") is None


def test_one_process_has_one_way_to_open_it(open_engine: Callable[..., DuckDBEngine]) -> None:
    """A second engine of the same process with other settings is told to wait for the first to close."""
    open_engine().check()
    with pytest.raises(WarehouseBusy, match="already open in this process with other settings"):
        open_engine(memory_limit="1GB").check()
    with pytest.raises(WarehouseBusy):
        open_engine(read_only=True).check()


def test_two_engines_of_one_process_share(open_engine: Callable[..., DuckDBEngine]) -> None:
    """Two engines with the same settings see each other's work."""
    first, second = open_engine(), open_engine()
    first.run_segment(segment("select person_no from features"), DAY)
    assert second.latest("big_spenders") == DAY


@pytest.mark.fault(
    "F43", injected="another process holds the warehouse for a while", outcome="goes on when it ends"
)
def test_a_waiting_engine_goes_on_when_the_holder_ends(
    open_engine: Callable[..., DuckDBEngine], warehouse: Path
) -> None:
    """Waiting ends with the wait of the other, not with an error."""
    with other_process(warehouse, "write", 0.5):
        engine = open_engine(wait_seconds=30)
        assert engine.run_segment(segment("select person_no from features"), DAY).size == 10


@pytest.mark.fault(
    "F46", injected="kill -9 of the process that holds the warehouse", outcome="the lock is gone with it"
)
def test_a_killed_holder_frees_the_warehouse(
    open_engine: Callable[..., DuckDBEngine], warehouse: Path
) -> None:
    """A crash leaves no lock behind."""
    with other_process(warehouse, "write", 60) as process:
        process.kill()
        process.wait()
        assert (
            open_engine(wait_seconds=5).run_segment(segment("select person_no from features"), DAY).size == 10
        )


def test_closing_lets_others_write_and_opening_again_works(engine: DuckDBEngine, warehouse: Path) -> None:
    """``close`` frees the file at once; the engine may be used again."""
    engine.run_segment(segment("select person_no from features"), DAY)
    engine.close()
    with other_process(warehouse, "write", 0):
        pass
    assert engine.latest("big_spenders") == DAY


@pytest.mark.fault("F60", injected="there is no warehouse", outcome="says what to do; makes no empty one")
def test_no_warehouse_says_what_to_do(tmp_path: Path) -> None:
    """Neither reading nor writing makes an empty warehouse by accident."""
    for read_only in (True, False):
        with (
            DuckDBEngine(tmp_path / "none.duckdb", read_only=read_only) as engine,
            pytest.raises(WarehouseMissing, match=r"there is no warehouse at .* yet; load the sources first"),
        ):
            engine.check()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault("F52", injected="a warehouse that is no database", outcome="a sentence, not a crash")
def test_a_damaged_file_is_told_as_such(tmp_path: Path) -> None:
    """A file that is no database is an error with a sentence, not a crash."""
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(b"this is not a database" * 1000)
    with DuckDBEngine(path) as engine, pytest.raises(EngineError, match=r"warehouse\.duckdb"):
        engine.check()


def test_a_warehouse_keeps_its_mark_and_a_new_one_gets_another(
    open_engine: Callable[..., DuckDBEngine], warehouse: Path, tmp_path: Path
) -> None:
    """The mark survives closing and reading, and differs for the same data loaded anew."""
    engine = open_engine()
    info = engine.check()
    assert (info.name, info.version, info.location) == ("duckdb", duckdb.__version__, str(warehouse))
    engine.close()
    reader = open_engine(read_only=True)
    assert reader.check() == info
    reader.close()
    other = tmp_path / "other.duckdb"
    duckdb.connect(other).close()
    with DuckDBEngine(other) as second:
        assert second.check().identity != info.identity


def test_a_warehouse_never_written_to_is_missing(open_engine: Callable[..., DuckDBEngine]) -> None:
    """A reader of a file that no load has made says so."""
    with pytest.raises(WarehouseMissing, match="nothing was ever loaded into"):
        open_engine(read_only=True).check()
