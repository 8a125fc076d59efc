"""Every connector that ships keeps the contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.sandbox import SandboxServer
from connectors.testing import ConnectorContract
from tests.contract.openapi import SPEC, WHY_ABSENT
from tests.contract.rigs import FileRig, MailchimpRig, MetaRig, PracticeRig


class TestFile(ConnectorContract):
    """A folder of JSON Lines."""

    @pytest.fixture
    def rig(self, tmp_path: Path) -> FileRig:
        return FileRig(tmp_path / "audiences")


class TestMeta(ConnectorContract):
    """Custom audiences."""

    @pytest.fixture
    def rig(self, sandbox: SandboxServer) -> MetaRig:
        return MetaRig(sandbox)


class TestMailchimp(ConnectorContract):
    """Tags; contacts that exist only."""

    @pytest.fixture
    def rig(self, sandbox: SandboxServer) -> MailchimpRig:
        return MailchimpRig(sandbox)


class TestMailchimpCreating(ConnectorContract):
    """Tags, with missing contacts created."""

    @pytest.fixture
    def rig(self, sandbox: SandboxServer) -> MailchimpRig:
        return MailchimpRig(sandbox, create_missing=True)


class TestPracticeDirect(ConnectorContract):
    """Rows in one request, named by position, OAuth with a rotating refresh token."""

    @pytest.fixture
    def rig(self, sandbox: SandboxServer, tmp_path: Path) -> PracticeRig:
        return PracticeRig(sandbox, tmp_path / "tokens", sign_in="refresh_token", positions="text")


class TestPracticeSession(ConnectorContract):
    """Sessions that tell counts and samples."""

    @pytest.fixture
    def rig(self, sandbox: SandboxServer, tmp_path: Path) -> PracticeRig:
        return PracticeRig(sandbox, tmp_path / "tokens", delivery="session", verdicts="count_and_samples")


class TestPracticeJob(ConnectorContract):
    """Jobs whose verdicts name rows by our own key, OAuth with client credentials."""

    @pytest.fixture
    def rig(self, sandbox: SandboxServer, tmp_path: Path) -> PracticeRig:
        return PracticeRig(
            sandbox, tmp_path / "tokens", delivery="job", positions="key", sign_in="client_credentials"
        )


@pytest.mark.skipif(not SPEC.exists(), reason=WHY_ABSENT)
def test_mailchimp_requests_were_held_to_the_official_description(sandbox: SandboxServer) -> None:
    """The adapter of the Mailchimp rig really sees the connector's requests."""
    rig = MailchimpRig(sandbox)
    rig.people(1)
    TestMailchimp().test_added_people_are_in_and_removed_ones_out(rig)
    assert rig.adapter is not None
    assert rig.adapter.checked >= 4
