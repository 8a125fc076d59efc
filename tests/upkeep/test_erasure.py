"""Whoever asks to be forgotten leaves every platform and every file, whatever else is going on, and it is proved."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from pipelines.backup import back_up
from pipelines.erasure.certificate import is_genuine
from pipelines.erasure.erase import erase, finish
from pipelines.erasure.register import Register
from pipelines.project import Project
from pipelines.restore import restore
from pipelines.review.holding import hold
from pipelines.sources.tombstones import KeyMissing
from tests.assets.shop import customer
from tests.upkeep.town import CANARIES, STAYS, Town, digest, email, marks, phone


@pytest.mark.privacy("P08", "P10")
def test_twenty_people_are_erased_without_a_trace(town: Town) -> None:
    """By id, address or number: gone from every audience, from every byte of every file; everybody else stays."""
    asked = [
        {"customer_id": customer(n)}
        if n % 3 == 0
        else {"email": email(n).upper()}
        if n % 3 == 1
        else {"phone": phone(n)}
        for n in CANARIES
    ]
    assert len({trace.rsplit(" ", 1)[1] for trace in town.traces(CANARIES)}) == len(CANARIES), (
        "or the scan sees nothing"
    )
    before = town.on_meta(), town.on_mailchimp(), town.on_mailchimp("Browsers")
    certificate = town.erase(town.ask(*asked))
    assert certificate.open == ()
    assert certificate.complete
    gone = {email(n) for n in CANARIES}
    assert town.on_meta() == before[0] - {digest(address) for address in gone}
    assert town.on_meta("Spenders") & {digest(address) for address in gone} == set()
    assert town.on_mailchimp() == before[1] - gone
    assert town.on_mailchimp("Browsers") == before[2] - gone
    assert town.sandbox.state.resubscribed() == []
    assert town.traces(CANARIES) == []
    assert town.traces((STAYS,)) != []


@pytest.mark.privacy("P09")
def test_an_old_file_brings_nobody_back(town: Town) -> None:
    """The source delivers the same files again: no row of theirs is kept, nobody is added anywhere."""
    people = [{"customer_id": customer(1)}, {"email": email(3)}, {"phone": phone(5)}]
    town.erase(town.ask(*people))
    town.customers()
    assert all(delivery.ok for delivery in town.night())
    assert town.on_mailchimp() & {email(n) for n in (1, 3, 5)} == set()
    assert town.on_meta() & {digest(email(n)) for n in (1, 3, 5)} == set()
    with town.project.warehouse(read_only=True) as con:
        kept = {row[0] for row in con.execute("select customer_id from source.customers").fetchall()}
        assert kept == {customer(n) for n in range(120)} - {customer(n) for n in (1, 3, 5)}
        assert con.execute("select count(*) from people where suppressed = 'erased'").fetchall() == [(3,)]


@pytest.mark.privacy("P09")
def test_tombstones_outlive_the_warehouse(town: Town) -> None:
    """The warehouse is lost and built anew from the old files: still nobody comes back."""
    town.erase(town.ask({"customer_id": customer(1)}))
    town.shop.settings().warehouse_path.unlink()
    town.night()
    assert email(1) not in town.on_mailchimp()
    assert digest(email(1)) not in town.on_meta()
    assert email(STAYS) in town.on_mailchimp()


@pytest.mark.privacy("P09", "P50")
def test_an_old_backup_brings_nobody_back(town: Town, tmp_path: Path) -> None:
    """A backup from before the erasure is restored: the push takes them out again, the request anew forgets them."""
    back_up(town.state, tmp_path / "backup", wait_seconds=0)
    request = town.ask({"customer_id": customer(1)})
    town.erase(request)
    restore(tmp_path / "backup", town.state, replace=True, wait_seconds=0, who="me", why="lost")
    assert all(delivery.ok for delivery in town.night())
    assert email(1) not in town.on_mailchimp()
    assert digest(email(1)) not in town.on_meta()
    assert town.erase(request).open == ()
    assert town.traces((1,)) == []
    assert town.traces((STAYS,)) != []


@pytest.mark.privacy("P09")
def test_tombstones_tell_nothing_without_their_key(town: Town) -> None:
    """No plain digest of an address or number is kept; key and register are two files for the owner's eyes alone."""
    town.erase(town.ask({"email": email(1)}))
    register, key = town.state / "erasures.sqlite", town.state / "tombstone.key"
    assert [path.stat().st_mode & 0o777 for path in (register, key)] == [0o600, 0o600]
    secret = bytes.fromhex(key.read_text())
    content = register.read_bytes()
    assert key.read_text().encode() not in content
    with Register.open(town.state) as opened:
        assert opened.tombstones().key == secret
        assert len(opened.tombstones().digests) >= 3
    key.rename(town.state.parent / "key.elsewhere")
    with pytest.raises(KeyMissing, match=r"tombstone\.key is missing"):
        town.project.load()


