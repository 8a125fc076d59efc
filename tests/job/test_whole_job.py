"""The main job on real data: exactly the right people on every platform, nothing sent twice, nobody named."""

from __future__ import annotations

import json
import re
from collections import Counter

import duckdb
import pytest

from tests.job.conftest import Audience, Job, Night
from tests.job.independent import ADS, EMAIL, PROFILING, digest

AUDIENCES = 12


def test_every_audience_is_delivered(night: Night) -> None:
    """Eight segments make twelve audiences; each ends well, none is held back."""
    assert len(night.deliveries) == AUDIENCES
    assert {(d.status, d.verdict, d.errors) for d in night.deliveries.values()} == {("delivered", "fine", ())}


@pytest.mark.promise("converges", "never_claimed")
def test_platforms_hold_exactly_the_desired(night: Night) -> None:
    """Whoever is in the segment, consented, unsuppressed and findable is there: nobody more, nobody less."""
    assert night.actual == night.expected
    assert all(night.expected.values()), "an audience without anybody proves nothing"


@pytest.mark.promise("closes")
def test_everybody_is_accounted_for(night: Night) -> None:
    """Desired = kept + added + rejected + uncertain + withheld, and held is what the platform holds."""
    for audience, d in night.deliveries.items():
        assert d.desired == d.kept + d.added + d.rejected + d.uncertain + sum(d.withheld.values()), audience
        assert d.desired == len(night.segments[d.segment])
        assert sum(d.rejected_reasons.values()) == d.rejected
        assert d.held == night.actual[audience].total()
        assert d.uncertain == 0


@pytest.mark.promise("closes")
@pytest.mark.privacy("P01")
def test_withheld_are_those_without_consent(night: Night) -> None:
    """Who is withheld for want of consent, or for a suppression, is counted right for each destination."""
    needs = {"meta": ADS, "mailchimp": EMAIL, "file": PROFILING}
    for (destination, segment), d in night.deliveries.items():
        people = [night.people[customer] for customer in night.segments[segment]]
        allowed = sum(person.may(needs[destination]) for person in people)
        unfindable = d.withheld.get("no_identifier", 0) + d.withheld.get("same_identity", 0)
        assert sum(d.withheld.values()) - unfindable == len(people) - allowed, (destination, segment)


def test_second_run_writes_nothing(job: Job) -> None:
    """Nothing changed: by the platforms' own log nothing was written, by ours no batch was sent."""
    again = job.nights[1]
    assert [request for request in again.logged if request.method != "GET"] == []
    assert [request.method for request in again.sent if request.method != "GET"] == []
    assert {(d.added, d.removed, d.requests) for d in again.deliveries.values()} == {(0, 0, 0)}


def test_first_run_only_adds(job: Job) -> None:
    """Everybody is new: no removal is sent."""
    first = job.nights[0]
    assert {d.removed for d in first.deliveries.values()} == {0}
    for audience, d in first.deliveries.items():
        assert d.added == first.actual[audience].total()


def test_third_run_sends_exactly_the_difference(job: Job) -> None:
    """A month later: added and removed are the two set differences, and no row that stayed was sent again."""
    before, after = job.nights[1], job.nights[2]
    moved = 0
    for audience, d in after.deliveries.items():
        came = after.expected[audience] - before.expected[audience]
        went = before.expected[audience] - after.expected[audience]
        assert (d.added, d.removed) == (came.total(), went.total()), audience
        moved += came.total() + went.total()
    assert moved > 100
    rows: Counter[bool] = Counter()
    for request in after.sent:
        if "/users" in request.url:
            rows[request.adds] += len(request.meta_pairs)
    meta = [d for (destination, _), d in after.deliveries.items() if destination == "meta"]
    assert rows == {True: sum(d.added for d in meta), False: sum(d.removed for d in meta)}


