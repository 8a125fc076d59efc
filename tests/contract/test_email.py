"""The contract, once for every email tool besides Mailchimp."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connectors.base import Audience, AudienceRequest, Batch
from connectors.sandbox import SandboxServer
from connectors.testing import ConnectorContract
from tests.contract.email import CASES, EmailRig

WANTED = AudienceRequest("Lapsed regulars", "turnout:lapsed_regulars", None)
ONE = Batch("01JD000000000000000000000A", "add", 1, 1, 1)


class TestEmailTools(ConnectorContract):
    """Every promise, for each tool."""

    @pytest.fixture(params=sorted(CASES))
    def rig(self, request: pytest.FixtureRequest, sandbox: SandboxServer) -> EmailRig:
        """The tool as the sandbox plays it."""
        return EmailRig(request.param, sandbox)

    def test_an_audience_is_created_once_and_found_again(self, rig: EmailRig) -> None:  # type: ignore[override]
        """Opened twice without its id, or by it, the audience is the same; one that is not kept is found once used."""
        if rig.audiences_are_kept:
            return super().test_an_audience_is_created_once_and_found_again(rig)
        first = rig.connector.open_audience(WANTED, rig.options)
        assert first.created
        rig.connector.add(first, rig.people(1), ONE)
        found = Audience(first.id, first.name, first.url, created=False)
        assert rig.fresh().open_audience(WANTED, rig.options) == found
        assert rig.connector.open_audience(replace(WANTED, known_id=first.id), rig.options) == found
        return None

    def test_a_deleted_audience_is_gone(self, rig: EmailRig) -> None:  # type: ignore[override]
        """Add, remove and opening by id say AudienceGone; one that is not kept is there again with its next member."""
        if rig.audiences_are_kept:
            return super().test_a_deleted_audience_is_gone(rig)
        audience = rig.connector.open_audience(WANTED, rig.options)
        rig.delete(audience)
        rig.connector.add(audience, rig.people(1), ONE)
        assert rig.members(audience) == 1
        return None
