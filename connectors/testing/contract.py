"""The connector contract as a pytest class to inherit.

    class TestMine(ConnectorContract):
        @pytest.fixture
        def rig(self) -> MyRig:
            ...

gives a named case for each promise of ``connectors.base.Connector``.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pyarrow as pa
import pytest
from ulid import ULID

from connectors.base import (
    Audience,
    AudienceGone,
    AudienceRequest,
    AuthFailed,
    Batch,
    DeliveryError,
    DestinationError,
    Op,
    Receipt,
    Refused,
    Uncertain,
    Verdicts,
)
from connectors.testing.rig import Rig, Trouble

_LOST = (Trouble.ANSWER_LOST, Trouble.BROKEN_ANSWER, Trouble.HTML_PAGE)
_FULL_BATCH = 10_000
_MOST_POLLS = 20


class ConnectorContract:
    """Every promise once; a subclass brings the ``rig``."""

    def test_declares_what_the_engine_plans_by(self, rig: Rig) -> None:
        """Limits, identity, consent and title are there and make sense together."""
        connector = rig.connector
        assert connector.limits.max_rows >= 1
        assert connector.limits.max_in_flight >= 1
        assert connector.title
        assert connector.consent, "name the purposes that a person must have granted"
        assert connector.identity.identifying
        assert connector.lifetime(rig.options) == connector.limits.expires_after, "under the default options"
        names = [column.name for column in connector.identity.columns]
        assert len(set(names)) == len(names)
        assert all(column in connector.identity.handle for column in connector.identity.identifying)

    def test_an_audience_is_created_once_and_found_again(self, rig: Rig) -> None:
        """Opened twice without its id, or by it, the audience is the same; only the first time is it created."""
        first = _open(rig)
        assert first.created
        assert _open(rig) == Audience(first.id, first.name, first.url, created=False)
        assert _open(rig, first.id).id == first.id

    def test_two_audiences_are_two(self, rig: Rig) -> None:
        """Different names and marks never share an audience, even when one begins with the other."""
        assert _open(rig, name="Spring").id != _open(rig, name="Spring sale").id

    def test_added_people_are_in_and_removed_ones_out(self, rig: Rig) -> None:
        """After add the platform holds them; after remove of some, the others."""
        audience, people = _open(rig), rig.people(5)
        receipt = _call(rig, "add", audience, people)
        assert (receipt.status, dict(receipt.rejected), receipt.rejected_unlocated) == ("applied", {}, 0)
        assert rig.members(audience) == 5
        _call(rig, "remove", audience, people.slice(0, 2))
        assert rig.members(audience) == 3

    def test_adding_and_removing_twice_changes_nothing(self, rig: Rig) -> None:
        """Already there and not there are successes."""
        audience, people = _open(rig), rig.people(3)
        for op, held in (("add", 3), ("add", 3), ("remove", 0), ("remove", 0)):
            receipt = _call(rig, "add" if op == "add" else "remove", audience, people)
            assert not receipt.rejected
            assert rig.members(audience) == held

    def test_a_full_batch_is_one_request(self, rig: Rig) -> None:
        """As many rows as the limits promise go in one request, and nothing is sent twice."""
        audience, before = _open(rig), rig.requests()
        people = rig.people(min(rig.connector.limits.max_rows, _FULL_BATCH))
        _call(rig, "add", audience, people)
        assert rig.requests() - before == 1
        assert rig.members(audience) == people.num_rows

    def test_throttling_is_waited_for_as_told(self, rig: Rig) -> None:
        """429 with Retry-After 7: seven seconds later the batch goes through."""
        audience, people = _open(rig), rig.people(2)
        _cause(rig, Trouble.THROTTLED, 1)
        opening = sum(rig.pauses)
        _call(rig, "add", audience, people)
        assert 7 <= sum(rig.pauses) - opening < 8
        assert rig.members(audience) == 2

    @pytest.mark.parametrize("op", ["add", "remove"])
    @pytest.mark.parametrize("trouble", _LOST)
    def test_a_lost_answer_is_never_called_applied_or_refused(
        self, rig: Rig, trouble: Trouble, op: Op
    ) -> None:
        """When no attempt is answered the batch is Uncertain, after a bounded number of attempts."""
        audience, people = _open(rig), rig.people(2)
        if op == "remove":
            _call(rig, "add", audience, people)
        _cause(rig, trouble, None)
        before = rig.requests()
        with pytest.raises(Uncertain) as uncertain:
            _call(rig, op, audience, people)
        assert uncertain.value.maybe_applied
        assert 1 <= rig.requests() - before <= 10

    @pytest.mark.parametrize("trouble", _LOST)
    def test_after_a_lost_answer_the_next_call_settles_it(self, rig: Rig, trouble: Trouble) -> None:
        """One lost answer, then calm: at latest the next call has a receipt, and nobody is in twice."""
        audience, people = _open(rig), rig.people(3)
        _cause(rig, trouble, 1)
        try:
            receipt = _call(rig, "add", audience, people)
        except Uncertain:
            receipt = _call(rig, "add", audience, people)
        assert not receipt.rejected
        assert rig.members(audience) == 3

    def test_no_connection_is_retried_and_then_certain(self, rig: Rig) -> None:
        """Nobody listens: several attempts, then Refused, which certainly changed nothing."""
        audience, people = _open(rig), rig.people(1)
        cut_off = rig.unreachable()
        if cut_off is None:
            pytest.skip("needs no network")
        opening = len(rig.pauses)
        with pytest.raises(Refused) as refused:
            cut_off.add(audience, people, _batch("add", people))
        assert not refused.value.maybe_applied
        assert len(rig.pauses) > opening, "it was not tried again"

    def test_a_deleted_audience_is_gone(self, rig: Rig) -> None:
        """Add, remove and opening by id say AudienceGone; opening without the id makes a new one."""
        audience, people = _open(rig), rig.people(2)
        rig.delete(audience)
        for op in ("add", "remove"):
            with pytest.raises(AudienceGone):
                _call(rig, "add" if op == "add" else "remove", audience, people)
        with pytest.raises(AudienceGone):
            _open(rig, audience.id)
        assert _open(rig).created

    def test_a_refused_credential_names_its_setting(self, rig: Rig) -> None:
        """AuthFailed tells which environment variable to look at."""
        audience, people = _open(rig), rig.people(1)
        _cause(rig, Trouble.SIGNED_OUT, None)
        with pytest.raises(AuthFailed, match=r"TURNOUT_[A-Z0-9_]+"):
            _call(rig, "add", audience, people)

    def test_refused_rows_are_reported_and_the_others_are_in(self, rig: Rig) -> None:
        """Everybody is in or reported: by position where the platform names rows, else by count.

        A connector that makes good what the row lacked and sends it again may have nobody to report.
        """
        audience, people, before = _open(rig), rig.people(4), rig.requests()
        _cause(rig, Trouble.SECOND_ROW_REFUSED, 1)
        receipt = _call(rig, "add", audience, people)
        refused = len(receipt.rejected) + receipt.rejected_unlocated
        assert refused == 1 or (refused == 0 and rig.requests() - before > 1)
        assert rig.members(audience) == 4 - refused
        assert set(receipt.rejected) <= {1}
        if rig.connector.limits.verdicts is Verdicts.PER_ROW:
            assert receipt.rejected_unlocated == 0
        assert all(re.fullmatch(r"[a-z_]+", reason) for reason in receipt.rejected.values())

    @pytest.mark.parametrize("trouble", [t for t in Trouble if t is not Trouble.SECOND_ROW_REFUSED])
    def test_errors_hold_no_identifier_and_no_credential(self, rig: Rig, trouble: Trouble) -> None:
        """Whatever happens, the text of an error and of all its causes shows nobody and opens nothing."""
        audience, people = _open(rig), rig.people(3)
        _cause(rig, trouble, None)
        with pytest.raises(DeliveryError) as failed:
            _call(rig, "add", audience, people)
        identifiers = {cell for column in people.columns for cell in column.to_pylist() if cell}
        error: BaseException | None = failed.value
        while error is not None:
            shown = f"{error} {error!r}"
            assert not [text for text in identifiers | set(rig.secrets) if len(text) > 3 and text in shown]
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)

    def test_endless_throttling_ends(self, rig: Rig) -> None:
        """A platform that never lets anything through ends the call as a matter of the account."""
        audience, people = _open(rig), rig.people(1)
        _cause(rig, Trouble.THROTTLED, None)
        with pytest.raises(DestinationError):
            _call(rig, "add", audience, people)
        assert rig.members(audience) == 0

    def test_a_verdict_can_be_asked_for_again(self, rig: Rig) -> None:
        """An accepted batch has a reference, and polling it twice gives the same verdict and changes nobody."""
        if not rig.connector.limits.asynchronous:
            pytest.skip("answers at once")
        audience, people = _open(rig), rig.people(3)
        accepted = rig.connector.add(audience, people, _batch("add", people))
        if accepted.status == "applied":
            pytest.skip("answers at once, except where only a job will do")
        assert accepted.reference is not None
        first = _final(rig, audience, accepted)
        assert rig.connector.poll(audience, accepted.reference) == first
        assert rig.members(audience) == 3

    def test_batches_can_be_sent_from_many_threads(self, rig: Rig) -> None:
        """As many threads as the limits allow, twelve batches: everybody arrives, nobody twice."""
        audience, people = _open(rig), rig.people(60)
        batches = [people.slice(start, 5) for start in range(0, 60, 5)]
        with ThreadPoolExecutor(rig.connector.limits.max_in_flight) as pool:
            receipts = list(pool.map(lambda rows: _call(rig, "add", audience, rows), batches))
        assert [receipt.status for receipt in receipts] == ["applied"] * 12
        assert rig.members(audience) == 60


def _open(rig: Rig, known_id: str | None = None, name: str = "Lapsed regulars") -> Audience:
    marker = "turnout:" + name.lower().replace(" ", "_")
    return rig.connector.open_audience(AudienceRequest(name, marker, known_id), rig.options)


def _batch(op: Op, rows: pa.Table) -> Batch:
    return Batch(str(ULID()), op, number=1, of=1, size=rows.num_rows)


def _call(rig: Rig, op: Op, audience: Audience, rows: pa.Table) -> Receipt:
    """The receipt of one batch, once it is final."""
    if op == "add":
        return _final(rig, audience, rig.connector.add(audience, rows, _batch(op, rows)))
    handle = [column.name for column in rig.connector.identity.handle]
    return _final(rig, audience, rig.connector.remove(audience, rows.select(handle), _batch(op, rows)))


def _final(rig: Rig, audience: Audience, receipt: Receipt) -> Receipt:
    """What polling makes of an accepted batch on a platform whose jobs are done by now; who was refused stays it."""
    refused = receipt.rejected
    for _ in range(_MOST_POLLS):
        if receipt.status == "applied":
            return replace(receipt, rejected={**refused, **receipt.rejected})
        assert rig.connector.limits.asynchronous, "only an asynchronous connector may answer ``accepted``"
        assert receipt.reference, "without a reference nobody can ask for the verdict"
        receipt = rig.connector.poll(audience, receipt.reference)
    raise AssertionError(f"no verdict after {_MOST_POLLS} polls")


def _cause(rig: Rig, trouble: Trouble, times: int | None) -> None:
    if not rig.cause(trouble, times):
        pytest.skip(f"cannot happen here: {trouble}")
