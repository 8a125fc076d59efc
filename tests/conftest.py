"""What all tests share: saying why a test cannot run here, and failing instead where it must."""

from __future__ import annotations

import os

import pytest


def require(condition: object, reason: str) -> None:
    """Skip with ``reason`` unless the condition holds; fail where ``TURNOUT_TEST_REQUIRE=1`` says all must run."""
    if condition:
        return
    if os.environ.get("TURNOUT_TEST_REQUIRE") == "1":
        pytest.fail(f"required here, but: {reason}")
    pytest.skip(reason)
