"""What all tests share: saying why a test cannot run here, and failing instead where it must."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.contract.openapi import SPEC, violations
from tests.crash.tally import pytest_terminal_summary

__all__ = ["pytest_terminal_summary"]


def require(condition: object, reason: str) -> None:
    """Skip with ``reason`` unless the condition holds; fail where ``TURNOUT_TEST_REQUIRE=1`` says all must run."""
    if condition:
        return
    if os.environ.get("TURNOUT_TEST_REQUIRE") == "1":
        pytest.fail(f"required here, but: {reason}")
    pytest.skip(reason)


@pytest.fixture(autouse=True)
def mailchimp_requests_follow_the_official_file(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test makes the Mailchimp connector send is what Mailchimp's own OpenAPI file describes.

    Where that file is not at hand (a user's clone) nothing is watched; the contract tests say so by skipping.
    """
    if not SPEC.exists():
        yield
        return
    complaints: list[str] = []
    original = requests.Session.send

    def watched(
        session: requests.Session, request: requests.PreparedRequest, **kwargs: Any
    ) -> requests.Response:
        if request.headers.get("User-Agent") == "turnout" and "/3.0/" in str(request.url):
            complaints.extend(violations(request))
        return original(session, request, **kwargs)

    monkeypatch.setattr(requests.Session, "send", watched)
    yield
    assert complaints == []
