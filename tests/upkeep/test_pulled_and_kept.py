"""What was pulled outlives backups and restores, and nobody outlives an erasure in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connectors.mailchimp import MailchimpConnector
from pipelines.backup import back_up
from pipelines.pulling import pull
from pipelines.restore import restore
from pipelines.sources.pulled import FILE, PulledError, read_pulled
from tests.assets.shop import customer
from tests.upkeep.leaving import kept, leave, left, pushed
from tests.upkeep.town import Town, digest, email


@pytest.mark.privacy("P08", "P09")
def test_who_is_erased_stays_out_though_the_tool_goes_on_telling(town: Town) -> None:
    """An erased person's rows go, by whatever identifier was given; the next pull does not bring them back."""
    leave(town.sandbox, [email(n) for n in (1, 3, 5)])
    pull(town.project)
    town.project.build_people()
    pushed(town)
    certificate = town.erase(town.ask({"customer_id": customer(1)}, {"email": email(3)}))
    assert certificate.complete, certificate.open
    assert certificate.deleted_rows["what email tools said"] == 2
    assert kept(town.project) == {(email(5), "unsubscribed")}
    assert pull(town.project, everything=True)[0].new == {}
    assert kept(town.project) == {(email(5), "unsubscribed")}
    assert town.traces((1, 3)) == []
    town.customers()
    assert all(delivery.ok for delivery in town.night())
    assert town.on_meta() & {digest(email(n)) for n in (1, 3, 5)} == set()


@pytest.mark.privacy("P08")
def test_who_is_erased_while_a_tool_is_asked_is_not_kept(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pull that began before an erasure, and is told of the person after it, leaves nothing of them."""
    request = town.ask({"customer_id": customer(1)})

    def tells(self: MailchimpConnector, since: datetime | None) -> object:
        yield left(email(5))
        assert town.erase(request).deleted_rows
        yield left(email(1))

    monkeypatch.setattr(MailchimpConnector, "unreachable", tells)
    pull(town.project)
    assert kept(town.project) == {(email(5), "unsubscribed")}
    assert town.traces((1,)) == []


def test_a_backup_holds_what_was_pulled(town: Town, tmp_path: Path) -> None:
    """Lost with the state folder, it is there again after a restore, and the next pull goes on from there."""
    leave(town.sandbox, [email(1)])
    newest = pull(town.project)[0].newest
    back_up(town.state, tmp_path / "backup", wait_seconds=0)
    (town.state / FILE).unlink()
    for log in town.state.glob(f"{FILE}-*"):
        log.unlink()
    restore(tmp_path / "backup", town.state, replace=True, wait_seconds=0, who="tester", why="a test")
    assert kept(town.project) == {(email(1), "unsubscribed")}
    assert pull(town.project)[0].since == (newest or datetime.max) - timedelta(days=3)
    assert (town.state / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damaged", [False, True])
def test_a_restore_takes_nobody_out(town: Town, tmp_path: Path, damaged: bool) -> None:
    """Restored over a newer file, both are honoured; over a damaged one, the backup's is, and the damaged one kept."""
    leave(town.sandbox, [email(1)])
    pull(town.project)
    back_up(town.state, tmp_path / "backup", wait_seconds=0)
    leave(town.sandbox, [email(3)])
    pull(town.project)
    if damaged:
        (town.state / FILE).write_bytes(b"no database at all " * 300)
        with pytest.raises(PulledError, match="turnout pull --all"):
            read_pulled(town.state)
    done = restore(tmp_path / "backup", town.state, replace=True, wait_seconds=0, who="tester", why="a test")
    there = {email(1)} if damaged else {email(1), email(3)}
    assert {address for address, _ in kept(town.project)} == there
    assert done.aside is not None
    assert (done.aside / FILE).exists() == damaged


@pytest.mark.privacy("P09")
def test_a_restore_brings_no_erased_person_back(town: Town, tmp_path: Path) -> None:
    """A backup from before an erasure holds their row; after the restore it is gone."""
    leave(town.sandbox, [email(1), email(5)])
    pull(town.project)
    back_up(town.state, tmp_path / "backup", wait_seconds=0)
    town.erase(town.ask({"customer_id": customer(1)}))
    restore(tmp_path / "backup", town.state, replace=True, wait_seconds=0, who="tester", why="a test")
    assert kept(town.project) == {(email(5), "unsubscribed")}