def test_whoever_shares_an_identifier_is_kept_but_never_sent(town: Town) -> None:
    """One of two at the same number is erased by id: the other stays known, and leaves every audience."""
    rows = [
        [customer(n), email(n), phone(1) if n == STAYS else phone(n), "2017-01-01 00:00:00"]
        for n in range(town.shop.people)
    ]
    town.shop.write("customers", ["customer_id", "email", "phone", "created_at"], rows)
    town.night()
    town.erase(town.ask({"customer_id": customer(1)}))
    with town.project.warehouse(read_only=True) as con:
        query = "select suppressed from people where person_id = ?"
        assert con.execute(query, [customer(STAYS)]).fetchall() == [("shared_identifier",)]
    town.night()
    assert email(STAYS) not in town.on_mailchimp()


@pytest.mark.privacy("P05", "P06")
@pytest.mark.parametrize(
    "trouble",
    [
        "segment file deleted",
        "segment file broken",
        "guard trips",
        "stale",
        "on hold",
        "gone from the sources",
    ],
)
def test_nothing_holds_an_erasure_back(town: Town, trouble: str) -> None:
    """Deleted, broken, guarded, stale, gone from the source: the person leaves all the same, and nobody else does."""
    path = town.shop.segment_defs / "buyers.sql"
    project = town.project
    match trouble:
        case "segment file deleted":
            path.unlink()
        case "segment file broken":
            path.write_text("select")
        case "guard trips":
            town.shop.segment(
                "buyers", "select distinct person_no\nfrom orders\nwhere total < 20", ("ads", "mail")
            )
            town.project.compute()
        case "on hold":
            hold(town.project, "ads/buyers", "me", "a pause")
            hold(town.project, "mail/buyers", "me", "a pause")
        case "stale":
            project = Project(town.shop.settings(today=town.shop.settings().current_day.replace(month=6)))
        case _:
            rows = [[customer(n), email(n), phone(n), "2017-01-01 00:00:00"] for n in range(120) if n != 1]
            town.shop.write("customers", ["customer_id", "email", "phone", "created_at"], rows)
            town.project.load()
    before = town.on_meta(), town.on_mailchimp()
    certificate = erase(
        project, town.ask({"email": email(1), "phone": phone(1)}), who="dpo", why="asked", wait_seconds=0
    )
    assert certificate.complete, certificate.open
    assert town.on_meta() == before[0] - {digest(email(1))}
    assert town.on_mailchimp() == before[1] - {email(1)}