@pytest.mark.requirement("PRI-1")
@pytest.mark.privacy("P01")
def test_nobody_without_consent_is_in_any_payload(job: Job) -> None:
    """Every row of every request that adds is somebody who granted what that destination needs."""
    checked = 0
    for night in job.nights:
        ads = {p.hashed for p in night.people.values() if p.may(ADS)}
        emails = {p.email for p in night.people.values() if p.may(EMAIL)}
        for request in filter(lambda one: one.adds, night.sent):
            if "/users" in request.url:
                wrong = [pair for pair in request.meta_pairs if pair not in ads]
                checked += len(request.meta_pairs)
            else:
                added = json.loads(request.body)["members_to_add"]
                wrong = [email for email in added if email not in emails]
                checked += len(added)
            assert not wrong, f"{len(wrong)} rows in {request.method} {request.url}"
    assert checked > 1_000


def removals(night: Night) -> dict[Audience, list[str]]:
    """Every digest in Meta removals of a run, by audience."""
    audiences = {d.audience_id: audience for audience, d in night.deliveries.items()}
    found: dict[Audience, list[str]] = {}
    for request in night.sent:
        if "/users" in request.url and request.method == "DELETE":
            audience = audiences[request.url.split("/users")[0].rpartition("/")[2]]
            found.setdefault(audience, []).extend(one for pair in request.meta_pairs for one in pair if one)
    return found


@pytest.mark.privacy("P20")
def test_a_removal_names_only_those_who_were_added(job: Job) -> None:
    """No platform learns of anybody by a removal."""
    before, after = job.nights[1], job.nights[2]
    assert removals(after)
    for audience, digests in removals(after).items():
        told = {digest for pair in before.actual[audience] for digest in pair}
        assert set(digests) <= told, audience


def test_a_removal_spares_whoever_shares_an_identifier(job: Job) -> None:
    """Platforms remove by any identifier: one that a desired member has too is left out of the removal."""
    after = job.nights[2]
    for audience, digests in removals(after).items():
        wanted = {digest for pair in after.expected[audience] for digest in pair if digest}
        assert set(digests) & wanted == set(), audience


@pytest.mark.privacy("P12")
def test_nobody_is_resubscribed(job: Job) -> None:
    """Three runs change no contact's subscription, and bring nobody back who had left."""
    assert job.resubscribed == []
    assert job.status_changes == []


@pytest.mark.privacy("P27")
@pytest.mark.promise("quiet")
def test_no_log_output_or_journal_names_a_person(job: Job) -> None:
    """Neither what was printed or logged, nor the journal, nor the platforms' logs hold an identifier."""
    people = job.nights[2].people.values()
    secret = {text for p in people for text in (p.email, p.phone, *p.hashed, digest(p.external_id)) if text}
    assert len(secret) > 5_000
    kept = [path.read_bytes().decode("latin-1") for path in sorted(job.home.glob("state/journal.sqlite*"))]
    assert kept
    told = "\n".join([job.printed, job.request_log, *kept])
    assert "/users" in told, "the logs were not read"
    found = set(re.findall(r"[\w.+%-]+@[\w.-]+|[0-9a-f]{64}|\d{10,15}", told.lower()))
    assert found & secret == set()


@pytest.mark.privacy("P31")
def test_state_keeps_no_plain_contact_data_of_ad_platforms(job: Job) -> None:
    """The ledger of an ad platform holds digests alone."""
    path = job.home / "state" / "meta.duckdb"
    with duckdb.connect(path, read_only=True) as con:
        tables = con.execute("select table_name from duckdb_tables()").fetchall()
        text = "\n".join(
            str(row) for (table,) in tables for row in con.execute(f'from "{table}"').fetchall()
        ).lower()
    assert len(text) > 100_000
    emails = {p.email for p in job.nights[2].people.values() if p.email}
    assert set(re.findall(r"[\w.+%-]+@[\w.-]+", text)) & emails == set()


def test_mailchimp_requests_follow_the_official_file(job: Job) -> None:
    """Where Mailchimp's OpenAPI file is at hand, it has nothing against any request of the job."""
    assert job.violations == []
