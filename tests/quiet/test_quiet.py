"""A faulty night of 240 canary people: nothing that it wrote names one of them, or a secret."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors.sandbox import SandboxServer
from tests.quiet import gateway
from tests.quiet.canaries import PACKED_KEY
from tests.quiet.night import PEOPLE, Night, live_through
from tests.quiet.scan import Scan, Scanner

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """The night, over."""
    folder = tmp_path_factory.mktemp("quiet")
    with SandboxServer(folder / "sandbox") as sandbox, gateway.running(sandbox.url) as gate:
        night = Night(folder, sandbox, gate)
        live_through(night)
        yield night


def _scan(night: Night) -> Scan:
    return Scanner(night.people, [PACKED_KEY]).scan(night.folder, night.allowed)


def test_the_night_was_as_bad_as_it_should_be(night: Night) -> None:
    """The faults were met, people did arrive, everything wrote: or the scan would hold of nothing."""
    assert PEOPLE >= 200
    assert night.gateway.echoed > 2 * len(gateway.ECHOES)
    assert night.sandbox.state.audience("meta", "Buyers").size > 50
    assert night.sandbox.state.audience("mailchimp", "Browsers").size > 50
    assert set(night.exits.values()) == {0, 1}, "some went well, others did not, and none crashed"
    home = night.shop.folder / "home"
    assert list((home / "dagster").rglob("*.err")), "compute logs were kept"
    assert (home / "state/journal.sqlite").stat().st_size > 10_000
    logged = "".join(path.read_text() for path in sorted((night.folder / "logs").iterdir()))
    assert "DEBUG" in logged
    assert "Traceback" not in "".join(
        path.read_text() for path in (night.folder / "logs").glob("* turnout *.log")
    )


@pytest.mark.promise("quiet")
@pytest.mark.privacy("P26", "P27", "P28", "P29", "P30")
@pytest.mark.bad_input("B106")
def test_nothing_that_was_written_names_anybody(night: Night, capsys: pytest.CaptureFixture[str]) -> None:
    """Dagster's databases and compute logs, output, journal, pages, temporary files: no identifier, no digest, no
    secret. The ledgers, the warehouse and the sandbox's own database are where they belong."""
    scan = _scan(night)
    with capsys.disabled():
        print(f"\nquiet: {scan}")
    assert scan.leaks == []
    assert scan.lines > 3_000


def test_the_scan_would_have_found_a_leak(night: Night) -> None:
    """One line more, in the midst of what was scanned, and the scan is red."""
    planted = night.folder / "logs" / "planted.log"
    planted.write_text(f"INFO delivered {night.people[7].email.strip().lower()}\n")
    try:
        assert _scan(night).leaks == ["logs/planted.log: a text of a canary"]
    finally:
        planted.unlink()


def test_identifiers_are_where_they_are_allowed(night: Night) -> None:
    """The canaries did go through: the ledgers, the warehouse and the platform hold them."""
    found = Scanner(night.people).scan(night.folder).leaks
    for place in ("shop/home/state/meta.duckdb", "shop/home/warehouse.duckdb", "sandbox/"):
        assert any(leak.startswith(place) for leak in found), place