def test_an_unreachable_platform_leaves_the_erasure_incomplete(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate says which platform; the same request goes on when it is back, and ends complete."""
    request = town.ask({"customer_id": customer(1)})
    good = town.sandbox.mailchimp_url
    monkeypatch.setenv("TURNOUT_MAIL_BASE_URL", "http://127.0.0.1:9/3.0")
    first = town.erase(request)
    assert not first.complete
    assert any(sentence.startswith(("mail/", "mail:")) for sentence in first.open)
    assert digest(email(1)) not in town.on_meta()
    assert email(1) in town.on_mailchimp()
    monkeypatch.setenv("TURNOUT_MAIL_BASE_URL", good)
    second = town.erase(request)
    assert second.open == ()
    assert (second.request, second.subjects) == (first.request, first.subjects)
    assert email(1) not in town.on_mailchimp()
    assert town.traces((1,)) == []
    assert {(o.destination, o.state) for o in second.audiences} == {("ads", "removed"), ("mail", "removed")}


def test_what_a_late_copy_could_undo_is_kept_until_then(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Removed everywhere, but a copy of the add may be under way: open until then, finished without its file."""
    monkeypatch.setenv("TURNOUT_MAIL_SETTLES_AFTER_MINUTES", "0.05")
    first = town.erase(town.ask({"customer_id": customer(1)}))
    assert {(o.destination, o.state) for o in first.audiences} == {("ads", "removed"), ("mail", "settling")}
    assert not first.complete
    assert any("a late copy of an earlier request may undo it until" in sentence for sentence in first.open)
    assert email(1) not in town.on_mailchimp()
    assert town.traces((1,)) != []
    time.sleep(3)
    [second] = finish(town.project, wait_seconds=0)
    assert second.complete
    assert second.request == first.request
    assert all(o.receipt for o in second.audiences)
    assert town.traces((1,)) == []
    assert finish(town.project, wait_seconds=0) == []


def test_the_certificate_proves_and_names_nobody(town: Town) -> None:
    """What, where, when and the receipts, in JSON and in words; sealed; no personal data, the reason's included."""
    request = town.ask({"customer_id": customer(1)}, {"email": "nobody@example.org"})
    made = erase(town.project, request, who="dpo", why=f"{email(1)} wrote to us", wait_seconds=0)
    written = town.state / "certificates" / f"{made.request}.json"
    found = json.loads(written.read_text())
    assert found["complete"] is True
    assert found["people"] == 2
    assert len(set(found["subjects"])) == 2
    places = {(o["destination"], o["segment"]) for o in found["audiences"]}
    assert places == {("ads", "buyers"), ("mail", "buyers")}
    journalled = town.project.record
    receipts = {o["receipt"].split()[0] for o in found["audiences"]}
    assert all(len(receipt) == 26 for receipt in receipts), "each names the batch in the journal"
    assert journalled.status()
    assert found["deleted_rows"]["warehouse source.customers"] == 1
    text = written.with_suffix(".txt").read_text()
    assert "complete" in text
    for mark in [*marks(1), "nobody@example.org"]:
        assert mark not in written.read_text() + text
    with Register.open(town.state) as register:
        assert is_genuine(written, register)
        found["complete"] = False
        written.write_text(json.dumps(found))
        assert not is_genuine(written, register)


def test_somebody_nobody_knows_is_buried_all_the_same(town: Town) -> None:
    """Not in the sources, in no audience: the erasure is complete, and a file that brings them later is refused."""
    made = town.erase(town.ask({"email": "later@example.com"}))
    assert made.complete
    assert made.audiences == ()
    rows = [[customer(n), email(n), phone(n), "2017-01-01 00:00:00"] for n in range(119)]
    rows.append([customer(119), "Later@Example.com", phone(119), "2017-01-01 00:00:00"])
    town.shop.write("customers", ["customer_id", "email", "phone", "created_at"], rows)
    town.night()
    with town.project.warehouse(read_only=True) as con:
        assert con.execute("select count(*) from source.customers").fetchall() == [(119,)]


@pytest.mark.privacy("P08", "P09")
def test_who_is_known_by_a_digest_alone_is_erased_by_the_address(town: Town) -> None:
    """Their source has the hash of the address: the address in clear finds them, and the hash brings nobody back."""

    def only_hashed() -> None:
        town.shop.write(
            "customers",
            ["customer_id", "email", "phone", "email_sha256", "created_at"],
            (
                (
                    customer(n),
                    "" if n in (1, 3) else email(n),
                    phone(n),
                    digest(email(n)),
                    "2017-01-01 00:00:00",
                )
                for n in range(town.shop.people)
            ),
        )

    only_hashed()
    assert all(delivery.ok for delivery in town.night())
    assert {digest(email(1)), digest(email(3))} <= town.on_meta(), "hashed as Meta wants it"
    certificate = town.erase(town.ask({"email": email(1).upper()}))
    assert certificate.open == ()
    assert digest(email(1)) not in town.on_meta()
    assert digest(email(3)) in town.on_meta()
    only_hashed()
    assert all(delivery.ok for delivery in town.night())
    assert digest(email(1)) not in town.on_meta()
    with town.project.warehouse(read_only=True) as con:
        assert con.execute(
            "select count(*) from source.customers where email_sha256 = ?", [digest(email(1))]
        ).fetchall() == [(0,)]
